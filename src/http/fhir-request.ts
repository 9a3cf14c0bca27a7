/** Builds the FhirRequest of a matched, authenticated exchange: headers, parameters and the strictly parsed body (R4 http.html). */
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { type JsonLimits, parseStrictJson } from '../fhir/json.ts'
import { type Ndjson, parseNdjson } from '../fhir/ndjson.ts'
import type { ConditionHeaders, FhirRequest, Preference } from '../interactions/interaction.ts'
import { todayAt } from '../interactions/today.ts'
import { type Exchange, networkOf } from './exchange.ts'
import { checkAccept, isNdjson, wantsPretty, withoutFormat } from './negotiation.ts'
import type { FhirRoute } from './route-table.ts'
import { type Parameter, parseForm } from './target.ts'

const NO_CONDITIONS: ConditionHeaders = {}
const DEFAULT_PREFERENCE: Preference = { return: 'representation', handling: 'strict' }
/** Most plans of one list. */
const MOST_LINES = 10_000
/** A Bundle of 1,000 entries has more parts than one resource ever needs. */
const RESOURCE_LIMITS: Partial<JsonLimits> = { maxNodes: 50_000 }

/** Throws NOT_ACCEPTABLE for a `_format` in a form (its `_pretty` is noted in the exchange), INVALID_JSON, TOO_DEEP, UNKNOWN_ELEMENT or INVALID_PARAMETER for a body that cannot be read. CPU only. */
export function buildFhirRequest(
  exchange: Exchange,
  route: FhirRoute,
  content: { readonly parameters: readonly Parameter[]; readonly bytes: Buffer },
): FhirRequest {
  const { req } = exchange
  const network = networkOf(req)
  const form = route.body === 'form' ? parseForm(content.bytes) : []
  if (form.length > 0) {
    checkAccept(undefined, form)
    exchange.isPretty ||= wantsPretty(form)
  }
  return {
    interaction: route.interaction,
    route: exchange.template,
    ...(route.type === undefined ? {} : { type: route.type }),
    ...(exchange.id === undefined ? {} : { id: exchange.id }),
    ...(exchange.versionId === undefined ? {} : { versionId: exchange.versionId }),
    ...(route.operation === undefined ? {} : { operation: route.operation }),
    parameters: withoutFormat([...content.parameters, ...form]),
    body: parseBody(route, content.bytes, req.headers['content-type']),
    headers: conditions(req.headers),
    prefer: parsePrefer(req.headers['prefer']),
    requestId: exchange.requestId,
    requestIdGiven: exchange.requestIdGiven,
    at: exchange.at,
    today: todayAt(exchange.at),
    ...(network === undefined ? {} : { network }),
  }
}

function parseBody(route: FhirRoute, bytes: Buffer, type: string | undefined): unknown {
  if (route.body === 'none' || route.body === 'form') return undefined
  if (bytes.length === 0) throw fhirError('INVALID_JSON', undefined, 'The body is empty. Send one JSON document.')
  if (route.body === 'list' && isNdjson(type)) return parseLines(bytes)
  const limits: Partial<JsonLimits> =
    route.body === 'patch' ? { root: 'array' } : route.body === 'resource' ? RESOURCE_LIMITS : {}
  const parsed = parseStrictJson(bytes, limits)
  if ('issue' in parsed) throw new FhirError([parsed.issue])
  return parsed.value
}

function parseLines(bytes: Buffer): Ndjson {
  const parsed = parseNdjson(bytes, MOST_LINES)
  if ('issue' in parsed) throw new FhirError([parsed.issue])
  return parsed
}

function conditions(headers: Exchange['req']['headers']): ConditionHeaders {
  const ifNoneExist = headers['if-none-exist']
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-modified-since': ifModifiedSince } = headers
  if (
    ifMatch === undefined &&
    ifNoneMatch === undefined &&
    ifModifiedSince === undefined &&
    ifNoneExist === undefined
  ) {
    return NO_CONDITIONS
  }
  return {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
    ...(typeof ifNoneExist === 'string' ? { ifNoneExist } : {}),
  }
}

/** RFC 7240 with the values of R4 (`return`) and of FHIR search (`handling`); what is not known is left aside, as that RFC asks. Pure. */
export function parsePrefer(header: string | string[] | undefined): Preference {
  if (header === undefined) return DEFAULT_PREFERENCE
  const wishes = String(header)
    .split(/[,;]/)
    .map((one) => one.replaceAll('"', '').trim())
  const returned = (['minimal', 'representation', 'OperationOutcome'] as const).find((one) =>
    wishes.includes(`return=${one}`),
  )
  return {
    return: returned ?? DEFAULT_PREFERENCE.return,
    handling: wishes.includes('handling=lenient') ? 'lenient' : 'strict',
  }
}
