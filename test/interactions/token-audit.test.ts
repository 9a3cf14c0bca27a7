/** Access tokens in the audit: whom one was given, that no flood of them fills the log, and that none leaves unrecorded. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent } from '@medplum/fhirtypes'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import { buildGrantBudget } from '../../src/interactions/grant-budget.ts'
import { recordGrant } from '../../src/interactions/record-grant.ts'
import { buildRefusalBudget } from '../../src/interactions/refusal-budget.ts'
import { StoreError } from '../../src/store/store.ts'
import { CALLERS } from '../support/callers.ts'
import { bundleOf, startTestServer, type TestServer } from '../support/server.ts'
import { getToken } from '../support/tokens.ts'

const at = (second: number): Date => new Date(Date.parse('2026-05-03T11:00:00.000Z') + second * 1000)

describe('over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  }, 60_000)
  afterAll(() => server.close())
  const records = (): Promise<readonly AuditRecord[]> =>
    server.context.store.read.audits({ subtypes: ['token'], limit: 500 })
  const claimsOf = (token: string): { jti: string } =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }

  test.each([
    ['ed-nurse', { kind: 'nhs-user', organization: 'RCU' }],
    ['auditor', { kind: 'auditor' }],
    ['la-E10000007', { kind: 'la-supplier', authority: 'E10000007' }],
    ['number-feed', { kind: 'number-feed' }],
  ])('a token given to %s is recorded with its jti, and as an AuditEvent it is a login', async (name, caller) => {
    const { jti } = claimsOf(await getToken(server, name))
    const record = (await records()).find((one) => one.caller.tokenId === jti)
    expect(record).toMatchObject({
      outcome: '0',
      status: 200,
      route: 'oauth2/token',
      caller,
      entities: [],
      authorities: [],
    })
    const found = bundleOf(await server.send({ as: 'auditor', path: `AuditEvent?date=ge2026-01-01&_id=${record?.id}` }))
    const event = found.entry?.[0]?.resource as AuditEvent
    expect([event.type.code, event.subtype?.map(({ code }) => code)]).toEqual(['110114', ['110122', 'token']])
    expect(event.agent.filter(({ requestor }) => requestor)).toHaveLength(1)
    expect(event.meta?.profile).toBeUndefined()
  })

  test('an authority does not see them: not even its own', async () => {
    await getToken(server, 'la-E10000007')
    const found = bundleOf(await server.send({ as: 'la-E10000007', path: 'AuditEvent?subtype=token' }))
    expect(found.entry).toBeUndefined()
  })

  test('of many for one in a minute some are recorded, and the next minute says how many there were', async () => {
    const before = (await records()).length
    for (let nth = 0; nth < 25; nth += 1) await getToken(server, 'gp')
    expect((await records()).length - before).toBe(10)
    server.setNow('2026-05-03T11:01:00.000Z')
    await getToken(server, 'gp')
    const [last] = await records()
    expect([last?.count, last?.caller.kind]).toEqual([16, 'nhs-user'])
  })

  test('refusals beyond what is recorded are counted by the client that was named', async () => {
    const clientId = (await records()).find(({ caller }) => caller.kind === 'number-feed')?.caller.clientId ?? ''
    const assertion = [
      { alg: 'ES384', kid: 'x', typ: 'JWT' },
      { iss: clientId, sub: clientId },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${assertion.join('.')}.AAAA`,
    }
    const post = async (): Promise<number> =>
      (await fetch(`${server.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })).status
    for (let nth = 0; nth < 65; nth += 1) expect(await post()).toBe(401)
    server.setNow('2026-05-03T11:05:00.000Z')
    await post()
    const [summary] = await server.context.store.read.alerts({ limit: 1, from: '2026-05-03T11:05:00.000Z' })
    expect(summary).toMatchObject({
      count: 5,
      codes: ['UNAUTHENTICATED'],
      status: 401,
      caller: { kind: 'nobody', clientId: '' },
      entities: [{ type: 'client', id: clientId }],
    })
  })
})

test('a token that cannot be recorded is not given', async () => {
  const store = { appendAudit: () => Promise.reject(new StoreError('transient', 'gone')) }
  const context = { store, newId: () => 'id', grants: buildGrantBudget() } as never
  const request = { route: 'oauth2/token', requestId: 'r', at: at(0) }
  await expect(recordGrant(request, CALLERS['nhs-user'], context)).rejects.toMatchObject({ kind: 'transient' })
})

describe('the budgets', () => {
  test('each subject has its own of a minute, and begins anew with the next', () => {
    const budget = buildGrantBudget()
    const taken = (second: number, who: string): unknown => budget.take(at(second), who)
    for (let nth = 0; nth < 10; nth += 1) expect(taken(0, 'a')).toEqual({ record: true, unrecorded: 0 })
    expect([taken(59, 'a'), taken(59, 'b')]).toEqual([
      { record: false, unrecorded: 0 },
      { record: true, unrecorded: 0 },
    ])
    expect([taken(60, 'a'), taken(61, 'a')]).toEqual([
      { record: true, unrecorded: 1 },
      { record: true, unrecorded: 0 },
    ])
  })

  test('refusals are summed up by code and client; too many kinds by their code', () => {
    const budget = buildRefusalBudget()
    const refuse = (code: string, client?: string): unknown =>
      budget.take(at(0), { code, status: 401, ...(client === undefined ? {} : { client }) })
    for (let nth = 0; nth < 60; nth += 1) expect(refuse('A')).toEqual({ record: true, summed: [] })
    for (const client of ['x', 'x', undefined, 'y']) expect(refuse('A', client)).toEqual({ record: false, summed: [] })
    for (let nth = 0; nth < 200; nth += 1) refuse('B', `client-${nth}`)
    const { record, summed } = budget.take(at(60), { code: 'A', status: 401 })
    expect(record).toBe(true)
    expect(summed.slice(0, 3)).toEqual([
      { code: 'A', status: 401, client: 'x', count: 2 },
      { code: 'A', status: 401, count: 1 },
      { code: 'A', status: 401, client: 'y', count: 1 },
    ])
    expect([summed.length, summed.reduce((sum, { count }) => sum + count, 0)]).toEqual([101, 204])
    expect(budget.take(at(61), { code: 'A', status: 401 }).summed).toEqual([])
  })
})
