/** A whole server for a test file: real HTTP on a free port, a database of its own, a data folder of its own, a clock that can be moved. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bundle, OperationOutcome, Resource } from '@medplum/fhirtypes'
import { parseConfig } from '../../src/config.ts'
import type { Context } from '../../src/context.ts'
import { type Overrides, startServer } from '../../src/server.ts'
import { startCapture } from './capture.ts'
import { testDatabase } from './database.ts'
import { placeTestIdentities } from './test-identities.ts'
import { getToken } from './tokens.ts'

/** The instant at which test servers begin: a Sunday noon in London summer time. */
export const START = '2026-05-03T11:00:00.000Z'

export interface TestServer {
  readonly url: string
  /** `[url]/FHIR/R4` */
  readonly base: string
  readonly dataDir: string
  readonly context: Context
  /** Moves the server's clock to this instant; it stands still between moves. */
  setNow(instant: string): void
  /** A token of a sandbox identity, got the true way; remembered while it lasts. */
  token(name: string): Promise<string>
  /** One FHIR request. `as`: a sandbox identity. */
  send(request: TestRequest): Promise<TestAnswer>
  /** Looks now at the work of the day. */
  runDaily(): Promise<void>
  close(): Promise<void>
}

export interface TestRequest {
  readonly as?: string
  readonly method?: string
  /** Below the FHIR base, e.g. `Patient/$cpis-check`. */
  readonly path?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Form of a `_search`. */
  readonly form?: Readonly<Record<string, string>> | readonly (readonly [string, string])[]
}

export interface TestAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Parsed JSON; undefined when there is no body. */
  readonly json: unknown
}

export async function startTestServer(
  options: { readonly env?: Readonly<Record<string, string>>; readonly overrides?: Overrides } = {},
): Promise<TestServer> {
  const database = testDatabase()
  const dataDir = mkdtempSync(join(tmpdir(), 'cpis-test-'))
  placeTestIdentities(dataDir)
  let now = new Date(START)
  const config = parseConfig({
    CPIS_DATA_DIR: dataDir,
    PORT: '0',
    METRICS_PORT: '0',
    MONGODB_URL: database.url,
    CPIS_DATABASE: database.database,
    CPIS_LIMITS: 'off',
    LOG_LEVEL: 'silent',
    ...options.env,
  })
  const server = await startServer(config, { clock: () => now, ...options.overrides })
  const stopCapture = startCapture(server.url)
  const tokens = new Map<string, { readonly token: Promise<string>; readonly at: number }>()
  const base = `${server.url}/FHIR/R4`
  const test: TestServer = {
    url: server.url,
    base,
    dataDir,
    context: server.context,
    setNow(instant) {
      now = new Date(instant)
    },
    token(name) {
      const known = tokens.get(name)
      if (known !== undefined && Math.abs(now.getTime() - known.at) < 200_000) return known.token
      const token = getToken({ url: server.url, dataDir }, name)
      tokens.set(name, { token, at: now.getTime() })
      return token
    },
    send: (request) => sendRequest(test, request),
    runDaily: server.runDaily,
    async close() {
      await server.close()
      stopCapture()
      await database.drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
  return test
}

async function sendRequest(server: TestServer, request: TestRequest): Promise<TestAnswer> {
  const { as, path = '', body, form } = request
  const method = request.method ?? (body === undefined && form === undefined ? 'GET' : 'POST')
  const headers: Record<string, string> = { ...request.headers }
  if (as !== undefined) headers['Authorization'] = `Bearer ${await server.token(as)}`
  if (body !== undefined) headers['Content-Type'] ??= 'application/fhir+json'
  const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body)
  const pairs = form === undefined ? undefined : new URLSearchParams(pairsOf(form))
  const url = path === '' ? server.base : `${server.base}/${path}`
  const response = await fetch(url, {
    method,
    headers,
    ...(payload === undefined && pairs === undefined ? {} : { body: payload ?? pairs ?? '' }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: text === '' ? undefined : JSON.parse(text) }
}

function pairsOf(form: NonNullable<TestRequest['form']>): [string, string][] {
  const pairs: readonly (readonly [string, string])[] = isPairs(form) ? form : Object.entries(form)
  return pairs.map(([name, value]) => [name, value])
}

function isPairs(form: NonNullable<TestRequest['form']>): form is readonly (readonly [string, string])[] {
  return Array.isArray(form)
}

/** The body as one resource type; fails loudly when it is another. */
export function resourceOf<T extends Resource['resourceType']>(
  answer: TestAnswer,
  type: T,
): Extract<Resource, { resourceType: T }> {
  const body = answer.json as Resource | undefined
  if (body?.resourceType !== type)
    throw new Error(`expected ${type}, got ${answer.status} ${answer.text.slice(0, 2000)}`)
  return body as Extract<Resource, { resourceType: T }>
}

export const bundleOf = (answer: TestAnswer): Bundle => resourceOf(answer, 'Bundle')

/** Codes of our catalogue in an OperationOutcome, with their places. */
export function issuesOf(
  answer: TestAnswer,
): readonly { code: string | undefined; at: string | undefined; severity: string }[] {
  return codesOf(resourceOf(answer, 'OperationOutcome'))
}

export function codesOf(
  outcome: OperationOutcome,
): readonly { code: string | undefined; at: string | undefined; severity: string }[] {
  return outcome.issue.map((one) => ({
    code: one.details?.coding?.[0]?.code,
    at: one.expression?.[0],
    severity: one.severity,
  }))
}

/** Parameters of a check. */
export function checkOf(
  nhsNumber: string,
  setting = 'emergency-department',
  more: { site?: string; birthDate?: string } = {},
): unknown {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'nhsNumber', valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber } },
      {
        name: 'setting',
        valueCoding: { system: 'https://cpis.example/fhir/CodeSystem/cpis-care-setting', code: setting },
      },
      ...(more.site === undefined
        ? []
        : [
            {
              name: 'site',
              valueIdentifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: more.site },
            },
          ]),
      ...(more.birthDate === undefined ? [] : [{ name: 'birthDate', valueDate: more.birthDate }]),
    ],
  }
}

/** One check as that person, with a fresh X-Request-ID unless one is given. */
export function sendCheck(
  server: TestServer,
  nhsNumber: string,
  options: { as?: string; setting?: string; site?: string; birthDate?: string; requestId?: string } = {},
): Promise<TestAnswer> {
  const { as = 'ed-nurse', setting, requestId = randomUUID(), ...more } = options
  return server.send({
    as,
    path: 'Patient/$cpis-check',
    body: checkOf(nhsNumber, setting, more),
    headers: { 'X-Request-ID': requestId },
  })
}
