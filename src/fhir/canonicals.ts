/** The names of interface.md "Names": our canonical base (one constant, a name nobody owns on purpose) and the systems of others. */

export const CANONICAL_BASE = 'https://cpis.example/fhir'

/** URL of one of our own conformance resources, e.g. canonical('StructureDefinition', 'cpis-plan'). Pure. */
export function canonical(type: CanonicalType, name: string): string {
  return `${CANONICAL_BASE}/${type}/${name}`
}

export type CanonicalType =
  | 'StructureDefinition'
  | 'ValueSet'
  | 'CodeSystem'
  | 'OperationDefinition'
  | 'SearchParameter'
  | 'SubscriptionTopic'
  | 'CapabilityStatement'

/** Identifier and code systems the register speaks. */
export const SYSTEM = {
  nhsNumber: 'https://fhir.nhs.uk/Id/nhs-number',
  ods: 'https://fhir.nhs.uk/Id/ods-organization-code',
  gss: 'http://statistics.data.gov.uk/id/statistical-geography',
  dfe: `${CANONICAL_BASE}/Id/dfe-la-code`,
  sdsUser: 'https://fhir.nhs.uk/Id/sds-user-id',
  sdsRoleProfile: 'https://fhir.nhs.uk/Id/sds-role-profile-id',
  jobRole: 'https://fhir.nhs.uk/CodeSystem/HL7v3-SDSJobRoleName',
  snomed: 'http://snomed.info/sct',
  flagCategory: 'http://terminology.hl7.org/CodeSystem/flag-category',
  nhsFlag: 'https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient',
  careSetting: `${CANONICAL_BASE}/CodeSystem/cpis-care-setting`,
  contactPurpose: `${CANONICAL_BASE}/CodeSystem/cpis-contact-purpose`,
  legalBasis: `${CANONICAL_BASE}/CodeSystem/cpis-legal-basis`,
  organizationType: `${CANONICAL_BASE}/CodeSystem/cpis-organization-type`,
  numberChangeReason: `${CANONICAL_BASE}/CodeSystem/cpis-number-change-reason`,
  auditSubtype: `${CANONICAL_BASE}/CodeSystem/cpis-audit-subtype`,
  topicCode: `${CANONICAL_BASE}/CodeSystem/cpis-basic-type`,
  caseStatus: `${CANONICAL_BASE}/CodeSystem/cpis-case-status`,
  acknowledgement: `${CANONICAL_BASE}/CodeSystem/cpis-acknowledgement`,
  error: `${CANONICAL_BASE}/CodeSystem/cpis-error`,
  spineError: 'https://fhir.nhs.uk/England/CodeSystem/England-SpineErrorOrWarningCode',
  uri: 'urn:ietf:rfc:3986',
  clientId: `${CANONICAL_BASE}/Id/client-id`,
} as const

/** `child-protection-information-system-flag`, carried by every Flag beside the plan type. */
export const NHS_FLAG_CODE = 'child-protection-information-system-flag'

/** Extension URLs, by their short names. */
export const EXTENSION = {
  legalBasis: canonical('StructureDefinition', 'cpis-legal-basis'),
  expectedDeliveryDate: canonical('StructureDefinition', 'cpis-expected-delivery-date'),
  shownUntil: canonical('StructureDefinition', 'cpis-shown-until'),
  caseStatus: canonical('StructureDefinition', 'cpis-case-status'),
  incident: canonical('StructureDefinition', 'cpis-incident'),
  acknowledgement: canonical('StructureDefinition', 'cpis-acknowledgement'),
  daysWithoutNumber: canonical('StructureDefinition', 'cpis-days-without-number'),
  newNumber: canonical('StructureDefinition', 'cpis-new-number'),
  babyNumber: canonical('StructureDefinition', 'cpis-baby-number'),
  subscriptionTopic: canonical('StructureDefinition', 'cpis-subscription-topic'),
  mailDigest: canonical('StructureDefinition', 'cpis-mail-digest'),
  flagDetail: 'http://hl7.org/fhir/StructureDefinition/flag-detail',
  dataAbsentReason: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
} as const

const BACKPORT_BASE = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition'

/** Names of the Subscriptions R5 Backport guide, 1.1.0 (R4): its profiles and the extensions on Subscription. */
export const BACKPORT = {
  subscription: `${BACKPORT_BASE}/backport-subscription`,
  notification: `${BACKPORT_BASE}/backport-subscription-notification-r4`,
  status: `${BACKPORT_BASE}/backport-subscription-status-r4`,
  filterCriteria: `${BACKPORT_BASE}/backport-filter-criteria`,
  payloadContent: `${BACKPORT_BASE}/backport-payload-content`,
  heartbeatPeriod: `${BACKPORT_BASE}/backport-heartbeat-period`,
  timeout: `${BACKPORT_BASE}/backport-timeout`,
  maxCount: `${BACKPORT_BASE}/backport-max-count`,
  channelType: `${BACKPORT_BASE}/backport-channel-type`,
  server: 'http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4',
  statusOperation: 'http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status',
  eventsOperation: 'http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events',
} as const

/** Value set URLs of ours, by their short names. */
export const VALUE_SET = {
  planType: canonical('ValueSet', 'cpis-plan-type'),
  legalBasis: canonical('ValueSet', 'cpis-legal-basis'),
  caseStatus: canonical('ValueSet', 'cpis-case-status'),
  careSetting: canonical('ValueSet', 'cpis-care-setting'),
  contactPurpose: canonical('ValueSet', 'cpis-contact-purpose'),
  organizationType: canonical('ValueSet', 'cpis-organization-type'),
  numberChangeReason: canonical('ValueSet', 'cpis-number-change-reason'),
  identifierUse: canonical('ValueSet', 'cpis-identifier-use'),
  payloadContent: canonical('ValueSet', 'cpis-payload-content'),
  subscriptionStatus: canonical('ValueSet', 'cpis-subscription-status'),
  channelType: canonical('ValueSet', 'cpis-channel-type'),
  acknowledgement: canonical('ValueSet', 'cpis-acknowledgement'),
  error: canonical('ValueSet', 'cpis-error'),
} as const

/** Profile URLs, by their short names. */
export const PROFILE = {
  plan: canonical('StructureDefinition', 'cpis-plan'),
  flag: canonical('StructureDefinition', 'cpis-flag'),
  patient: canonical('StructureDefinition', 'cpis-patient'),
  authority: canonical('StructureDefinition', 'cpis-authority'),
  site: canonical('StructureDefinition', 'cpis-site'),
  planDisclosed: canonical('StructureDefinition', 'cpis-plan-disclosed'),
  flagDisclosed: canonical('StructureDefinition', 'cpis-flag-disclosed'),
  access: canonical('StructureDefinition', 'cpis-access'),
  checkAudit: canonical('StructureDefinition', 'cpis-check-audit'),
  subscription: canonical('StructureDefinition', 'cpis-subscription'),
} as const
