/** An authority acts for itself only (register.md R10): whom a reference names, judged against the token's authority. */

import type { Identifier, Organization, Reference } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { codeOf } from '../organization-code.ts'
import type { FilingFacts } from './draft.ts'
import { listOf, partsOf, relativeReference, textOf } from './tolerant.ts'

const GSS_FORM = /^[EWSN]\d{8}$/
const NAME_BY_CODE =
  'Name the authority by a code with its system; the GSS code is best. A bare 3-digit code names two councils.'

/** Issues of a reference that should mean the token's authority: NOT_YOUR_AUTHORITY when it names another, INVALID_REFERENCE when it names none for sure. Absent is fine: the server fills it in. Pure. */
export function checkOwnAuthority(
  reference: Reference | undefined,
  place: string,
  facts: FilingFacts,
): readonly Issue[] {
  if (!isObject(reference)) return []
  const { literal, identifier } = partsOf(reference)
  return [
    ...(literal === undefined ? [] : checkLiteral(literal, place, facts)),
    ...(identifier === undefined ? [] : checkIdentifier(identifier, place, facts)),
    ...(literal === undefined && identifier === undefined ? checkDisplay(reference.display, place, facts) : []),
  ]
}

function checkLiteral(literal: string, place: string, facts: FilingFacts): readonly Issue[] {
  const local = relativeReference(literal, facts.fhirBase)
  if (facts.ownReferences?.includes(local) === true) return []
  if (local === `Organization/${facts.organization?.id ?? facts.authority}`) return []
  const token = tokenOfCondition(local)
  if (token !== undefined) return checkIdentifier(token, place, facts)
  return [issue(local.startsWith('Organization/') ? 'NOT_YOUR_AUTHORITY' : 'INVALID_REFERENCE', place)]
}

/** System and value of `Organization?identifier=system|value`. */
function tokenOfCondition(literal: string): Identifier | undefined {
  if (!literal.startsWith('Organization?')) return undefined
  const token = new URLSearchParams(literal.slice('Organization?'.length)).get('identifier')
  const [system, value] = token?.split('|') ?? []
  return system === undefined || value === undefined ? undefined : { system, value }
}

function checkIdentifier(identifier: Identifier, place: string, facts: FilingFacts): readonly Issue[] {
  const value = textOf(identifier.value)
  if (value === undefined) return [issue('INVALID_REFERENCE', `${place}.identifier`, NAME_BY_CODE)]
  const own = ownCodes(facts)
  const system = textOf(identifier.system) ?? (GSS_FORM.test(value) ? SYSTEM.gss : undefined)
  if (system === undefined || !(system in own)) {
    return [issue('INVALID_REFERENCE', `${place}.identifier.system`, NAME_BY_CODE)]
  }
  return own[system] === value ? [] : [issue('NOT_YOUR_AUTHORITY', place)]
}

/** The code that means this authority, under each system that names authorities. */
function ownCodes(facts: FilingFacts): Readonly<Record<string, string | undefined>> {
  return {
    [SYSTEM.gss]: facts.authority,
    [SYSTEM.ods]: codeOf(facts.organization, SYSTEM.ods),
    [SYSTEM.dfe]: codeOf(facts.organization, SYSTEM.dfe),
  }
}

function checkDisplay(display: unknown, place: string, facts: FilingFacts): readonly Issue[] {
  const name = textOf(display)
  return name === undefined || name === facts.organization?.name
    ? []
    : [issue('INVALID_REFERENCE', place, NAME_BY_CODE)]
}

/** NOT_YOUR_AUTHORITY for identifiers that were assigned by another authority; other assigners are nobody's business. Pure. */
export function checkAssigners(
  identifiers: readonly Identifier[] | undefined,
  place: string,
  facts: FilingFacts,
): readonly Issue[] {
  const own = ownCodes(facts)
  return listOf(identifiers).flatMap(({ at, item }) => {
    const { identifier } = partsOf(item.assigner)
    const system = textOf(identifier?.system)
    if (system !== SYSTEM.gss && system !== SYSTEM.dfe) return []
    return own[system] === identifier?.value ? [] : [issue('NOT_YOUR_AUTHORITY', `${place}[${at}].assigner`)]
  })
}

/** The token's authority as every resource of its own refers to it: by GSS code, with id and name where they are known. Pure. */
export function authorityReference(facts: Pick<FilingFacts, 'authority' | 'organization'>): Reference<Organization> {
  const { id, name } = facts.organization ?? {}
  return {
    ...(id === undefined ? {} : { reference: `Organization/${id}` }),
    type: 'Organization',
    identifier: { system: SYSTEM.gss, value: facts.authority },
    ...(name === undefined ? {} : { display: name }),
  }
}
