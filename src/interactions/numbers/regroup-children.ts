/** Linking numbers makes one child of two, and undoing a link two of one: pointers, histories and incidents follow (register.md R23; storage.md "Transactions"). */
import type { Access } from '../../domain/access-history.ts'
import type { ChildKey, NhsNumber } from '../../domain/brands.ts'
import { mergeIncidents, rebuildIncidents } from '../../domain/incident.ts'
import { lastNumber, numbersOfChild, without } from '../../domain/number-chain.ts'
import { type DecidedNotice, linksAfter, type NumberLink, replacementsOf } from '../../domain/number-notice.ts'
import type { ChildState, Unit } from '../../store/store.ts'
import type { NoticeFacts } from './refresh-plans.ts'

/** Far more than one child's accesses of the months that count (R22). */
const MOST_ACCESSES = 5_000

type Changed = Extract<DecidedNotice, { kind: 'changed' }>

/** Carries out a decided notice. Locks every child concerned first, so that checks of any of them come before or after. */
export async function regroupChildren(
  unit: Unit,
  change: { readonly links: readonly NumberLink[]; readonly decided: Changed },
  facts: NoticeFacts,
): Promise<void> {
  const { links, decided } = change
  const { undone, made } = decided
  const known = await lockChildren(unit, childrenOf(unit, change))
  if (undone !== undefined) {
    await unit.removeNumberLink(undone)
    await split({ unit, known, facts }, links, undone)
  }
  if (made !== undefined) {
    await unit.putNumberLink(made)
    await join({ unit, known, facts }, linksAfter(links, decided), made)
  }
}

/** The children before, and between undoing and making: those after are among them. */
function childrenOf(unit: Unit, { links, decided }: { links: readonly NumberLink[]; decided: Changed }): ChildKey[] {
  const { undone, made } = decided
  const numbers = [undone, made].flatMap((link) => [link?.from, link?.to]).filter((one) => one !== undefined)
  const standing = replacementsOf(links)
  const between = undone === undefined ? standing : without(standing, undone.from)
  return [standing, between].flatMap((replacements) =>
    numbers.map((one) => unit.childKey(lastNumber(replacements, one))),
  )
}

async function lockChildren(unit: Unit, children: readonly ChildKey[]): Promise<Map<ChildKey, ChildState>> {
  const known = new Map<ChildKey, ChildState>()
  for (const key of [...new Set(children)].sort()) known.set(key, await unit.lockChild(key))
  return known
}

interface Regrouping {
  readonly unit: Unit
  readonly known: Map<ChildKey, ChildState>
  readonly facts: NoticeFacts
}

const NOTHING: ChildState = { incidents: [] }

/** Each part gets the accesses that were made under its numbers, and the incidents that these make. */
async function split(work: Regrouping, links: readonly NumberLink[], undone: NumberLink): Promise<void> {
  if (undone.to === undefined) return
  const { unit, known } = work
  const old = unit.childKey(lastNumber(replacementsOf(links), undone.from))
  const before = { known: known.get(old) ?? NOTHING, together: await unit.accesses(old, { limit: MOST_ACCESSES }) }
  const left = without(replacementsOf(links), undone.from)
  // The part that leaves goes first: what remains is the other's.
  for (const number of [undone.from, undone.to]) {
    const into = unit.childKey(lastNumber(left, number))
    await unit.gatherChild({ numbers: [...numbersOfChild(left, number)], from: [old], into })
    await rebuild(work, into, before)
  }
}

/** The child that is split: what was remembered of it, and its accesses. */
interface Before {
  readonly known: ChildState
  readonly together: readonly Access[]
}

async function rebuild({ unit, known, facts }: Regrouping, child: ChildKey, before: Before): Promise<void> {
  const accesses = await unit.accesses(child, { limit: MOST_ACCESSES })
  const state = rebuildIncidents(accesses, {
    ...before,
    at: facts.at,
    incidentId: (accessId) => facts.keyedId(['incident', accessId]),
  })
  await unit.saveChild(child, state)
  known.set(child, state)
}

/** The child of the old number becomes that of the chain's last. */
async function join(work: Regrouping, links: readonly NumberLink[], made: NumberLink): Promise<void> {
  if (made.to === undefined) return
  const { unit, known } = work
  const replacements = replacementsOf(links)
  const from = unit.childKey(made.from)
  const into = unit.childKey(lastNumber(replacements, made.to))
  const numbers: readonly NhsNumber[] = [...numbersOfChild(replacements, made.to)]
  await unit.gatherChild({ numbers, from: [from], into })
  await unit.saveChild(into, mergeIncidents(known.get(into) ?? NOTHING, known.get(from) ?? NOTHING))
  await unit.saveChild(from, NOTHING)
}
