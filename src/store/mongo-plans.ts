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

/** How far the reading has come from the number that was asked for. */
interface Path {
  readonly via: PlanOfChild['via']
  readonly childKey?: ChildKey
}

/** Live plans of the number itself and, when a pointer stands beside them, of the numbers that it leads to. */
export async function findPlansOfChild(scope: Scope, nhsNumber: NhsNumber): Promise<readonly PlanOfChild[]> {
  const asked = scope.crypto.subjectKey(nhsNumber)
  const paths = new Map<string, Path>([[asked, { via: 'own' }]])
  const plans: PlanOfChild[] = []
  // Chains are followed to their end; a number is read once, so loops end too.
  let next: readonly string[] = [asked]
  while (next.length > 0) {
    const found = await readLive(scope, next)
    for (const document of found) {
      const path = paths.get(document.subjectKey ?? '')
      if (path !== undefined && isPlan(document) && isReached(document, path))
        plans.push(toPlan(document, path, nhsNumber))
    }
    next = found.filter(isPointer).flatMap((pointer) => follow(pointer, paths))
  }
  return plans
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

/** The number a pointer leads to, unless it was read; a mother's own mother is nobody's business here. */
function follow(pointer: PointerDocument, paths: Map<string, Path>): string[] {
  const from = paths.get(pointer.subjectKey)
  if (from === undefined || paths.has(pointer.leadsTo)) return []
  if (from.via === 'mother' && pointer.via === 'mother') return []
  paths.set(pointer.leadsTo, {
    via: from.via === 'mother' ? 'mother' : pointer.via,
    childKey: from.childKey ?? (pointer.childKey as ChildKey),
  })
  return [pointer.leadsTo]
}

/** Through the mother only her unborn plans are the child's (R24). */
function isReached(plan: RowDocument, path: Path): boolean {
  return path.via !== 'mother' || plan.planType === 'UCPP'
}

function toPlan(document: RowDocument, path: Path, nhsNumber: NhsNumber): PlanOfChild {
  const { planType, start, flagId, childKey, subjectKey } = document
  if (planType === undefined || start === undefined || flagId === undefined || subjectKey === undefined) {
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
    ...(path.via === 'own' ? { nhsNumber } : {}),
    ...(document.birthDate === undefined ? {} : { birthDate: document.birthDate }),
    ...(document.expectedDelivery === undefined ? {} : { expectedDelivery: document.expectedDelivery }),
    via: path.via,
    childKey: path.childKey ?? childKey ?? subjectKey,
  } as PlanOfChild
}
