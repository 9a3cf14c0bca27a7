/** Templates: rows that the server wrote itself, read back from its database and filled in anew for each seeded child, so that what a row is made of is written down nowhere but there. */
import { toRow } from '../src/store/row-document.ts'
import { rowsOf, type Scope } from '../src/store/scope.ts'
import type { OwnedType, Row } from '../src/store/store.ts'
import type { Child } from './children.ts'

const TYPES = ['Patient', 'EpisodeOfCare', 'Flag'] as const

/** What differs from child to child. */
export interface Filling {
  readonly nhsNumber: string
  readonly local: string
  readonly start: string
  readonly owner: string
  readonly ownerName: string
  readonly lastUpdated: string
  readonly patientId: string
  readonly planId: string
  readonly flagId: string
}

/** Gives the rows of one child. */
export type Template = (filling: Filling) => readonly Row<OwnedType>[]

/** The template out of the rows of a child that was filed through HTTP. Throws when they are not there. Store I/O. */
export async function readTemplate(scope: Scope, child: Child, ownerName: string): Promise<Template> {
  const subjectKey = scope.crypto.subjectKey(child.nhsNumber as Parameters<typeof scope.crypto.subjectKey>[0])
  const rows: Row<OwnedType>[] = []
  for (const type of TYPES) {
    const documents = await rowsOf(scope, type).find({ subjectKey }).toArray()
    for (const document of documents) rows.push(toRow<OwnedType>(type, document, scope.crypto))
  }
  const [plan, flag, patient] = [idOf(rows, 'EpisodeOfCare'), idOf(rows, 'Flag'), idOf(rows, 'Patient')]
  const [any] = rows
  if (plan === undefined || flag === undefined || any === undefined) throw new Error('The template was not filed.')
  const stamps = new Map<string, keyof Filling>([
    [child.nhsNumber, 'nhsNumber'],
    [child.local, 'local'],
    [child.start, 'start'],
    [any.owner, 'owner'],
    [ownerName, 'ownerName'],
    [any.lastUpdated, 'lastUpdated'],
    [plan, 'planId'],
    [flag, 'flagId'],
    ...(patient === undefined ? [] : [[patient, 'patientId'] as const]),
  ])
  const pieces = split(JSON.stringify(rows), stamps)
  return (filling) =>
    JSON.parse(
      pieces.map((piece) => (typeof piece === 'string' ? piece : filling[piece.field])).join(''),
    ) as Row<OwnedType>[]
}

function idOf(rows: readonly Row<OwnedType>[], type: OwnedType): string | undefined {
  return rows.find((row) => row.type === type)?.id
}

type Piece = string | { readonly field: keyof Filling }

function split(text: string, stamps: ReadonlyMap<string, keyof Filling>): readonly Piece[] {
  const pattern = new RegExp(`(${[...stamps.keys()].map((one) => one.replaceAll(/[^\w-]/g, '\\$&')).join('|')})`)
  return text.split(pattern).map((piece): Piece => {
    const field = stamps.get(piece)
    return field === undefined ? piece : { field }
  })
}
