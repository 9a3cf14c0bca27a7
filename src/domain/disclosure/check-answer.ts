/** The answer of `$cpis-check` (interface.md "$cpis-check", Out): one Bundle that says what is known and whom to call. */
import type { Bundle, BundleEntry, Organization } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { buildOutcome, type Issue, issue } from '../../fhir/outcome.ts'
import { type Access, shownAccesses } from '../access-history.ts'
import type { LondonDay, NhsNumber } from '../brands.ts'
import { codeOf } from '../organization-code.ts'
import type { FoundPlan } from '../visibility.ts'
import { buildDisclosedAccess, type NamesByOds } from './disclosed-access.ts'
import { buildDisclosedOrganization } from './disclosed-authority.ts'
import { entryOf } from './disclosed-parts.ts'
import { buildDisclosedFlag, buildDisclosedPlan } from './disclosed-plan.ts'
import { contactsInWords, planInWords } from './words.ts'

export interface CheckAnswerFacts {
  /** Id of the check's AuditEvent: a UUID. */
  readonly auditId: string
  readonly at: Date
  readonly today: LondonDay
  /** As the caller sent it, without spaces. */
  readonly nhsNumber: NhsNumber
  /** The visible ones only (visibility.ts, findVisible), in any order. */
  readonly plans: readonly FoundPlan[]
  /** Organizations of the plans' authorities. */
  readonly authorities: readonly Organization[]
  /** Accesses before this one. */
  readonly accesses: readonly Access[]
  /** NHS organisations and sites that the accesses name. */
  readonly organizations: readonly Organization[]
  readonly warnings: readonly Issue[]
  /** `[base]`, e.g. `https://host/FHIR/R4`. */
  readonly fhirBase: string
}

/** The answer. Flags by start descending, then id; their plans; each authority once; accesses newest first; the words last. Pure. */
export function buildCheckAnswer(facts: CheckAnswerFacts): Bundle {
  const { fhirBase } = facts
  const known = facts.plans.length === 0 ? NOTHING : buildKnown(facts)
  const outcome = buildOutcome([...known.words, ...facts.warnings])
  return {
    resourceType: 'Bundle',
    identifier: { system: SYSTEM.uri, value: `urn:uuid:${facts.auditId}` },
    type: 'searchset',
    timestamp: facts.at.toISOString(),
    total: facts.plans.length,
    link: [{ relation: 'self', url: `${fhirBase}/Patient/$cpis-check` }],
    entry: [...known.entries, { fullUrl: outcomeUrl(facts.auditId), resource: outcome, search: { mode: 'outcome' } }],
  }
}

interface Known {
  readonly entries: readonly BundleEntry[]
  readonly words: readonly Issue[]
}

const NOTHING: Known = { entries: [], words: [issue('NOTHING_KNOWN')] }

/** Always the same for one check, and never the AuditEvent's own: the last digit of its UUID is turned. */
function outcomeUrl(auditId: string): string {
  const last = Number.parseInt(auditId.slice(-1), 16) ^ 1
  return `urn:uuid:${auditId.slice(0, -1)}${last.toString(16)}`
}

function buildKnown(facts: CheckAnswerFacts): Known {
  const { fhirBase, nhsNumber, today } = facts
  const byCode = new Map(facts.authorities.map((one) => [codeOf(one, SYSTEM.gss), one]))
  const disclosed = [...facts.plans]
    .sort(latestFirst)
    .map((plan) => ({ plan, nhsNumber, today, organization: byCode.get(plan.owner) }))
  const organizations = [...new Set(disclosed.flatMap(({ organization }) => organization ?? []))]
  const names = namesByOds(facts.organizations)
  return {
    entries: [
      ...disclosed.map((one) => entryOf(fhirBase, buildDisclosedFlag(one), 'match')),
      ...disclosed.map((one) => entryOf(fhirBase, buildDisclosedPlan(one), 'include')),
      ...organizations
        .flatMap((one) => buildDisclosedOrganization(one) ?? [])
        .map((one) => entryOf(fhirBase, one, 'include')),
      ...shownAccesses(facts.accesses).map((one) => entryOf(fhirBase, buildDisclosedAccess(one, names), 'include')),
    ],
    words: [
      ...disclosed.map(({ plan, organization }) => planInWords(plan, organization?.name, today)),
      ...organizations.flatMap((one) => contactsInWords(one) ?? []),
    ].map((text) => issue('KNOWN', undefined, text)),
  }
}

function latestFirst(a: FoundPlan, b: FoundPlan): number {
  if (a.start !== b.start) return a.start < b.start ? 1 : -1
  return a.flagId < b.flagId ? -1 : 1
}

function namesByOds(organizations: readonly Organization[]): NamesByOds {
  const names = new Map<string, string>()
  for (const one of organizations) {
    const code = codeOf(one, SYSTEM.ods)
    if (code !== undefined && one.name !== undefined) names.set(code, one.name)
  }
  return names
}
