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
  caseStatus: `${CANONICAL_BASE}/CodeSystem/cpis-case-status`,
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
  daysWithoutNumber: canonical('StructureDefinition', 'cpis-days-without-number'),
  newNumber: canonical('StructureDefinition', 'cpis-new-number'),
  babyNumber: canonical('StructureDefinition', 'cpis-baby-number'),
  flagDetail: 'http://hl7.org/fhir/StructureDefinition/flag-detail',
  dataAbsentReason: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
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
