/** Makes a plan that names its child by the authority's own identifier, and the Patient with that identifier, come one after the other: whichever is second finds the first (R8). */
import type { LockKey, Token } from '../../store/store.ts'
import type { Workspace } from './workspace.ts'

/** A lock for each identifier that has a value; by its value alone, as a plan may leave its system out. Pure. */
export function namingLocks(work: Workspace, tokens: readonly (Token | undefined)[]): readonly LockKey[] {
  const values = new Set(tokens.map((token) => token?.value).filter((value) => value !== undefined))
  return [...values].map((value) => ({ kind: 'condition', owner: work.facts.owner, text: `patient named ${value}` }))
}
