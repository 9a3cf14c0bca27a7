/** A FhirError as an answer: OperationOutcome, the status of its kind and the headers that kind needs (interface.md "Errors"). Nothing but the public issues leaves. */
import type { FhirError } from '../fhir/fhir-error.ts'
import { buildOutcome } from '../fhir/outcome.ts'
import type { Answer } from './fhir-response.ts'

const DEFAULT_RETRY_AFTER_SECONDS = '2'

/** Pure. 401 says Bearer and nothing of which check failed; 429 and 503 always say when to come back. */
export function errorAnswer(error: FhirError): Answer {
  return { status: error.status, body: buildOutcome(error.issues), headers: { ...headersOf(error), ...error.headers } }
}

function headersOf(error: FhirError): Record<string, string> {
  if (error.kind === 'login') return { 'WWW-Authenticate': 'Bearer' }
  if (error.kind === 'transient' || error.kind === 'throttled') return { 'Retry-After': DEFAULT_RETRY_AFTER_SECONDS }
  return {}
}
