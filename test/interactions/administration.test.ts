/** `/admin/alerts`, `/admin/dead-letters`, `/admin/clients` and `/admin/tokens` over real HTTP: refusals first, then what the administrator sees and does, and what is left in the audit. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuthorityCode } from '../../src/domain/brands.ts'
import type { AlertView } from '../../src/interactions/alerts.ts'
import type { ClientView } from '../../src/interactions/clients.ts'
import type { DeadLettersView } from '../../src/interactions/dead-letters.ts'
import { startServer } from '../../src/server.ts'
import { consoleOf } from '../support/console.ts'
import { planOf } from '../support/plans.ts'
import { bundleOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { subscriptionOf } from '../support/subscriptions.ts'
import { numbersFrom } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'

const DERBYSHIRE = 'E10000007' as AuthorityCode
let server: TestServer
let nowMs = Date.parse('2026-05-03T11:00:00.000Z')
beforeAll(async () => {
  server = await startTestServer({ env: { CPIS_LIMITS: 'default' } })
}, 60_000)
afterAll(() => server.close())

/** Revocations are known within a second: the clock of the server goes on by so much. */
function pass(ms: number): void {
  nowMs += ms
  server.setNow(new Date(nowMs).toISOString())
}

async function ask(
  path: string,
  as: string | undefined,
  method = 'GET',
): Promise<{ status: number; body: unknown; text: string }> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (as !== undefined) headers['Authorization'] = `Bearer ${await server.token(as)}`
  const response = await fetch(server.url + path, { method, headers })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), text }
}
const clients = async (): Promise<readonly ClientView[]> =>
  ((await ask('/admin/clients', 'administrator')).body as { clients: readonly ClientView[] }).clients
const alerts = async (
  query = '',
): Promise<{ alerts: readonly AlertView[]; next?: string; lanes?: readonly unknown[] }> =>
  (await ask(`/admin/alerts${query}`, 'administrator')).body as never

const ROWS: readonly (readonly [string, string])[] = [
  ['GET', '/admin/alerts'],
  ['GET', '/admin/dead-letters'],
  ['GET', '/admin/clients'],
  ['POST', '/admin/clients/some-client/revoke'],
  ['POST', '/admin/clients/some-client/restore'],
  ['POST', `/admin/tokens/${randomUUID()}/revoke`],
]

describe('what is refused', () => {
  test.each(ROWS)('%s %s by anyone else, and that leaves its record', async (method, path) => {
    expect((await ask(path, undefined, method)).status).toBe(401)
    for (const as of ['la-E10000007', 'receiver-E10000007', 'ed-nurse', 'midwife', 'auditor', 'number-feed'])
      expect([as, (await ask(path, as, method)).status]).toEqual([as, 403])
    const records = await server.context.store.read.audits({ limit: 500 })
    const template = path.slice(1).replace(/some-client|[0-9a-f-]{36}/, '[id]')
    const statuses = records.filter(({ route }) => route === template).map(({ status }) => status)
    expect(statuses.sort()).toEqual([401, 403, 403, 403, 403, 403, 403])
  })

  test.each([
    ['POST', '/admin/clients/nobody-of-this-name/revoke', 404],
    ['POST', '/admin/clients/nobody-of-this-name/restore', 404],
    ['POST', '/admin/tokens/not-a-jti/revoke', 404],
    ['GET', '/admin/clients?x=1', 400],
    ['GET', '/admin/dead-letters?x=1', 400],
    ['GET', '/admin/alerts?x=1', 400],
    ['GET', '/admin/alerts?_count=0', 400],
    ['GET', '/admin/alerts?_count=x', 400],
    ['GET', '/admin/alerts?from=yesterday', 400],
    ['GET', '/admin/alerts?_cursor=x', 400],
    ['DELETE', '/admin/clients', 405],
    ['POST', '/admin/alerts', 405],
  ])('%s %s by the administrator', async (method, path, status) => {
    expect((await ask(path, 'administrator', method)).status).toBe(status)
  })
})

