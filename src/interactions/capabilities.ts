/** GET /metadata (R4 capabilitystatement.html, http.html#capabilities): what the route table and the search parameters say, told as a CapabilityStatement; nothing else is promised. */
import type { CapabilityStatement, CapabilityStatementRest, CapabilityStatementRestSecurity } from '@medplum/fhirtypes'
import { tokenEndpoint } from '../auth/token-endpoint.ts'
import { BACKPORT, canonical } from '../fhir/canonicals.ts'
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import { buildResourceEntry } from './capabilities/resource-entry.ts'
import { FHIR_PATH } from './fhir-base.ts'
import type { FhirResponse, Handler, InteractionCode } from './interaction.ts'

/** What a row of the route table says of itself. */
export interface CapabilityRow {
  readonly method: string
  readonly path: string
  readonly interaction: InteractionCode
  readonly type?: string
  readonly operation?: string
}

export interface ServerFacts {
  /** Origin. */
  readonly baseUrl: string
  /** Whether the server issues tokens itself. */
  readonly embeddedIssuer: boolean
}

/** Version of the software; equal to the one in package.json. */
export const SOFTWARE_VERSION = '0.1.0'
/** Id of the one CapabilityStatement. */
export const CAPABILITY_ID = 'cpis-register'
/** Day of the last change of what is promised. */
const STATEMENT_DATE = '2026-06-01'
const DESCRIPTION =
  'An open FHIR R4 server that does the job of England’s Child Protection - Information Sharing service: NHS staff check whether a child is on a child protection plan or looked after; the responsible local authorities are told.'

/** The statement of a server with these rows. Pure. */
export function buildCapabilityStatement(rows: readonly CapabilityRow[], facts: ServerFacts): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    id: CAPABILITY_ID,
    url: canonical('CapabilityStatement', CAPABILITY_ID),
    version: SOFTWARE_VERSION,
    name: 'CpisRegister',
    title: 'CP-IS register',
    status: 'active',
    experimental: false,
    date: STATEMENT_DATE,
    publisher: 'CP-IS register',
    description: DESCRIPTION,
    kind: 'instance',
    instantiates: [BACKPORT.server],
    software: { name: 'cpis-register', version: SOFTWARE_VERSION },
    implementation: { description: 'CP-IS register', url: facts.baseUrl + FHIR_PATH },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    ...(rows.some((row) => row.interaction === 'patch') ? { patchFormat: ['application/json-patch+json'] } : {}),
    rest: [buildRest(rows, facts)],
  }
}

/** Handler of /metadata over these rows. `mode` full and normative get the same; terminology is not offered. */
export function buildCapabilitiesHandler(rows: () => readonly CapabilityRow[]): Handler {
  return async (request, _caller, context): Promise<FhirResponse> => {
    const isKnown = request.parameters.every(
      ([name, value]) => name === 'mode' && (value === 'full' || value === 'normative'),
    )
    if (!isKnown && request.prefer.handling === 'strict') {
      throw new FhirError([issue('UNKNOWN_PARAMETER', undefined, 'Only mode=full or mode=normative is offered here.')])
    }
    return { status: 200, resource: buildCapabilityStatement(rows(), context.config) }
  }
}

function buildRest(rows: readonly CapabilityRow[], facts: ServerFacts): CapabilityStatementRest {
  const typed = rows.filter((row) => row.type !== undefined)
  const types = [...new Set(typed.map((row) => row.type ?? ''))]
  const takesBundles = rows.some((row) => row.interaction === 'transaction')
  return {
    mode: 'server',
    documentation:
      'JSON only. Rows belong to the local authority of the token: another authority’s id and an unknown id look the same. No NHS number in a URL: use POST _search.',
    security: buildSecurity(facts),
    resource: types.map((type) =>
      buildResourceEntry(
        type,
        typed.filter((row) => row.type === type),
      ),
    ),
    ...(takesBundles ? { interaction: [{ code: 'transaction' }, { code: 'batch' }] } : {}),
  }
}

/** Without SMART's extensions of R4's day: oauth-uris requires an authorize endpoint, which there is none, and its list of capabilities knows no backend services. The SMART configuration says it all. */
function buildSecurity({ baseUrl, embeddedIssuer }: ServerFacts): CapabilityStatementRestSecurity {
  const issuer = embeddedIssuer ? ` Tokens: ${tokenEndpoint(baseUrl)}.` : ''
  return {
    cors: false,
    service: [
      {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
      },
    ],
    description: `SMART Backend Services with private_key_jwt for systems; token exchange (RFC 8693) for named NHS users. See ${baseUrl}${FHIR_PATH}/.well-known/smart-configuration.${issuer}`,
  }
}
