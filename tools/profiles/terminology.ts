/** Our code systems and value sets (interface.md "Names"); two of them are read from the tables that the program itself uses. */
import type { CodeSystem, CodeSystemConcept, ValueSet, ValueSetComposeInclude } from '@medplum/fhirtypes'
import { ACKNOWLEDGEMENT_CODES } from '../../src/domain/acknowledgement.ts'
import { CARE_SETTINGS } from '../../src/domain/care-settings.ts'
import { PLAN_TYPES } from '../../src/domain/plan.ts'
import { SYSTEM, VALUE_SET } from '../../src/fhir/canonicals.ts'
import { CATALOGUE } from '../../src/fhir/catalogue.ts'
import { published } from './published.ts'

interface Said {
  readonly title: string
  readonly description: string
}
type Concept = readonly [code: string, display: string, definition?: string]

function concepts(rows: readonly Concept[]): CodeSystemConcept[] {
  return rows.map(([code, display, definition]) => ({
    code,
    display,
    ...(definition === undefined ? {} : { definition }),
  }))
}

function codeSystem(url: string, said: Said, concept: CodeSystemConcept[], more: Partial<CodeSystem> = {}): CodeSystem {
  return {
    ...published('CodeSystem', lastStep(url), said),
    caseSensitive: true,
    ...(url === SYSTEM.topicCode ? {} : { valueSet: url.replace('/CodeSystem/', '/ValueSet/') }),
    content: 'complete',
    count: concept.length,
    ...more,
    concept,
  }
}

function valueSet(url: string, said: Said, include: ValueSetComposeInclude[]): ValueSet {
  return { ...published('ValueSet', lastStep(url), said), immutable: false, compose: { include } }
}

