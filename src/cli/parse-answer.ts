/** Reads what the server answered: unknown JSON in, FHIR resources or plain values out. */

import type { Bundle, OperationOutcome, Resource } from '@medplum/fhirtypes'
import { isObject } from '../fhir/json-object.ts'
import { CliError, EXIT } from './io.ts'

/** The value as a FHIR resource of that type; throws CliError when it is none. */
export function parseResource<T extends Resource['resourceType']>(
  body: unknown,
  type: T,
): Extract<Resource, { resourceType: T }> {
  if (isObject(body) && body['resourceType'] === type) return body as unknown as Extract<Resource, { resourceType: T }>
  throw new CliError(EXIT.failed, `The server answered something that is no ${type}.`)
}

/** Resources of one type in a Bundle, in its order. Pure. */
export function resourcesOf<T extends Resource['resourceType']>(
  bundle: Bundle,
  type: T,
): Extract<Resource, { resourceType: T }>[] {
  return (bundle.entry ?? []).flatMap((entry) =>
    entry.resource?.resourceType === type ? [parseResource(entry.resource, type)] : [],
  )
}

/** The words of an OperationOutcome or of an RFC 6749 error, a line each: `CODE at place: words`. Pure. */
export function outcomeWords(body: unknown): string[] {
  if (isObject(body) && body['resourceType'] === 'OperationOutcome') {
    return (parseResource(body, 'OperationOutcome').issue ?? []).map(issueWords)
  }
  if (isObject(body) && typeof body['error'] === 'string') {
    const description = body['error_description']
    return [typeof description === 'string' ? `${body['error']}: ${description}` : body['error']]
  }
  return []
}

function issueWords(issue: OperationOutcome['issue'][number]): string {
  const code = issue.details?.coding?.[0]?.code ?? issue.code
  const place = issue.expression?.[0]
  return `${code}${place === undefined ? '' : ` at ${place}`}: ${issue.details?.text ?? issue.diagnostics ?? ''}`
}
