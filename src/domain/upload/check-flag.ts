/** Whether a sent Flag says what its plan says (register.md R14). */
import type { Flag, Reference } from '@medplum/fhirtypes'
import { EXTENSION, SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { LondonDay } from '../brands.ts'
import { type PlanFacts, planTypeOf } from '../plan.ts'
import { flagStatusOn } from '../visibility.ts'
import type { Token } from './draft.ts'
import { isSameToken, listOf, partsOf, relativeReference, textOf, tokenOf } from './tolerant.ts'

/** The plan that a Flag must agree with, its references resolved. */
export interface PlanOfFlag extends Pick<PlanFacts, 'type' | 'start' | 'end' | 'withdrawn' | 'birthDate'> {
  /** Everything that means the plan: `EpisodeOfCare/x`, the urn:uuid of its Bundle entry, a condition that found it. */
  readonly references: readonly string[]
  readonly identifiers: readonly Token[]
  /** The same for its patient; the NHS number is one of the identifiers. */
  readonly patientReferences: readonly string[]
  readonly patientIdentifiers: readonly Token[]
}

/**
 * All differences between a Flag (as parseFlag gives it; its author is checked there) and its plan: FLAG_DISAGREES with
 * the place of each. A status that the days contradict is corrected, which an information issue says; only
 * entered-in-error against a live plan disagrees. Absent period and author are filled in. Pure.
 */
export function checkFlag(sent: Flag, plan: PlanOfFlag, today: LondonDay): readonly Issue[] {
  return [
    ...differs(!isSameType(sent, plan), 'Flag.code', 'The code must be the type of the plan.'),
    ...differs(!isSamePatient(sent.subject, plan), 'Flag.subject', 'The subject must be whom the plan is about.'),
    ...checkFlagPeriod(sent, plan),
    ...differs(!isDetailOf(sent, plan), 'Flag.extension', 'flag-detail must name the plan that the Flag came with.'),
    ...checkFlagStatus(sent.status, plan, today),
  ]
}

function differs(isDifferent: boolean, place: string, text: string): readonly Issue[] {
  return isDifferent ? [issue('FLAG_DISAGREES', place, text)] : []
}

function isSameType(sent: Flag, plan: PlanOfFlag): boolean {
  const codes = listOf(sent.code?.coding).filter(({ item }) => item.system === SYSTEM.snomed)
  const types = codes.map(({ item }) => planTypeOf(item.code ?? ''))
  return types.length > 0 && types.every((type) => type === plan.type)
}

/** One part agrees, and an NHS number never contradicts. */
function isSamePatient(subject: Reference | undefined, plan: PlanOfFlag): boolean {
  const { literal, identifier } = partsOf(subject)
  const isNamed = literal !== undefined && plan.patientReferences.includes(relativeReference(literal, undefined))
  if (identifier === undefined) return isNamed
  const token = tokenOf(identifier)
  if (plan.patientIdentifiers.some((one) => isSameToken(one, token))) return true
  return isNamed && token.system !== SYSTEM.nhsNumber
}

function checkFlagPeriod(sent: Flag, plan: PlanOfFlag): readonly Issue[] {
  if (sent.period === undefined) return []
  return [
    ...differs(textOf(sent.period.start) !== plan.start, 'Flag.period.start', 'The start must be that of the plan.'),
    ...differs(textOf(sent.period.end) !== plan.end, 'Flag.period.end', 'The end must be that of the plan.'),
  ]
}

function isDetailOf(sent: Flag, plan: PlanOfFlag): boolean {
  const found = listOf(sent.extension).find(({ item }) => item.url === EXTENSION.flagDetail)
  const { literal, identifier } = partsOf(found?.item.valueReference)
  if (literal !== undefined) return plan.references.includes(relativeReference(literal, undefined))
  return identifier !== undefined && plan.identifiers.some((one) => isSameToken(one, tokenOf(identifier)))
}

function checkFlagStatus(status: Flag['status'] | undefined, plan: PlanOfFlag, today: LondonDay): readonly Issue[] {
  const right = flagStatusOn(plan, today)
  if (status === undefined || status === right) return []
  if (status === 'entered-in-error') {
    return differs(true, 'Flag.status', 'The plan is not withdrawn. Withdraw the plan; its Flag follows.')
  }
  return [issue('STATUS_CORRECTED', 'Flag.status', `The plan makes the status ${right}.`)]
}
