/** Every caller × every route × own, another authority's and absent rows, over real HTTP: each answer equals the table of security.md as written in expected-access.ts. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { hasScope } from '../../src/auth/scopes.ts'
import { contentOf } from '../../src/domain/audit-seal.ts'
import { ADMIN_ROUTES } from '../../src/http/admin-routes.ts'
import type { FhirRoute } from '../../src/http/route-table.ts'
import { FHIR_ROUTES } from '../../src/http/routes.ts'
import { COLLECTIONS } from '../../src/store/collections.ts'
import type { AuditDocument } from '../../src/store/mongo-audits.ts'
import { toKept } from '../../src/store/seal-documents.ts'
import { CALLERS } from '../support/callers.ts'
import { issuesOf, START, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'
import { type Cell, PLACES, requestOf, statusesOf } from './access-cell.ts'
import { DERBYSHIRE, LUTON, type MatrixCaller, makeCallers, makeRows, type Rows, sendAs } from './access-world.ts'
import { type Allowed, EXPECTED, EXPECTED_ROUTES, expectedAccess, neededScopes } from './expected-access.ts'

const AT_ONCE = 24
const nameOf = (route: FhirRoute): string => `${route.method} ${route.path}`

let server: TestServer
let callers: readonly MatrixCaller[]
let rows: Readonly<Record<typeof DERBYSHIRE | typeof LUTON, Rows>>

beforeAll(async () => {
  server = await startTestServer()
  rows = { [DERBYSHIRE]: await makeRows(server, DERBYSHIRE), [LUTON]: await makeRows(server, LUTON) }
  callers = await makeCallers(server)
  // A revocation works within a second
  server.setNow(new Date(Date.parse(START) + 1500).toISOString())
}, 60_000)
afterAll(() => server.close())

describe('nothing is left out', () => {
  test('every route is expected, and every expected route is served', () => {
    expect(FHIR_ROUTES.map(nameOf).filter((one) => !EXPECTED_ROUTES.includes(one))).toEqual([])
    const served = new Set([
      ...FHIR_ROUTES.map(nameOf),
      ...ADMIN_ROUTES.map((row) => `${row.method} admin/${row.path}`),
    ])
    expect(EXPECTED_ROUTES.filter((one) => !served.has(one))).toEqual([])
  })

  test('every kind of caller knocks', () => {
    const knocking = new Set(callers.map((one) => one.kind))
    expect(Object.keys(EXPECTED).filter((kind) => !knocking.has(kind as MatrixCaller['kind']))).toEqual([])
    expect([...Object.keys(CALLERS), 'nobody'].sort()).toEqual(Object.keys(EXPECTED).sort())
  })
})

/** What the table says of this caller here, its scopes included. */
function allowedTo(caller: MatrixCaller, route: FhirRoute): Allowed | undefined {
  const allowed = expectedAccess(caller.kind, nameOf(route))
  if (allowed === undefined || allowed === 'public' || caller.kind === 'nobody') return allowed
  if (caller.mayNotCheck === true && route.operation === 'cpis-check') return undefined
  if (caller.scopes === undefined) return allowed
  const needed = neededScopes(caller.kind, nameOf(route))
  if (needed === 'any') return caller.scopes.some((one) => /^(system|user)\//.test(one)) ? allowed : undefined
  const { scopes } = caller
  return needed?.some((one) => hasScope(scopes, one)) === true ? allowed : undefined
}

interface Outcome {
  readonly words: string
  readonly wanted: readonly number[]
  readonly answer: TestAnswer
  readonly cell: Cell
  readonly isRefused: boolean
}

async function walk(caller: MatrixCaller, cell: Cell): Promise<Outcome> {
  const allowed = allowedTo(caller, cell.route)
  const refusal = caller.isBad === true || caller.kind === 'nobody' ? 401 : 403
  const request = await requestOf(cell, server, allowed !== undefined)
  const answer = await sendAs(server, caller.authorization, request)
  return {
    words: `${caller.name}: ${nameOf(cell.route)} ${cell.place}`,
    wanted: allowed === undefined ? [refusal] : entriesAllowed(caller, cell) ? statusesOf(cell, allowed) : [403],
    answer,
    cell,
    isRefused: allowed === undefined,
  }
}

/** A Bundle is let in by any scope; its entries need their own. */
function entriesAllowed(caller: MatrixCaller, { route, place }: Cell): boolean {
  if (caller.scopes === undefined || route.path !== '') return true
  return hasScope(caller.scopes, `system/EpisodeOfCare.${place === 'own' ? 'c' : 'd'}`)
}

async function walkAll(cells: readonly (readonly [MatrixCaller, Cell])[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (let from = 0; from < cells.length; from += AT_ONCE) {
    const batch = cells.slice(from, from + AT_ONCE)
    outcomes.push(...(await Promise.all(batch.map(([caller, cell]) => walk(caller, cell)))))
  }
  return outcomes
}

test('each cell answers as the table says', async () => {
  const cells = callers.flatMap((caller) =>
    FHIR_ROUTES.flatMap((route) =>
      PLACES.map((place) => [caller, { route, place, authority: caller.authority, rows }] as const),
    ),
  )
  const outcomes = await walkAll(cells)
  expect(outcomes).toHaveLength(callers.length * FHIR_ROUTES.length * PLACES.length)
  const wrong = outcomes.filter(({ answer, wanted }) => !wanted.includes(answer.status))
  expect(
    wrong.map(({ words, answer, wanted }) => `${words}: ${answer.status}, not ${wanted} ${answer.text.slice(0, 300)}`),
  ).toEqual([])
  expect(outcomes.length).toBeGreaterThan(5000)

  // A refusal is an OperationOutcome of the catalogue and holds nothing of any row
  const secrets = Object.values(rows).flatMap(({ plan, flag, patientId, subscription }) => [
    plan.id ?? '',
    flag.id ?? '',
    patientId,
    subscription.id ?? '',
    plan.patient.identifier?.value ?? plan.id ?? '',
  ])
  for (const { answer, isRefused, words } of outcomes.filter((one) => one.isRefused)) {
    expect([words, isRefused, issuesOf(answer)[0]?.code]).toEqual([
      words,
      true,
      answer.status === 401 ? 'UNAUTHENTICATED' : 'NOT_PERMITTED',
    ])
    expect([words, secrets.filter((one) => answer.text.includes(one))]).toEqual([words, []])
    if (answer.status === 401) expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  }

  // Another authority's row and one that never was look the same
  const own = outcomes.filter(
    ({ isRefused, cell }) =>
      !isRefused &&
      ['EpisodeOfCare', 'Flag', 'Patient', 'Subscription', 'AuditEvent'].includes(cell.route.type ?? '') &&
      cell.route.path.includes('[id]'),
  )
  for (const { words, answer, cell } of own.filter((one) => one.cell.place === 'other' && one.wanted.length === 1)) {
    if (answer.status === 200) continue
    const absent = own.find((one) => one.words === words.replace(/ other$/, ' absent'))
    expect([words, answer.text, answer.status]).toEqual([words, absent?.answer.text, absent?.answer.status])
    expect(cell.place).toBe('other')
  }
}, 180_000)

test('what other authorities own is never in a search', async () => {
  const theirs = rows[LUTON]
  // Its own records of refused requests name the ids that it sent itself
  const idsOf = (type: string): readonly (string | undefined)[] =>
    type === 'AuditEvent'
      ? [theirs.auditId]
      : [theirs.plan.id, theirs.flag.id, theirs.patientId, theirs.subscription.id, theirs.auditId]
  for (const type of ['EpisodeOfCare', 'Flag', 'Patient', 'Subscription', 'AuditEvent']) {
    const found = await server.send({ as: `la-${DERBYSHIRE}`, path: `${type}/_search`, form: { _count: '500' } })
    expect([type, found.status, idsOf(type).filter((id) => found.text.includes(id ?? '-'))]).toEqual([type, 200, []])
  }
})

test('each record of all these requests was written with the hash of what it says, by which it is sealed', async () => {
  const { mongodbUrl = '', mongodbDatabase } = server.context.config
  const client = new MongoClient(mongodbUrl)
  const audits = client.db(mongodbDatabase).collection<AuditDocument>(COLLECTIONS.auditEvents)
  const routes = new Set<string>()
  for await (const document of audits.find()) {
    routes.add(document.route)
    expect([document.route, document.content]).toEqual([document.route, contentOf(toKept(document).fields)])
  }
  await client.close()
  expect(routes.size).toBeGreaterThan(40)
}, 60_000)
