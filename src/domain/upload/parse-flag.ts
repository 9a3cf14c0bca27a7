/** A Flag that an authority brings along with its plan → what it says, or what is wrong with it by itself (register.md R1, R10, R14). */

import type { Flag, Identifier, Patient, Reference } from '@medplum/fhirtypes'
import { EXTENSION } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { FilingFacts, FlagDraft, Token } from './draft.ts'
import { dropNotHeld } from './not-held.ts'
import { authorityReference, checkAssigners, checkOwnAuthority } from './own-authority.ts'
import { parseWholeDay } from './plan-dates.ts'
import { keptReference, parseAboutWhom } from './plan-parts.ts'
import { isResolvable, listOf, partsOf, relativeReference, tokenOf } from './tolerant.ts'

export interface ParsedFlag {
  readonly issues: readonly Issue[]
  /** Present when no issue is an error. */
  readonly flag?: FlagDraft
}

/** Parses a Flag: the plan it belongs to, still to be resolved, and its content made comparable with that plan (checkFlag). All faults at once, with places below `Flag`. Pure. */
export function parseFlag(resource: Flag, facts: FilingFacts): ParsedFlag {
  const subject = isAboutPatient(resource.subject) ? resource.subject : undefined
  const who = parseAboutWhom(subject, 'Flag.subject', facts)
  const start = parseWholeDay(resource.period?.start, 'Flag.period.start')
  const end = parseWholeDay(resource.period?.end, 'Flag.period.end')
  const detail = parseDetail(resource, facts)
  const issues = [
    ...checkOwnAuthority(resource.author, 'Flag.author', facts),
    ...checkAssigners(resource.identifier, 'Flag.identifier', facts),
    ...who.issues,
    ...start.issues,
    ...end.issues,
    ...detail.issues,
  ]
  if (issues.some(isError) || subject === undefined) return { issues }
  const { id: _id, meta: _meta, ...content } = dropNotHeld(resource).resource
  const period = {
    ...(start.day === undefined ? {} : { start: start.day }),
    ...(end.day === undefined ? {} : { end: end.day }),
  }
  const flag: Flag = {
    ...content,
    subject: keptReference(subject, who.about),
    author: authorityReference(facts),
    ...(resource.period === undefined ? {} : { period }),
  }
  return { issues, flag: { resource: flag, ...detail.target, identifiers: tokensOf(resource.identifier) } }
}

/** R4 lets a Flag be about places and medications too; parseAboutWhom refuses those. */
function isAboutPatient(reference: Flag['subject'] | undefined): reference is Reference<Patient> {
  return isObject(reference)
}

interface Detail {
  readonly issues: readonly Issue[]
  readonly target: Pick<FlagDraft, 'planReference' | 'planIdentifier'>
}

/** The plan that the flag-detail extension names; a Flag without a plan is refused (R14). */
function parseDetail(resource: Flag, facts: FilingFacts): Detail {
  const found = listOf(resource.extension).find(({ item }) => item.url === EXTENSION.flagDetail)
  if (found === undefined) return { issues: [withoutPlan('Flag.extension')], target: {} }
  const place = `Flag.extension[${found.at}].value`
  const { literal, identifier } = partsOf(found.item.valueReference)
  if (literal !== undefined) {
    const planReference = relativeReference(literal, facts.fhirBase)
    if (!isResolvable(planReference, 'EpisodeOfCare'))
      return { issues: [issue('INVALID_REFERENCE', place)], target: {} }
    return { issues: [], target: { planReference } }
  }
  return identifier === undefined
    ? { issues: [withoutPlan(place)], target: {} }
    : { issues: [], target: { planIdentifier: tokenOf(identifier) } }
}

const withoutPlan = (place: string): Issue =>
  issue('PROFILE', place, 'A Flag needs its plan: name it in the flag-detail extension, or leave the Flag out.')

function tokensOf(identifiers: readonly Identifier[] | undefined): readonly Token[] {
  return listOf(identifiers).map(({ item }) => tokenOf(item))
}