function lastStep(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

const CARE_SETTING = codeSystem(
  SYSTEM.careSetting,
  {
    title: 'CP-IS care setting',
    description:
      'Where a child is seen. The property says whether a check from there is scheduled (silent) or unscheduled (told to the local authority).',
  },
  CARE_SETTINGS.map(({ code, display, scheduled }) => ({
    code,
    display,
    property: [{ code: 'attendance', valueCode: scheduled ? 'scheduled' : 'unscheduled' }],
  })),
  { property: [{ code: 'attendance', description: 'scheduled or unscheduled', type: 'code' }] },
)

const CONTACT_PURPOSE = codeSystem(
  SYSTEM.contactPurpose,
  { title: 'CP-IS contact purpose', description: 'When and for what a contact of a local authority is to be called.' },
  concepts([
    ['office-hours', 'Office hours', "Children's social care in office hours"],
    ['emergency-duty-team', 'Emergency duty team', 'Outside office hours'],
    ['mash', 'Multi-agency safeguarding hub', 'Questions about closed cases and new concerns'],
  ]),
)

const LEGAL_BASIS = codeSystem(
  SYSTEM.legalBasis,
  {
    title: 'CP-IS legal basis',
    description: 'Sections of the Children Act 1989 that bring a looked-after child in scope.',
  },
  concepts([
    ['s20', 'Section 20', 'Provision of accommodation'],
    ['s31', 'Section 31', 'Care order'],
    ['s38', 'Section 38', 'Interim care order'],
  ]),
)

const CASE_STATUS = codeSystem(
  SYSTEM.caseStatus,
  { title: 'CP-IS case status', description: 'What a plan is on the day of the answer.' },
  concepts([
    ['open', 'Open', 'Not ended today'],
    ['closed', 'Closed', 'Ended, still shown'],
    [
      'born-plan-of-mother',
      "Born: plan of the child's mother",
      "The unborn plan on the mother, shown on the baby's number",
    ],
  ]),
)

const ORGANIZATION_TYPE = codeSystem(
  SYSTEM.organizationType,
  { title: 'CP-IS organisation type', description: 'What an Organization of the register is.' },
  concepts([
    ['authority', 'Local authority'],
    ['trust', 'NHS trust'],
    ['hospital-site', 'Hospital site'],
    ['ambulance-trust', 'Ambulance trust'],
    ['mental-health-trust', 'Mental health trust'],
    ['gp-practice', 'GP practice'],
    ['other', 'Other NHS organisation or site'],
  ]),
)

const NUMBER_CHANGE_REASON = codeSystem(
  SYSTEM.numberChangeReason,
  { title: 'CP-IS number change reason', description: 'Why the NHS no longer uses a number.' },
  concepts([
    ['superseded', 'Superseded', 'Replaced by another number of the same person'],
    ['invalid', 'Invalid', 'Taken out of use without a replacement that may be told'],
    ['correction', 'Correction', 'An earlier notification was wrong: its link is undone'],
  ]),
)

const AUDIT_SUBTYPE = codeSystem(
  SYSTEM.auditSubtype,
  { title: 'CP-IS audit subtype', description: 'Operations of the register, as second subtype of an AuditEvent.' },
  concepts([
    ['cpis-check', 'Check of a child'],
    ['number-changed', 'NHS number changed'],
    ['birth-notified', 'Birth notified'],
    ['validate', 'Validation without storing'],
    ['status', 'Status of a Subscription'],
    ['events', 'Past events of a Subscription'],
    ['resend', 'Resending of events'],
    ['acknowledge', 'Answer of an authority to an access'],
    ['lanes', 'Administration: lanes of notifications'],
    ['release', 'Administration: lanes tried at once'],
    ['pause', 'Administration: a lane paused'],
    ['resume', 'Administration: a lane resumed'],
    ['resend-lane', 'Administration: events of a lane sent once more'],
    ['disclosed', 'What a check had shown, rebuilt for a review'],
    ['report', 'Counts of use for a privacy officer'],
    ['token', 'Access token given out'],
    ['alerts', 'Administration: alerts'],
    ['dead-letters', 'Administration: events that no Subscription wanted'],
    ['load-directory', 'Administration: organisations, sites and authorities loaded'],
    ['clients', 'Administration: registered clients'],
    ['revoke-client', 'Administration: a client revoked'],
    ['restore-client', 'Administration: the revocation of a client ended'],
    ['revoke-token', 'Administration: an access token revoked'],
    ['numbers-in-sequence', 'Alert: a user ran through NHS numbers and was stopped'],
    ['unusual-misses', 'Alert: unusually many checks of a user found nothing'],
    ['subscription-error', 'Alert: a Subscription is in error and its authority is not told'],
  ]),
)

const BASIC_TYPE = codeSystem(
  SYSTEM.topicCode,
  { title: 'CP-IS kinds of Basic', description: 'What a Basic of the register stands for.' },
  concepts([['subscription-topic', 'Subscription topic']]),
)

const ACKNOWLEDGEMENT = codeSystem(
  SYSTEM.acknowledgement,
  { title: 'CP-IS acknowledgement', description: 'What an authority makes of an access that it was told of.' },
  concepts(Object.entries(ACKNOWLEDGEMENT_CODES).map(([code, { display, definition }]) => [code, display, definition])),
)

const ERROR = codeSystem(
  SYSTEM.error,
  {
    title: 'CP-IS error catalogue',
    description:
      'Every code that the register says in an OperationOutcome, with what to do. Generated from the catalogue of the program.',
  },
  Object.entries(CATALOGUE).map(([code, row]) => ({
    code,
    display: row.meaning,
    property: [{ code: 'severity', valueCode: row.severity }],
  })),
  { property: [{ code: 'severity', description: 'Severity of the issue', type: 'code' }] },
)

export const CODE_SYSTEMS: readonly CodeSystem[] = [
  CARE_SETTING,
  CONTACT_PURPOSE,
  LEGAL_BASIS,
  CASE_STATUS,
  ORGANIZATION_TYPE,
  NUMBER_CHANGE_REASON,
  AUDIT_SUBTYPE,
  BASIC_TYPE,
  ACKNOWLEDGEMENT,
  ERROR,
]

/** The value set of all codes of one of our systems. */
const wholeSystems = CODE_SYSTEMS.filter((system) => system.valueSet !== undefined).map((system) =>
  valueSet(system.valueSet ?? '', { title: system.title ?? '', description: system.description ?? '' }, [
    { system: system.url ?? '' },
  ]),
)

function listed(system: string, rows: readonly Concept[]): ValueSetComposeInclude[] {
  return [{ system, concept: rows.map(([code, display]) => (display === '' ? { code } : { code, display })) }]
}

export const VALUE_SETS: readonly ValueSet[] = [
  ...wholeSystems,
  valueSet(
    VALUE_SET.planType,
    { title: 'CP-IS plan type', description: 'The three plan types, with the words of England-ChildProtectionPlan.' },
    listed(
      SYSTEM.snomed,
      Object.values(PLAN_TYPES).map(({ code, display }) => [code, display]),
    ),
  ),
  valueSet(
    VALUE_SET.identifierUse,
    {
      title: 'CP-IS identifier use',
      description:
        'Uses of an identifier that the register takes: all of R4 but old, which would mean that the identifier is no longer that of the person.',
    },
    listed('http://hl7.org/fhir/identifier-use', [
      ['usual', ''],
      ['official', ''],
      ['temp', ''],
      ['secondary', ''],
    ]),
  ),
  valueSet(
    VALUE_SET.payloadContent,
    {
      title: 'CP-IS payload content',
      description: 'How much a notification carries; the codes of the Backport guide.',
    },
    listed('http://hl7.org/fhir/uv/subscriptions-backport/CodeSystem/backport-content-code-system', [
      ['empty', ''],
      ['id-only', ''],
      ['full-resource', ''],
    ]),
  ),
  valueSet(
    VALUE_SET.subscriptionStatus,
    { title: 'CP-IS subscription status', description: 'All statuses of a Subscription in R4.' },
    listed('http://hl7.org/fhir/subscription-status', [
      ['requested', ''],
      ['active', ''],
      ['error', ''],
      ['off', ''],
    ]),
  ),
  valueSet(
    VALUE_SET.channelType,
    { title: 'CP-IS channel type', description: 'The channels that are offered: email where a mail server is set.' },
    listed('http://hl7.org/fhir/subscription-channel-type', [
      ['rest-hook', ''],
      ['email', ''],
    ]),
  ),
]
