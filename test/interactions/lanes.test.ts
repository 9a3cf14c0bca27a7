/** `/admin/lanes` over real HTTP: refusals first, then what the administrator sees, releases, and what is left in the audit (delivery.md "Recovery"). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { changeStatus } from '../../src/delivery/subscription-status.ts'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import type { LaneView } from '../../src/interactions/lanes.ts'
import { consoleOf } from '../support/console.ts'
import { answer, numbersOf, ok, type Receiver, startReceiver } from '../support/receiver.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { commitEvents, readStatus, subscribe, subscriptionOf } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

const DERBYSHIRE = 'E10000007' as AuthorityCode

let server: TestServer
let good: Receiver
let bad: Receiver
let gone: Receiver
const ids = { good: '', bad: '', gone: '' }
beforeAll(async () => {
  server = await startTestServer()
  good = await startReceiver()
  bad = await startReceiver()
  gone = await startReceiver()
})
afterAll(async () => {
  await server.close()
  for (const one of [good, bad, gone]) await one.close()
})

async function ask(
  path: string,
  as: string | undefined,
  method = 'GET',
): Promise<{ status: number; body: unknown; type: string | null }> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (as !== undefined) headers['Authorization'] = `Bearer ${await server.token(as)}`
  const response = await fetch(server.url + path, { method, headers })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? undefined : JSON.parse(text),
    type: response.headers.get('content-type'),
  }
}
const lanes = async (): Promise<readonly LaneView[]> =>
  ((await ask('/admin/lanes', 'administrator')).body as { lanes: readonly LaneView[] }).lanes
const laneOf = async (id: string): Promise<LaneView | undefined> =>
  (await lanes()).find((one) => one.subscription === id)

describe('what is refused', () => {
  test.each([
    ['GET', '/admin/lanes'],
    ['POST', '/admin/lanes/release'],
    ['POST', `/admin/lanes/${randomUUID()}/release`],
    ['POST', `/admin/lanes/${randomUUID()}/pause`],
    ['POST', `/admin/lanes/${randomUUID()}/resume`],
    ['POST', `/admin/lanes/${randomUUID()}/resend`],
  ])('%s %s by anyone else, and that leaves its record', async (method, path) => {
    expect((await ask(path, undefined, method)).status).toBe(401)
    for (const as of ['la-E10000007', 'receiver-E10000007', 'ed-nurse', 'midwife', 'auditor', 'number-feed']) {
      expect([as, (await ask(path, as, method)).status]).toEqual([as, 403])
    }
    const records = await server.context.store.read.audits({ limit: 500 })
    const ofRoute = records.filter((one) => one.route === path.slice(1).replace(/[0-9a-f-]{36}/, '[id]'))
    expect(ofRoute.map((one) => one.status).sort()).toEqual([401, 403, 403, 403, 403, 403, 403])
  })

  test.each([
    ['GET', '/admin/nothing', 404],
    ['DELETE', '/admin/lanes', 405],
    ['GET', '/admin/lanes/release', 405],
    ['POST', `/admin/lanes/${randomUUID()}/release`, 404],
    ['POST', `/admin/lanes/${randomUUID()}/pause`, 404],
    ['POST', `/admin/lanes/${randomUUID()}/resume`, 404],
    ['POST', `/admin/lanes/${randomUUID()}/resend`, 400],
    ['POST', `/admin/lanes/${randomUUID()}/resend?eventsSinceNumber=x`, 400],
    ['POST', `/admin/lanes/${randomUUID()}/resend?eventsSinceNumber=2&eventsUntilNumber=1`, 400],
    ['POST', `/admin/lanes/${randomUUID()}/resend?eventsSinceNumber=1`, 404],
    ['GET', `/admin/lanes/${randomUUID()}/pause`, 405],
  ])('%s %s by the administrator', async (method, path, status) => {
    expect((await ask(path, 'administrator', method)).status).toBe(status)
  })

  test('without a Subscription there is nothing to see', async () => {
    expect(await lanes()).toEqual([])
    const console = consoleOf(server)
    expect(await console.run('lanes')).toBe(0)
    expect(console.out()).toContain('There are no lanes')
  })
})

describe('lanes', () => {
  test('one is idle, one is tried again, one is in error; each says what waits and why', async () => {
    ids.good = await subscribe(server, subscriptionOf(good.url))
    ids.bad = await subscribe(server, subscriptionOf(bad.url))
    ids.gone = await subscribe(server, subscriptionOf(gone.url))
    bad.behave(answer(503))
    gone.behave(answer(410))
    await commitEvents(server, 2)
    await waitFor('the error', async () => (await laneOf(ids.gone))?.state === 'error')
    await waitFor('a failed try', async () => (await laneOf(ids.bad))?.failures === 1)
    await waitFor('both', () => good.taken().length === 2)
    expect((await lanes()).map((one) => one.state)).toEqual(['error', 'retrying', 'idle'])
    expect(await laneOf(ids.good)).toMatchObject({ waiting: 0, lastNumber: 2, deliveredThrough: 2, failures: 0 })
    expect(await laneOf(ids.bad)).toMatchObject({
      authority: 'E10000007',
      authorityName: expect.stringContaining('Derbyshire'),
      waiting: 2,
      oldestWaitingAt: '2026-05-03T11:00:00.000Z',
      nextTryAt: expect.stringMatching(/^2026-05-03T11:00:0[45]/),
      lastAnswer: { at: '2026-05-03T11:00:00.000Z', answer: '5xx', status: 503 },
    })
    const { type, body } = await ask('/admin/lanes', 'administrator')
    expect(type).toBe('application/json')
    for (const one of [good, bad, gone]) expect(JSON.stringify(body)).not.toContain(one.host)
  })

  test('cpis lanes prints them as a table, or a line of JSON each', async () => {
    const table = consoleOf(server)
    expect(await table.run('lanes')).toBe(1)
    const [head = '', ...lines] = table.out().trimEnd().split('\n')
    expect(head).toMatch(/^authority +state +waiting +oldest +last answer +next try +subscription$/)
    expect(lines[1]).toMatch(
      /^E10000007 Derbyshire.* retrying +2 +3 May 2026 12:00 +503 3 May 2026 12:00 +3 May 2026 12:00/,
    )
    expect(lines[1]).toContain(ids.bad)
    const json = consoleOf(server)
    await json.run('lanes', '--json')
    const states = json
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as LaneView).state)
    expect(states).toEqual(['error', 'retrying', 'idle'])
  })

  test('released, a lane that waits is tried at once, and one in error makes its handshake; an idle one stays', async () => {
    bad.behave(ok)
    expect((await ask(`/admin/lanes/${ids.bad}/release`, 'administrator', 'POST')).body).toEqual({
      released: [ids.bad],
    })
    await waitFor('both', () => bad.taken().length === 2)
    expect(bad.taken()).toEqual([1, 2])
    gone.behave(ok)
    const console = consoleOf(server)
    expect(await console.run('lanes', '--release', 'all', '--json')).toBeLessThan(2)
    expect(console.err()).toContain('Released: 1 lane.')
    await waitFor('both', () => gone.taken().length === 2)
    expect(await readStatus(server, ids.gone)).toBe('active')
    const released = (await server.context.store.read.audits({ limit: 500 })).filter(
      (one) => one.operation === 'release' && one.status === 200,
    )
    expect(released.flatMap((one) => one.entities.map((entity) => entity.id)).sort()).toEqual(
      [ids.bad, ids.gone].sort(),
    )
  })

  test('released between status error and the halt of its lane, one call is enough', async () => {
    const row = await server.context.store.read.of(DERBYSHIRE, 'Subscription').find(ids.good as ResourceId)
    if (row === undefined) throw new Error('The test has lost its Subscription.')
    // as a lane that gives up does first; it halts a moment later
    expect(await changeStatus(server.context, row, { status: 'error', error: 'The endpoint is gone.' })).toBe(true)
    expect((await laneOf(ids.good))?.state).toBe('error')
    expect((await ask(`/admin/lanes/${ids.good}/release`, 'administrator', 'POST')).body).toEqual({
      released: [ids.good],
    })
    await waitFor('the handshake', async () => (await readStatus(server, ids.good)) === 'active')
    expect(good.ofType('handshake')).toHaveLength(2)
  })

  test('paused, nothing is sent and numbering goes on, visibly; the Subscription stays as it is; resumed, all comes in order', async () => {
    const before = good.received.length
    expect((await ask(`/admin/lanes/${ids.good}/pause`, 'administrator', 'POST')).body).toEqual({ paused: [ids.good] })
    expect((await ask(`/admin/lanes/${ids.good}/pause`, 'administrator', 'POST')).body).toEqual({ paused: [] })
    await commitEvents(server, 2)
    // another lane shows that the dispatcher has been at work since
    await waitFor('the other lane', () => bad.taken().length === 4)
    expect(await laneOf(ids.good)).toMatchObject({ state: 'paused', paused: true, waiting: 2, lastNumber: 4 })
    expect(await readStatus(server, ids.good)).toBe('active')
    expect((await ask(`/admin/lanes/${ids.good}/release`, 'administrator', 'POST')).body).toEqual({ released: [] })
    const console = consoleOf(server)
    await console.run('lanes')
    expect(console.out()).toMatch(/ paused +2 /)
    expect(good.received).toHaveLength(before)
    expect((await ask(`/admin/lanes/${ids.good}/resume`, 'administrator', 'POST')).body).toEqual({
      resumed: [ids.good],
    })
    expect((await ask(`/admin/lanes/${ids.good}/resume`, 'administrator', 'POST')).body).toEqual({ resumed: [] })
    await waitFor('both', () => good.taken().length === 4)
    expect(good.taken()).toEqual([1, 2, 3, 4])
  })

  test('a Subscription that its owner requests while its lane is paused makes its handshake after the pause', async () => {
    await ask(`/admin/lanes/${ids.good}/pause`, 'administrator', 'POST')
    const before = good.received.length
    const body = { ...subscriptionOf(good.url), id: ids.good, status: 'requested' }
    await server.send({ as: 'la-E10000007', method: 'PUT', path: `Subscription/${ids.good}`, body })
    await commitEvents(server, 1)
    await waitFor('the other lane', () => bad.taken().length === 5)
    expect(await readStatus(server, ids.good)).toBe('requested')
    expect(good.received).toHaveLength(before)
    const console = consoleOf(server)
    await console.run('lanes', '--resume', ids.good)
    expect(console.err()).toContain('Resumed: 1 lane.')
    await waitFor('the next', () => good.taken().length === 5)
    expect(await readStatus(server, ids.good)).toBe('active')
  })

  test('a pause is not counted as an outage of the endpoint', async () => {
    bad.behave(answer(503))
    await commitEvents(server, 1)
    await waitFor('a failed try', async () => (await laneOf(ids.bad))?.failures === 1)
    const console = consoleOf(server)
    await console.run('lanes', '--pause', ids.bad)
    expect(console.err()).toContain('Paused: 1 lane.')
    const now = server.context.clock()
    server.setNow(new Date(now.getTime() + 73 * 3_600_000).toISOString())
    await ask(`/admin/lanes/${ids.bad}/resume`, 'administrator', 'POST')
    await waitFor(
      'another try',
      async () => (await laneOf(ids.bad))?.failingSince === server.context.clock().toISOString(),
    )
    expect(await readStatus(server, ids.bad)).toBe('active')
    bad.behave(ok)
    await ask(`/admin/lanes/${ids.bad}/release`, 'administrator', 'POST')
    await waitFor('it', () => bad.taken().length === 6)
  })

  test('delivered events are sent once more, under their numbers and another webhook-id', async () => {
    const path = `/admin/lanes/${ids.good}/resend?eventsSinceNumber=2&eventsUntilNumber=3`
    const { length } = good.received
    expect((await ask(path, 'administrator', 'POST')).body).toEqual({ queued: { from: 2, through: 3 } })
    await waitFor('both', () => good.received.length === length + 2)
    expect(good.received.slice(length).flatMap((one) => numbersOf(one.bundle))).toEqual([2, 3])
    const webhookIds = good.ofType('event-notification').map((one) => one.webhookId)
    expect(new Set(webhookIds).size).toBe(webhookIds.length)
    const none = `/admin/lanes/${ids.good}/resend?eventsSinceNumber=900`
    expect((await ask(none, 'administrator', 'POST')).body).toEqual({ queued: null })
    const console = consoleOf(server)
    await console.run('lanes', '--resend', ids.good, '--from', '1', '--through', '1')
    expect(console.err()).toContain('Sent once more: events 1 to 1.')
    await waitFor('it', () => good.received.length === length + 3)
  })

  test('what its owner turned off stays off', async () => {
    const body = { ...subscriptionOf(bad.url), id: ids.bad, status: 'off' }
    await server.send({ as: 'la-E10000007', method: 'PUT', path: `Subscription/${ids.bad}`, body })
    await commitEvents(server, 1)
    await waitFor('it to be seen', async () => (await laneOf(ids.bad))?.state === 'off')
    expect((await ask(`/admin/lanes/${ids.bad}/release`, 'administrator', 'POST')).body).toEqual({ released: [] })
    expect(await readStatus(server, ids.bad)).toBe('off')
  })
})
