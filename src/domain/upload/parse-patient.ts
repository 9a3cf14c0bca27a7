/** A filed Patient → its facts and the resource as it will be kept, or all that is wrong with it (register.md R1, R6, R10). */

import type { Identifier, Patient } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { LondonDay } from '../brands.ts'
import { parseNhsNumber } from '../nhs-number.ts'
import { lastDayItCouldBe } from '../visibility.ts'
import type { FilingFacts, PatientDraft } from './draft.ts'
import { dropNotHeld } from './not-held.ts'
import { checkAssigners, checkOwnAuthority } from './own-authority.ts'
import { listOf, textOf, tokenOf } from './tolerant.ts'

export interface ParsedPatient {
  readonly issues: readonly Issue[]
  /** Present when no issue is an error. */
  readonly patient?: PatientDraft
}

const EARLIEST_BIRTH_YEAR = '1900'

/** Parses a Patient as one authority files it. All faults at once, with places below `Patient`. Pure. */
export function parsePatient(resource: Patient, facts: FilingFacts): ParsedPatient {
  const issues = [
    ...checkOwnAuthority(resource.managingOrganization, 'Patient.managingOrganization', facts),
    ...checkAssigners(resource.identifier, 'Patient.identifier', facts),
    ...checkNumbers(resource.identifier, facts),
    ...checkBirth(resource.birthDate, facts.today),
  ]
  if (issues.some(isError)) return { issues }
  const { id: _id, meta: _meta, ...content } = dropNotHeld(resource).resource
  const identifier = Array.isArray(content.identifier)
    ? content.identifier.map((one) => keptIdentifier(one, facts))
    : undefined
  const tokens = listOf(identifier).map(({ item }) => tokenOf(item))
  const unique = tokens.filter((one) => one.system === SYSTEM.nhsNumber)
  const number = parseNhsNumber(unique[0]?.value, facts.numberRange).nhsNumber
  const birthDate = textOf(content.birthDate)
  const patient: PatientDraft = {
    resource: { ...content, ...(identifier === undefined ? {} : { identifier }) },
    ...(number === undefined ? {} : { nhsNumber: number }),
    ...(birthDate === undefined ? {} : { birthDate }),
    identifiers: tokens,
    unique,
  }
  return { issues, patient }
}

/** R1 for the NHS number; a second one would leave it open who the child is. */
function checkNumbers(identifiers: readonly Identifier[] | undefined, facts: FilingFacts): readonly Issue[] {
  const numbers = listOf(identifiers).filter(({ item }) => item.system === SYSTEM.nhsNumber)
  const wrong = numbers.flatMap(({ at, item }) => {
    const { code } = parseNhsNumber(item.value, facts.numberRange)
    return code === undefined ? [] : [issue(code, `Patient.identifier[${at}].value`)]
  })
  const second = numbers[1]
  if (second === undefined) return wrong
  return [...wrong, issue('PROFILE', `Patient.identifier[${second.at}]`, 'A Patient has one NHS number at most.')]
}

function keptIdentifier(identifier: Identifier, facts: FilingFacts): Identifier {
  if (!isObject(identifier) || identifier.system !== SYSTEM.nhsNumber) return identifier
  const { nhsNumber } = parseNhsNumber(identifier.value, facts.numberRange)
  return nhsNumber === undefined ? identifier : { ...identifier, value: nhsNumber }
}

/** A birth date in the future, before 1900, or that no calendar has: DATE_IMPLAUSIBLE. Partial dates are fine. Pure. */
export function checkBirth(birthDate: unknown, today: LondonDay): readonly Issue[] {
  const text = textOf(birthDate)
  if (text === undefined) return []
  const place = 'Patient.birthDate'
  if (!/^\d{4}(-\d{2}){0,2}$/.test(text)) return [issue('INVALID_RESOURCE', place, 'Not a date. Send YYYY-MM-DD.')]
  const isPast = text >= EARLIEST_BIRTH_YEAR && text <= today.slice(0, text.length)
  return isPast && lastDayItCouldBe(text) !== undefined ? [] : [issue('DATE_IMPLAUSIBLE', place)]
}
