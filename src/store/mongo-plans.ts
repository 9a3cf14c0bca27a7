/** The plans that a number leads to, across authorities: one indexed read when there is nothing (storage.md "Transactions"; R7, R23, R24). */
import type { ChildKey, NhsNumber } from '../domain/brands.ts'
import type { PointerDocument, RowDocument } from './collections.ts'
import { plansOf, reading, run, type Scope } from './scope.ts'
import { type PlanOfChild, StoreError } from './store.ts'

const NARROW = {
  kind: 1,
  subjectKey: 1,
  leadsTo: 1,
  via: 1,
  childKey: 1,
  version: 1,
  owner: 1,
  planType: 1,
  start: 1,
  end: 1,
  withdrawn: 1,
  flagId: 1,
  birthDate: 1,
  expectedDelivery: 1,
} as const

/** Live plans of the number itself and, when a pointer stands beside them, of the numbers that it leads to. All are the child's that the asked number stands for: the last of its chain (R23). */
export async function findPlansOfChild(scope: Scope, nhsNumber: NhsNumber): Promise<readonly PlanOfChild[]> {
  const asked = scope.crypto.subjectKey(nhsNumber)
  const paths = new Map<string, PlanOfChild['via']>([[asked, 'own']])
  const found: (readonly [RowDocument, PlanOfChild['via']])[] = []
  let childKey = asked as string as ChildKey
  // A number is read once, so loops end; the child's own numbers first, so that none is taken for its mother's.
  let next: readonly string[] = [asked]
  const mothers: PointerDocument[] = []
  while (next.length > 0) {
    const documents = await readLive(scope, next)
    for (const document of documents) {
      const via = paths.get(document.subjectKey ?? '')
      if (via !== undefined && isPlan(document) && isReached(document, via)) found.push([document, via])
    }
    const pointers = documents.filter(isPointer)
    const own = pointers.find((pointer) => pointer.subjectKey === asked && pointer.via === 'superseded')
    if (own !== undefined) childKey = own.childKey as ChildKey
    mothers.push(...pointers.filter(({ via }) => via === 'mother'))
    next = followAll(
      pointers.filter(({ via }) => via === 'superseded'),
      paths,
    )
    if (next.length === 0) next = followAll(mothers.splice(0), paths)
  }
  return found.map(([document, via]) => toPlan(document, { via, childKey, nhsNumber }))
}

async function readLive(scope: Scope, keys: readonly string[]): Promise<readonly (RowDocument | PointerDocument)[]> {
  const [only, second] = keys
  const subjectKey = second === undefined && only !== undefined ? only : { $in: [...keys] }
  return run(
    scope,
    plansOf(scope)
      .find({ subjectKey, live: true }, { ...reading(scope), projection: NARROW })
      .toArray(),
  )
}

const isPointer = (document: RowDocument | PointerDocument): document is PointerDocument => 'kind' in document
const isPlan = (document: RowDocument | PointerDocument): document is RowDocument => !('kind' in document)

function followAll(pointers: readonly PointerDocument[], paths: Map<string, PlanOfChild['via']>): readonly string[] {
  return pointers.flatMap((pointer) => follow(pointer, paths))
}

/** The number a pointer leads to, unless it was read; a mother's own mother is nobody's business here. */
function follow(pointer: PointerDocument, paths: Map<string, PlanOfChild['via']>): string[] {
  const from = paths.get(pointer.subjectKey)
  if (from === undefined || paths.has(pointer.leadsTo)) return []
  if (from === 'mother' && pointer.via === 'mother') return []
  paths.set(pointer.leadsTo, from === 'mother' ? 'mother' : pointer.via)
  return [pointer.leadsTo]
}

/** Through the mother only her unborn plans are the child's (R24). */
function isReached(plan: RowDocument, via: PlanOfChild['via']): boolean {
  return via !== 'mother' || plan.planType === 'UCPP'
}

interface Reached {
  readonly via: PlanOfChild['via']
  readonly childKey: ChildKey
  readonly nhsNumber: NhsNumber
}

function toPlan(document: RowDocument, { via, childKey, nhsNumber }: Reached): PlanOfChild {
  const { planType, start, flagId } = document
  if (planType === undefined || start === undefined || flagId === undefined) {
    throw new StoreError('transient', 'A stored plan lacks its facts.')
  }
  return {
    id: document._id,
    version: document.version,
    flagId,
    owner: document.owner,
    type: planType,
    start,
    ...(document.end === undefined ? {} : { end: document.end }),
    withdrawn: document.withdrawn === true,
    // Only the number that was asked for: another is not known here, nor needed.
    ...(via === 'own' ? { nhsNumber } : {}),
    ...(document.birthDate === undefined ? {} : { birthDate: document.birthDate }),
    ...(document.expectedDelivery === undefined ? {} : { expectedDelivery: document.expectedDelivery }),
    via,
    childKey,
  } as PlanOfChild
}
