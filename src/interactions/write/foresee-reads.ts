/** What a set of changes will look for in the database, as far as it can be told from the changes alone. Pure. */
import type { NhsNumber } from '../../domain/brands.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import type { Token } from '../../store/store.ts'
import type { Change } from './change.ts'

/** An identifier with both its parts: the only form that is read ahead. */
export interface FullToken {
  readonly system: string
  readonly value: string
}

export interface Foreseen {
  readonly planTokens: readonly FullToken[]
  readonly patientTokens: readonly FullToken[]
  /** The authority's own identifiers of Patients that come: plans may wait for them. */
  readonly namingTokens: readonly FullToken[]
  /** NHS numbers under which Patients are looked for. */
  readonly numbers: readonly NhsNumber[]
  /** NHS numbers under which the other plans of a child are looked for. */
  readonly planNumbers: readonly NhsNumber[]
  /** Ids taken for Patients that may be new: nothing can refer to them yet. */
  readonly freshPatientIds: readonly string[]
  /** Whether plans are looked for by their Patient: it changes, or it has no number. */
  readonly patientsLookedUp: boolean
}

/** Keys of the reads that these changes lead to; what is not foreseen is read when it is asked for. Pure. */
export function foreseeReads(changes: readonly Change[]): Foreseen {
  const planTokens = new Map<string, FullToken>()
  const patientTokens = new Map<string, FullToken>()
  const namingTokens = new Map<string, FullToken>()
  const numbers = new Set<NhsNumber>()
  const planNumbers = new Set<NhsNumber>()
  const freshPatientIds: string[] = []
  let patientsLookedUp = false
  for (const change of changes) {
    const tokens = change.type === 'EpisodeOfCare' ? planTokens : change.type === 'Patient' ? patientTokens : undefined
    if (tokens === undefined) continue
    addToken(tokens, identifierOfCondition(change.condition))
    const { draft } = change
    if (draft?.kind === 'EpisodeOfCare') {
      for (const token of draft.identifiers) addToken(planTokens, token)
      if (draft.nhsNumber !== undefined) {
        numbers.add(draft.nhsNumber)
        planNumbers.add(draft.nhsNumber)
      } else if (draft.patientReference === undefined) {
        addToken(patientTokens, draft.patientIdentifier)
        patientsLookedUp = true
      }
    } else if (draft?.kind === 'Patient') {
      for (const token of draft.unique) addToken(patientTokens, token)
      for (const token of draft.identifiers) if (token.system !== SYSTEM.nhsNumber) addToken(namingTokens, token)
      if (draft.nhsNumber !== undefined) {
        numbers.add(draft.nhsNumber)
        planNumbers.add(draft.nhsNumber)
      }
      freshPatientIds.push(change.freshId)
      patientsLookedUp = true
    }
  }
  return {
    planTokens: [...planTokens.values()],
    patientTokens: [...patientTokens.values()],
    namingTokens: [...namingTokens.values()],
    numbers: [...numbers],
    planNumbers: [...planNumbers],
    freshPatientIds,
    patientsLookedUp,
  }
}

function addToken(to: Map<string, FullToken>, token: Token | undefined): void {
  if (token?.system && token.value)
    to.set(`${token.system}|${token.value}`, { system: token.system, value: token.value })
}

/** The one identifier, with both its parts, that a condition asks for and nothing else; undefined for any other condition. Pure. */
export function identifierOfCondition(condition: string | undefined): FullToken | undefined {
  if (condition === undefined) return undefined
  const pairs = [...new URLSearchParams(condition.replace(/^[A-Za-z]*\?/, ''))]
  const [name, text = ''] = pairs[0] ?? []
  if (pairs.length !== 1 || name !== 'identifier' || /[,\\$]/.test(text)) return undefined
  const [system, value, rest] = text.split('|')
  if (!system || !value || rest !== undefined || system === SYSTEM.nhsNumber) return undefined
  return { system, value }
}
