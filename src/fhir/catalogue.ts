/** The error catalogue of interface.md "Errors": every code the server can say, once. Served as CodeSystem cpis-error, printed into docs/errors.md. */

/** What went wrong, in classes; each has one HTTP status and one R4 issue type (ISSUE_KIND). */
export type ErrorKind =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'business-rule'
  | 'login'
  | 'forbidden'
  | 'not-found'
  | 'deleted'
  | 'conflict'
  | 'precondition'
  | 'duplicate'
  | 'too-large'
  | 'throttled'
  | 'not-supported'
  | 'not-acceptable'
  | 'unsupported-media'
  | 'transient'
  | 'exception'

/** HTTP status and OperationOutcome.issue.code (http://hl7.org/fhir/R4/valueset-issue-type.html) of each kind. */
export const ISSUE_KIND = {
  invalid: { status: 400, issueType: 'invalid' },
  structure: { status: 400, issueType: 'structure' },
  required: { status: 400, issueType: 'required' },
  'business-rule': { status: 422, issueType: 'business-rule' },
  login: { status: 401, issueType: 'login' },
  forbidden: { status: 403, issueType: 'forbidden' },
  'not-found': { status: 404, issueType: 'not-found' },
  deleted: { status: 410, issueType: 'deleted' },
  conflict: { status: 409, issueType: 'conflict' },
  precondition: { status: 412, issueType: 'conflict' },
  duplicate: { status: 409, issueType: 'duplicate' },
  'too-large': { status: 413, issueType: 'too-long' },
  throttled: { status: 429, issueType: 'throttled' },
  'not-supported': { status: 405, issueType: 'not-supported' },
  'not-acceptable': { status: 406, issueType: 'not-supported' },
  'unsupported-media': { status: 415, issueType: 'not-supported' },
  transient: { status: 503, issueType: 'transient' },
  exception: { status: 500, issueType: 'exception' },
} as const satisfies Record<ErrorKind, { status: number; issueType: string }>

interface CatalogueRow {
  readonly kind: ErrorKind
  /** One plain sentence: what it means and what to do. */
  readonly meaning: string
  /** The equal in England-SpineErrorOrWarningCode, where there is one. */
  readonly national?: 'INVALID_SEARCH_DATA' | 'PRECONDITION_FAILED' | 'ACCESS_DENIED'
  /** Warnings and information never fail a request; errors always do. */
  readonly severity: 'error' | 'warning' | 'information'
}

const error = (kind: ErrorKind, meaning: string, national?: CatalogueRow['national']): CatalogueRow =>
  national === undefined ? { kind, meaning, severity: 'error' } : { kind, meaning, severity: 'error', national }
const warning = (meaning: string): CatalogueRow => ({ kind: 'business-rule', meaning, severity: 'warning' })
const information = (meaning: string): CatalogueRow => ({ kind: 'business-rule', meaning, severity: 'information' })