describe('clients', () => {
  test('are told with kind, authorities, scopes and ids of keys: no key', async () => {
    const all = await clients()
    const one = all.find(({ kind, authorities }) => kind === 'la-supplier' && authorities.includes(DERBYSHIRE))
    expect(one).toMatchObject({ revoked: false, scopes: expect.arrayContaining(['system/EpisodeOfCare.cruds']) })
    expect(one?.keys).toEqual({ kids: [expect.any(String)] })
    expect((await ask('/admin/clients', 'administrator')).text).not.toMatch(/"(n|x|y|d|kty)":/)
  })

  test('a revoked one gets nothing more within a second, on every process; restored it does', async () => {
    const id = clientOf(await clients(), 'number-feed')
    const other = await secondProcess()
    const token = await server.token('number-feed')
    const search = async (origin: string): Promise<number> => {
      const headers = { Authorization: `Bearer ${token}` }
      return (await fetch(`${origin}/FHIR/R4/Patient/x`, { headers })).status
    }
    try {
      expect([await search(server.url), await search(other.url)]).toEqual([403, 403])
      expect((await ask(`/admin/clients/${id}/revoke`, 'administrator', 'POST')).body).toEqual({ revoked: [id] })
      expect((await ask(`/admin/clients/${id}/revoke`, 'administrator', 'POST')).body).toEqual({ revoked: [] })
      pass(1_000)
      expect([await search(server.url), await search(other.url)]).toEqual([401, 401])
      expect(await consoleOf(server).run('token', 'number-feed')).toBe(1)
      expect((await clients())[0]).toMatchObject({ clientId: id, revoked: true })
      expect((await ask(`/admin/clients/${id}/restore`, 'administrator', 'POST')).body).toEqual({ restored: [id] })
      expect((await ask(`/admin/clients/${id}/restore`, 'administrator', 'POST')).body).toEqual({ restored: [] })
      pass(1_000)
      expect([await search(server.url), await search(other.url)]).toEqual([403, 403])
      expect(await consoleOf(server).run('token', 'number-feed')).toBe(0)
    } finally {
      await other.close()
    }
  })

  test('one token is revoked by its jti, and no other', async () => {
    const token = await server.token('midwife')
    const jti = (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }).jti
    const read = async (as: string): Promise<number> =>
      (await server.send({ as, path: 'Organization/E10000007' })).status
    expect(await read('midwife')).toBe(200)
    expect((await ask(`/admin/tokens/${jti}/revoke`, 'administrator', 'POST')).body).toEqual({ revoked: [jti] })
    pass(1_000)
    expect([await read('midwife'), await read('ed-nurse')]).toEqual([401, 200])
  })

  test('what was done is in the audit, with whom and which client or token', async () => {
    const found = bundleOf(
      await server.send({
        as: 'auditor',
        path: 'AuditEvent?date=ge2026-01-01&subtype=revoke-client,revoke-token&outcome=0',
      }),
    )
    const named = (found.entry ?? []).flatMap(({ resource }) =>
      resource?.resourceType === 'AuditEvent'
        ? (resource.entity ?? []).map(({ what }) => what?.identifier?.system)
        : [],
    )
    expect(named).toContain('https://cpis.example/fhir/Id/client-id')
    expect(named).toContain('urn:ietf:rfc:3986')
  })

  test('cpis clients lists, revokes and restores', async () => {
    const id = clientOf(await clients(), 'number-feed')
    const order = consoleOf(server)
    expect(await order.run('clients', '--revoke', id)).toBe(0)
    expect(order.out()).toBe(`Revoked: ${id}\n`)
    const list = consoleOf(server)
    expect(await list.run('clients')).toBe(0)
    expect(list.out()).toMatch(new RegExp(`${id} +number-feed +REVOKED`))
    expect(await consoleOf(server).run('clients', '--restore', id)).toBe(0)
    const again = consoleOf(server)
    expect(await again.run('clients', '--restore', id)).toBe(0)
    expect(again.out()).toContain('it is so already')
    expect(await consoleOf(server).run('clients', '--revoke', 'nobody-of-this-name')).toBe(1)
    const json = consoleOf(server)
    expect(await json.run('clients', '--json')).toBe(0)
    expect(
      json
        .out()
        .trim()
        .split('\n')
        .every((line) => 'clientId' in (JSON.parse(line) as object)),
    ).toBe(true)
    expect(await consoleOf(server).run('clients', '--revoke-token', randomUUID())).toBe(0)
    pass(1_000)
  })
})

