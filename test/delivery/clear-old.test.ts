/** What was delivered more than 90 days ago is removed by the work of the day; what waits, and all numbers, stay (delivery.md "Recovery"). */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { type Db, MongoClient } from 'mongodb'
import { answer, type Receiver, startReceiver } from '../support/receiver.ts'
import { bundleOf, startTestServer, type TestServer } from '../support/server.ts'
import { commitEvents, subscribe, subscriptionOf } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
const OLD = 1_203
const DAY_MS = 86_400_000

let server: TestServer
let receiver: Receiver
let client: MongoClient
let id: string

beforeAll(async () => {
  server = await startTestServer()
  client = await MongoClient.connect(server.context.config.mongodbUrl ?? '')
  receiver = await startReceiver({ keys: server.context.keys.webhooks })
  id = await subscribe(server, subscriptionOf(receiver.url))
  await commitEvents(server, OLD)
  await waitFor('the old ones', async () => (await count('deliveries', { state: 'delivered' })) === OLD, 60_000)
}, 90_000)
afterAll(async () => {
  await client.close()
  await server.close()
  await receiver.close()
})

const db = (): Db => client.db(server.context.config.mongodbDatabase)
const count = (name: string, filter: object = {}): Promise<number> => db().collection(name).countDocuments(filter)
const inDays = (days: number): string => new Date(Date.parse('2026-05-03T11:00:00Z') + days * DAY_MS).toISOString()

async function eventsFrom(since: number): Promise<Bundle> {
  return bundleOf(await server.send({ as: LA, path: `Subscription/${id}/$events?eventsSinceNumber=${since}` }))
}

function numbersIn(bundle: Bundle): readonly number[] {
  return (bundle.entry ?? [])
    .map(({ resource }) => resource)
    .filter((one): one is Parameters => one?.resourceType === 'Parameters')
    .flatMap((one) => one.parameter ?? [])
    .filter(({ name }) => name === 'notification-event')
    .map(({ part = [] }) => Number(part.find(({ name }) => name === 'event-number')?.valueString))
}

test('before their time all stay; after it what was delivered goes, what waits stays, and $events answers as before', async () => {
  server.setNow(inDays(80))
  receiver.behave(answer(500))
  await commitEvents(server, 3)
  await waitFor('three more', async () => (await count('deliveries')) === OLD + 3)
  await server.runDaily()
  expect(await count('deliveries')).toBe(OLD + 3)
  server.setNow(inDays(90.5))
  const before = await eventsFrom(1)
  expect(numbersIn(before)).toEqual([OLD + 1, OLD + 2, OLD + 3])
  server.setNow(inDays(92))
  await server.runDaily()
  expect([await count('deliveries'), await count('deliveries', { state: 'waiting' })]).toEqual([3, 3])
  expect(await count('attempts', { at: { $lt: new Date(inDays(1)) } })).toBe(0)
  expect(await count('events', { state: 'numbered', at: { $lt: inDays(1) } })).toBe(0)
  const after = await eventsFrom(1)
  expect(numbersIn(after)).toEqual(numbersIn(before))
  expect(await server.context.deliveries.lastNumbers([id as never])).toEqual(new Map([[id, OLD + 3]]))
  server.setNow(inDays(400))
  await server.runDaily()
  expect(await count('deliveries', { state: 'waiting' })).toBe(3)
  expect(await count('events', { at: { $gt: inDays(79) } })).toBe(3)
}, 60_000)