/** Code → kind, severity and meaning. A code that is not here cannot be said. */
export const CATALOGUE = {
  // shape and values: 400
  INVALID_JSON: error(
    'structure',
    'The body is not one JSON object in UTF-8. Send well-formed JSON without duplicate or reserved keys.',
  ),
  TOO_DEEP: error('structure', 'The JSON is nested deeper than 32 levels or has too many parts. Flatten or split it.'),
  TOO_MANY_ENTRIES: error('invalid', 'The Bundle has more than 1,000 entries. Split it.'),
  INVALID_RESOURCE: error('structure', 'The resource breaks base FHIR R4. Correct the element that is named.'),
  UNKNOWN_ELEMENT: error(
    'structure',
    'The register takes nothing it did not ask for. Remove the element that is named.',
  ),
  INVALID_NHS_NUMBER: error(
    'invalid',
    'Not an NHS number: ten digits with a right check digit. Check the number at its source.',
    'INVALID_SEARCH_DATA',
  ),
  TEST_NUMBER_REQUIRED: error(
    'invalid',
    'This service takes only numbers of its own kind: the test range in a sandbox, never the test range in production.',
    'INVALID_SEARCH_DATA',
  ),
  NHS_NUMBER_IN_URL: error(
    'invalid',
    'An NHS number must not stand in a URL. Use POST _search, If-None-Exist or a Bundle entry.',
    'INVALID_SEARCH_DATA',
  ),
  MISSING_REQUEST_ID: error(
    'required',
    'X-Request-ID is required here. Send a new UUID for each new request.',
    'PRECONDITION_FAILED',
  ),
  INVALID_REQUEST_ID: error('invalid', 'X-Request-ID and X-Correlation-ID must be UUIDs.', 'PRECONDITION_FAILED'),
  UNKNOWN_SETTING: error(
    'invalid',
    'The care setting is not in cpis-care-setting. Use one of its codes.',
    'INVALID_SEARCH_DATA',
  ),
  UNKNOWN_SITE: error(
    'invalid',
    'The site is not in the directory. Send the ODS code of a site of your organisation.',
    'INVALID_SEARCH_DATA',
  ),
  UNKNOWN_PARAMETER: error(
    'invalid',
    'A parameter is not known here. Remove it or correct its name.',
    'INVALID_SEARCH_DATA',
  ),
  INVALID_PARAMETER: error('invalid', 'A parameter has a value of a wrong form. Correct it.', 'INVALID_SEARCH_DATA'),
  MISSING_PARAMETER: error('required', 'A parameter that is needed is missing. Add it.', 'INVALID_SEARCH_DATA'),
  INVALID_CODE: error('invalid', 'The code is not in the value set. Use one of the codes listed by the profile.'),
  INVALID_REFERENCE: error(
    'invalid',
    'The reference cannot be resolved among what your authority filed. Correct it or send its target too.',
  ),
  INVALID_BUNDLE: error('invalid', 'The Bundle cannot be carried out as it is. Correct the entry that is named.'),
  ROLE_ONLY: error(
    'invalid',
    'Who acknowledges is a role in a few words, never a person. Correct it: such as duty social worker.',
  ),
  INVALID_HEADER: error('invalid', 'A header has a value that cannot be used. Correct it.'),
  INVALID_PATCH: error('invalid', 'Not a JSON Patch: an array of operations of RFC 6902, at most 1,000. Correct it.'),
  ID_MISMATCH: error('invalid', 'The id in the body must equal the id in the address.'),
  // who: 401, 403
  UNAUTHENTICATED: error('login', 'A valid access token is needed. Get a new one and try again.', 'ACCESS_DENIED'),
  NOT_PERMITTED: error('forbidden', 'This caller may not do this.', 'ACCESS_DENIED'),
  NOT_YOUR_AUTHORITY: error(
    'forbidden',
    'The content names another local authority than the token. File it with a token of that authority.',
    'ACCESS_DENIED',
  ),
  SITE_NOT_YOURS: error(
    'forbidden',
    'The site does not belong to your organisation. Send a site of your own.',
    'ACCESS_DENIED',
  ),
  // state: 404 to 412
  NOT_FOUND: error('not-found', 'There is nothing here that you may see.'),
  GONE: error('deleted', 'This was deleted.'),
  METHOD_NOT_ALLOWED: error(
    'not-supported',
    'This method is not offered here. See the Allow header and the CapabilityStatement.',
  ),
  NOT_ACCEPTABLE: error('not-acceptable', 'Only JSON is served: ask for application/fhir+json.'),
  UNSUPPORTED_MEDIA: error('unsupported-media', 'Only JSON is taken: send Content-Type application/fhir+json.'),
  DUPLICATE_PLAN: error(
    'duplicate',
    'Your authority already has a plan of this type for this child that overlaps in time. Change that plan.',
  ),
  DUPLICATE_IDENTIFIER: error(
    'duplicate',
    'Your authority already holds this identifier with other content. Update what you filed before.',
  ),
  BUNDLE_ID_REUSED: error(
    'conflict',
    'This Bundle identifier was used within 24 hours with other content. Give each new Bundle a new identifier.',
  ),
  REQUEST_ID_REUSED: error(
    'conflict',
    'This X-Request-ID was used for another request, or the answer has changed since. Send a new UUID.',
  ),
  VERSION_CONFLICT: error(
    'precondition',
    'The resource is no longer at the version you named. Read it and try again.',
    'PRECONDITION_FAILED',
  ),
  MULTIPLE_MATCHES: error(
    'precondition',
    'The condition matches more than one. Make it narrower.',
    'PRECONDITION_FAILED',
  ),
  NUMBER_REMOVED: error(
    'conflict',
    'The NHS number cannot be taken off a plan that staff can see. Withdraw or end the plan instead.',
  ),
  PATIENT_HAS_PLANS: error('conflict', 'The Patient still has plans. Delete or withdraw those first.'),
  FLAG_KEPT_BY_PLAN: error('conflict', 'The server keeps the Flag of each plan. Change, withdraw or delete the plan.'),
  IDENTITY_LOOP: error('conflict', 'These numbers would replace each other in a circle. Check them at their source.'),
  // rules on well-formed content: 422
  PROFILE: error('business-rule', 'The resource does not fit the profile. Correct the element that is named.'),
  DATE_IMPLAUSIBLE: error('business-rule', 'A date cannot be right. Check day, month and year.'),
  END_BEFORE_START: error('business-rule', 'The end is before the start. Correct the period.'),
  OUT_OF_SCOPE: error(
    'business-rule',
    'Only sections 20, 31 and 38 of the Children Act 1989 bring a looked-after child in scope. Do not file this plan.',
  ),
  STATUS_NOT_TAKEN: error(
    'business-rule',
    'waitlist and onhold mean nothing to the register. Send planned, active, finished or entered-in-error.',
  ),
  FLAG_DISAGREES: error(
    'business-rule',
    'The Flag does not say what its plan says. Correct it or leave it out: the server keeps one.',
  ),
  NUMBERS_DISAGREE: error('business-rule', 'The plan and its Patient name different NHS numbers. Correct one of them.'),
  SUBSCRIPTION_NOT_TAKEN: error(
    'business-rule',
    'The Subscription asks for something that is not offered. Correct the element that is named.',
  ),
  ENDPOINT_NOT_ALLOWED: error(
    'business-rule',
    'The endpoint is not on the list allowed for your authority. Ask the administrator to add its host or mailbox.',
  ),
  ACKNOWLEDGEMENT_NOT_TAKEN: error(
    'business-rule',
    'Only an access to a child can be acknowledged, at most 20 times by one authority.',
  ),
  NOTHING_TO_SHOW: error(
    'business-rule',
    'This AuditEvent is not of a check that was answered: nothing was shown that could be rebuilt.',
  ),
  PATCH_FAILED: error(
    'business-rule',
    'The patch does not fit the resource as it is now. Read the resource and make the patch anew.',
  ),
  // size, rate, fault
  TOO_LARGE: error('too-large', 'The body is too large: 1 MB for a resource, 10 MB for a Bundle. Split it.'),
  RATE_LIMITED: error('throttled', 'Too many requests. Wait for the time in Retry-After.'),
  UNAVAILABLE: error(
    'transient',
    'The register cannot answer surely now. This is NOT "nothing known": try again after Retry-After.',
  ),
  INTERNAL: error('exception', 'The server failed. Nothing was disclosed or stored. Report the X-Request-ID.'),
  // said beside a success
  STATUS_CORRECTED: information('The status was set from the dates.'),
  NOT_HELD: information('Accepted, but this part is not held by the register.'),
  UNCHANGED: information('Nothing has changed; no new version was made.'),
  SUCCESS: information('Done.'),
  KNOWN: information('Known to the register today.'),
  NOTHING_KNOWN: information('Nothing known to the register today. This is not an assurance of safety.'),
  BIRTH_DATE_MISSING: warning('No birth date is held: the child stays visible past 18. Send the birth date.'),
  LEGAL_BASIS_MISSING: warning('A looked-after plan without a legal basis was accepted. Send section 20, 31 or 38.'),
  NHS_NUMBER_MISSING: warning(
    'The plan has no NHS number and is invisible to the NHS. Send the number as soon as it is known.',
  ),
  CHECK_IDENTITY: warning('The birth date given differs from what is held. Make sure that this is the right child.'),
  NUMBER_SUPERSEDED: warning('The NHS has replaced this number. Use the new one.'),
  PLANS_OVERLAP: warning('Linking the number leaves two plans of one type that overlap in time. Check them.'),
} as const satisfies Record<string, CatalogueRow>

export type CatalogueCode = keyof typeof CATALOGUE

/** The row of a code: kind, severity, meaning, national equal. Pure. */
export function catalogueRow(code: CatalogueCode): CatalogueRow {
  return CATALOGUE[code]
}