describe('alerts', () => {
  test('a user who ran through numbers is told, newest first and in pages, and never a child', async () => {
    pass(60_000)
    for (const number of numbersFrom(999_300_000, 40)) {
      if ((await sendCheck(server, number)).status === 429) break
    }
    pass(60_000)
    for (const number of numbersFrom(999_400_000, 40)) {
      if ((await sendCheck(server, number, { as: 'paramedic', setting: 'ambulance' })).status === 429) break
    }
    const all = (await alerts()).alerts.filter(({ alert }) => alert === 'numbers-in-sequence')
    expect(all.map(({ user }) => user?.roleCode)).toEqual(['R8003', 'R8001'])
    expect(Object.keys(all[0] ?? {})).toEqual(['id', 'at', 'alert', 'user', 'organization'])
    const first = await alerts('?_count=1')
    const second = await alerts(`?_cursor=${first.next}`)
    expect([first.alerts[0]?.id, second.alerts[0]?.id]).toEqual([all[0]?.id, all[1]?.id])
    expect([first.lanes, second.lanes]).toEqual([[], undefined])
    expect((await ask('/admin/alerts', 'administrator')).text).not.toMatch(/999[34]\d{6}/)
    expect((await alerts(`?from=${all[0]?.at}`)).alerts.map(({ id }) => id)).toContain(all[0]?.id)
    expect((await alerts(`?from=${all[0]?.at}`)).alerts.map(({ id }) => id)).not.toContain(all[1]?.id)
    expect((await alerts('?from=2027-01-01')).alerts).toEqual([])
  })

  test('a flood of refusals is told with its count', async () => {
    pass(60_000)
    for (let nth = 0; nth < 70; nth += 1) await ask('/admin/lanes', undefined)
    pass(60_000)
    await ask('/admin/lanes', undefined)
    const [flood] = (await alerts()).alerts
    expect(flood).toMatchObject({ alert: 'refused', count: 10, codes: ['UNAUTHENTICATED'] })
  })

  test('an event that no Subscription wants is a dead letter of its council', async () => {
    const number = numbersFrom(999_500_000, 1)[0] ?? ''
    await server.send({
      as: `la-${DERBYSHIRE}`,
      path: 'EpisodeOfCare',
      body: planOf({ nhsNumber: number, identifier: randomUUID() }),
    })
    await sendCheck(server, number, { as: 'gp', setting: 'gp-out-of-hours' })
    const letters = async (): Promise<readonly DeadLettersView[]> =>
      ((await ask('/admin/dead-letters', 'administrator')).body as { deadLetters: readonly DeadLettersView[] })
        .deadLetters
    await waitFor('the event is settled', async () => (await letters()).length > 0)
    expect(await letters()).toEqual(
      expect.arrayContaining([
        {
          authority: DERBYSHIRE,
          authorityName: 'Derbyshire',
          topic: 'child-checked',
          count: 1,
          since: new Date(nowMs).toISOString(),
          latest: new Date(nowMs).toISOString(),
          subscribed: false,
        },
      ]),
    )
    expect((await ask('/admin/dead-letters', 'administrator')).text).not.toContain(number)
  })

  test('R21 a council that is told of accesses by one topic is not told nothing', async () => {
    const letters = async (): Promise<readonly (readonly [string, boolean])[]> => {
      const { body } = await ask('/admin/dead-letters', 'administrator')
      const all = (body as { deadLetters: readonly DeadLettersView[] }).deadLetters
      return all.filter(({ authority }) => authority === DERBYSHIRE).map(({ topic, subscribed }) => [topic, subscribed])
    }
    expect(await letters()).toEqual(
      expect.arrayContaining([
        ['child-checked', false],
        ['incident-opened', false],
      ]),
    )
    const subscription = subscriptionOf('http://127.0.0.1:9/none', 'incident-opened')
    const made = await server.send({ as: `receiver-${DERBYSHIRE}`, path: 'Subscription', body: subscription })
    expect(made.status).toBe(201)
    expect(await letters()).toEqual(
      expect.arrayContaining([
        ['child-checked', true],
        ['incident-opened', true],
      ]),
    )
    const { id } = made.json as { id: string }
    await server.send({ as: `receiver-${DERBYSHIRE}`, method: 'DELETE', path: `Subscription/${id}` })
  })

  test('cpis alerts says all of it, and by its exit code that a council is told nothing', async () => {
    const console = consoleOf(server)
    expect(await console.run('alerts')).toBe(1)
    expect(console.out()).toMatch(/numbers-in-sequence {2}.+\(user \d+, R8001\) {2}RCU/)
    expect(console.out()).toMatch(/refused {2}10 requests UNAUTHENTICATED/)
    expect(console.out()).toMatch(/E10000007 Derbyshire {2}child-checked {2}1 event since .+ {2}IS TOLD NOTHING/)
    const json = consoleOf(server)
    expect(await json.run('alerts', '--json', '--limit', '1')).toBe(1)
    expect(JSON.parse(json.out().split('\n')[0] ?? '')).toMatchObject({ alert: 'refused' })
    expect(await consoleOf(server).run('alerts', '--limit', 'x')).toBe(2)
  })
})

function clientOf(all: readonly ClientView[], kind: string): string {
  return all.find((one) => one.kind === kind)?.clientId ?? ''
}

/** Another server process's worth of state over the same database, keys and clock. */
async function secondProcess(): Promise<{ url: string; close(): Promise<void> }> {
  const { config, keys } = server.context
  return await startServer({ ...config, port: 0 }, { clock: () => new Date(nowMs), keys })
}
