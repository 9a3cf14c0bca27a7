/** A council's CSV file → its plans and children, ready to be sent: rows of one child are put together, and rows that contradict each other are refused. */
import { readFileSync } from 'node:fs'
import { CANONICAL_BASE } from '../fhir/canonicals.ts'
import { parseCsv } from './csv.ts'
import { CliError, EXIT } from './io.ts'
import { type NamedRow, nameRows } from './plan-columns.ts'
import { type ChildOfRow, type OwnSystems, type PlanOfRow, type RowFault, readPlanRow } from './plan-row.ts'

/** Systems under which a council's ids are filed unless it has its own: identifiers are judged within the authority. */
export const DEFAULT_SYSTEMS: OwnSystems = {
  plan: `${CANONICAL_BASE}/Id/la-plan`,
  child: `${CANONICAL_BASE}/Id/la-child`,
}

export interface PlanFile {
  readonly header: readonly string[]
  /** All rows by their number, for writing them again. */
  readonly asRead: ReadonlyMap<number, NamedRow>
  readonly plans: readonly PlanOfRow[]
  /** Rows that cannot be sent. */
  readonly refused: ReadonlyMap<number, readonly RowFault[]>
}

/** Reads and checks the whole file before anything is sent. Throws CliError when it is no CSV of these columns. Disk I/O. */
export function readPlanFile(path: string, systems: OwnSystems): PlanFile {
  const parsed = parseCsv(readBytes(path))
  if ('fault' in parsed) throw new CliError(EXIT.usage, `${path}: ${parsed.fault}`)
  const named = nameRows(parsed.rows)
  if ('fault' in named) throw new CliError(EXIT.usage, `${path}: ${named.fault}`)
  return buildPlanFile(named.header, named.rows, systems)
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new CliError(EXIT.usage, `${path} cannot be read.`, { cause })
  }
}

/** Pure. */
export function buildPlanFile(header: readonly string[], rows: readonly NamedRow[], systems: OwnSystems): PlanFile {
  const refused = new Map<number, readonly RowFault[]>()
  const read: PlanOfRow[] = []
  for (const named of rows) {
    const one = readPlanRow(named, systems)
    if ('faults' in one) refused.set(one.row, one.faults)
    else read.push(one)
  }
  refuseRepeatedIds(read, refused)
  const children = mergeChildren(read, refused)
  const plans = read
    .filter(({ row }) => !refused.has(row))
    .map((one) => ({ ...one, child: children.get(keyOf(one.child)) ?? one.child }))
  return { header, asRead: new Map(rows.map((one) => [one.row, one])), plans, refused }
}

function refuseRepeatedIds(plans: readonly PlanOfRow[], refused: Map<number, readonly RowFault[]>): void {
  const first = new Map<string, number>()
  for (const { row, plan } of plans) {
    const id = plan.identifier?.[0]?.value ?? ''
    const earlier = first.get(id)
    if (earlier === undefined) first.set(id, row)
    else refused.set(row, [{ code: 'DUPLICATE_IDENTIFIER', words: `plan_id stands in row ${earlier} already.` }])
  }
}

const keyOf = (child: ChildOfRow): string =>
  child.childId === undefined ? `number ${child.nhsNumber}` : `id ${child.childId}`

const FIELDS = {
  nhsNumber: 'nhs_number',
  childId: 'child_id',
  birthDate: 'birth_date',
  given: 'given',
  family: 'family',
} as const

/** What all rows of a child say together; a row that says otherwise than one before it is refused. */
function mergeChildren(
  plans: readonly PlanOfRow[],
  refused: Map<number, readonly RowFault[]>,
): ReadonlyMap<string, ChildOfRow> {
  const children = new Map<string, ChildOfRow>()
  for (const { row, child } of plans) {
    if (refused.has(row)) continue
    const known = children.get(keyOf(child)) ?? {}
    const clashes = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).filter(
      (field) => known[field] !== undefined && child[field] !== undefined && known[field] !== child[field],
    )
    if (clashes.length === 0) children.set(keyOf(child), { ...known, ...child })
    else {
      const words = `another row of this child has another ${clashes.map((field) => FIELDS[field]).join(', ')}.`
      refused.set(row, [{ code: 'NUMBERS_DISAGREE', words }])
    }
  }
  return children
}
