/** The OpenAPI 3.1 document: what the route table, the search definitions, the profiles, the access table and the error catalogue say, told to tools that know no FHIR. */
import { MOST_SCOPES } from '../auth/registered-clients.ts'
import { TOKEN_PATH, tokenEndpoint } from '../auth/token-endpoint.ts'
import type { Definitions } from '../fhir/definitions.ts'
import { refTo } from '../fhir/json-schema.ts'
import { type ServerFacts, SOFTWARE_VERSION } from './capabilities.ts'
import { FHIR_PATH } from './fhir-base.ts'
import { adminPaths } from './openapi/admin-paths.ts'
import { ANSWER_HEADERS, answersOf, errorResponses } from './openapi/answers.ts'
import { notificationExamples } from './openapi/examples.ts'
import { FHIR_JSON_TYPE, type Material, type OpenApiRow, type Part } from './openapi/openapi-types.ts'
import { PLAIN_PATHS } from './openapi/plain-paths.ts'
import { requestBodyOf } from './openapi/request-body.ts'
import { HEADER_PARAMETERS } from './openapi/request-headers.ts'
import { FORMAT_PARAMETERS, parametersOf } from './openapi/request-parameters.ts'
import { wordsOf } from './openapi/row-words.ts'
import { buildSchemaSet } from './openapi/type-schemas.ts'
import { BACKPORT_DEFINITIONS } from './subscription/backport-operations.ts'

const DESCRIPTION = `NHS staff check whether a child is on a child protection plan or looked after; the responsible local authorities are told.

FHIR R4, JSON only. **Only a 200 is an answer**: 503, a timeout or a cut connection means that it is *not known* whether anything is known. Rows belong to the local authority of the token. No NHS number in a URL: use POST _search. Every refusal is an OperationOutcome with a code of the catalogue.

The StructureDefinitions, value sets, OperationDefinitions and SearchParameters that the server publishes below \`${FHIR_PATH}\` are the contract; the schemas here are derived from them and say less: they know no slices and no invariants.`

const BEARER_WORDS =
  'Paste an access token. In a sandbox `npx cpis token ed-nurse` (or `la-E10000007`, `receiver-E10000007` …) prints one; it lives 300 seconds.'
const FLOW_WORDS =
  'SMART Backend Services: client_credentials with private_key_jwt (RFC 7523), no client secret. NHS users come by token exchange (RFC 8693) at the same endpoint. The scopes of a path are alternatives, each for a kind of caller.'

/** The document of a server with these rows. Disk I/O for the examples; a few milliseconds of CPU. */
export function buildOpenApi(rows: readonly OpenApiRow[], facts: ServerFacts, definitions: Definitions): Part {
  const published = [...definitions.published, ...BACKPORT_DEFINITIONS]
  const material: Material = {
    facts,
    schemas: buildSchemaSet(rows, { ...definitions, published }),
    operations: published.filter((one) => one.resourceType === 'OperationDefinition'),
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'CP-IS register',
      version: SOFTWARE_VERSION,
      summary: 'An open FHIR R4 server that does the job of Child Protection - Information Sharing',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: facts.baseUrl }],
    paths: { ...fhirPaths(rows, material), ...plainPaths(facts) },
    webhooks: { notification: notification() },
    components: componentsOf(material),
  }
}

function fhirPaths(rows: readonly OpenApiRow[], material: Material): Part {
  const byPath = Map.groupBy(rows, (row) => pathOf(row.path))
  return Object.fromEntries(
    [...byPath].map(([path, ofPath]) => [
      path,
      Object.fromEntries(ofPath.map((row) => [row.method.toLowerCase(), operationOf(row, material)])),
    ]),
  )
}

/** `EpisodeOfCare/[id]` → `/FHIR/R4/EpisodeOfCare/{id}`. Pure. */
export function pathOf(template: string): string {
  return template === '' ? FHIR_PATH : `${FHIR_PATH}/${template.replaceAll('[', '{').replaceAll(']', '}')}`
}

function operationOf(row: OpenApiRow, material: Material): Part {
  return {
    ...wordsOf(row, material),
    parameters: parametersOf(row, material),
    ...requestBodyOf(row, material),
    responses: answersOf(row, material),
  }
}

function componentsOf({ facts, schemas }: Material): Part {
  return {
    schemas,
    parameters: { ...FORMAT_PARAMETERS, ...HEADER_PARAMETERS },
    headers: ANSWER_HEADERS,
    responses: errorResponses(),
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: BEARER_WORDS },
      ...(facts.embeddedIssuer ? { oauth2: flowOf(facts) } : {}),
    },
  }
}

function flowOf({ baseUrl }: ServerFacts): Part {
  const clientCredentials = { tokenUrl: tokenEndpoint(baseUrl), scopes: scopeWords() }
  return { type: 'oauth2', description: FLOW_WORDS, flows: { clientCredentials } }
}

/** Without the token endpoint where tokens come from elsewhere. */
function plainPaths({ embeddedIssuer }: ServerFacts): Part {
  const { [TOKEN_PATH]: token, ...others } = { ...PLAIN_PATHS, ...adminPaths() }
  return embeddedIssuer ? { [TOKEN_PATH]: token, ...others } : others
}

/** Scopes as they can be granted, and as the paths name them: one letter each. */
function scopeWords(): Readonly<Record<string, string>> {
  const kinds = Object.entries(MOST_SCOPES)
  const granted = kinds.flatMap(([kind, scopes]) => scopes.map((scope) => ({ kind, scope })))
  const all = granted.flatMap(({ kind, scope }) => lettersOf(scope).map((one) => ({ kind, scope: one })))
  return Object.fromEntries(
    [...Map.groupBy(all, (one) => one.scope)].map(([scope, ofScope]) => [
      scope,
      [...new Set(ofScope.map((one) => one.kind))].join(', '),
    ]),
  )
}

function lettersOf(scope: string): readonly string[] {
  const [, stem, letters] = /^((?:system|user)\/\w+)\.([cruds]+)$/.exec(scope) ?? []
  if (stem === undefined || letters === undefined) return [scope]
  return [scope, ...[...letters].map((letter) => `${stem}.${letter}`)]
}

const SIGNATURE_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
  name,
  in: 'header',
  required: true,
  schema: { type: 'string' },
}))

/** Sent to the endpoint of a Subscription (OpenAPI 3.1 webhooks). */
function notification(): Part {
  const post = {
    operationId: 'notification',
    tags: ['Subscription'],
    summary: 'What an authority’s endpoint is sent',
    description:
      'Signed by Standard Webhooks (ed25519, `v1a,`): verify before anything else with the keys of /.well-known/webhook-keys.json. Answer 2xx, then work; drop repeats by webhook-id.',
    security: [],
    parameters: SIGNATURE_HEADERS,
    requestBody: {
      required: true,
      content: { [FHIR_JSON_TYPE]: { schema: refTo('Bundle-notification'), examples: notificationExamples() } },
    },
    responses: { '2XX': { description: 'Taken. Anything else is tried again for 72 hours.' } },
  }
  return { post }
}
