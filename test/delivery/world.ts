/** One database with its stores, a clock that tests move, and Subscriptions and events as the register makes them. */
import { randomUUID } from 'node:crypto'
import type { Subscription } from '@medplum/fhirtypes'
import { pino } from 'pino'
import { parseConfig } from '../../src/config.ts'
import { type Delivery, type DeliveryOptions, startDelivery } from '../../src/delivery/dispatcher.ts'
import { buildGuardedFetch } from '../../src/delivery/guarded-fetch.ts'
import type { DeliveryContext } from '../../src/delivery/subscription-status.ts'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import type { RegisterEvent } from '../../src/domain/events.ts'
import { buildSubscriptionIndex, parseStoredSubscription } from '../../src/domain/subscription.ts'
import { BACKPORT_EXTENSION } from '../../src/domain/subscription-channel.ts'
import { canonical } from '../../src/fhir/canonicals.ts'
import { type Keys, makeKeys } from '../../src/keys.ts'
import { buildMetrics } from '../../src/metrics.ts'
import type { DeliveryStore } from '../../src/store/delivery-store.ts'
import { openDeliveryStore } from '../../src/store/mongo-delivery-store.ts'
import { type OpenStore, openStore } from '../../src/store/mongo-store.ts'
import type { Row } from '../../src/store/store.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

export const DERBYSHIRE = 'E10000007' as AuthorityCode
export const LEEDS = 'E08000035' as AuthorityCode

export interface World {
  readonly database: TestDatabase
  readonly store: OpenStore
  readonly deliveries: DeliveryStore
  readonly keys: Keys
  readonly context: DeliveryContext
  /** Moves the injected clock. */
  advance(ms: number): void
  /** Another process on the same database: its own dispatcher. */
  start(deliveries?: DeliveryStore, options?: DeliveryOptions): Delivery
  /** Makes every dispatcher look at once. */
  wake(): void
  /** Stops every dispatcher started. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(more: Partial<DeliveryContext> = {}): Promise<World> {
  const database = testDatabase()
  const keys = makeKeys()
  let now = new Date('2026-05-03T09:00:00.000Z').getTime()
  const clock = (): Date => new Date(now)
  const log = pino({ level: 'silent' })
  const store = await openStore({ url: database.url, database: database.database, keys, clock, log })
  const deliveries = await openDeliveryStore(store.handle)
  const context: DeliveryContext = {
    config: { ...parseConfig({}), baseUrl: 'http://127.0.0.1:8080' },
    allowedHosts: () => [],
    clock,
    newId: randomUUID,
    log,
    store,
    keys,
    fetch: buildGuardedFetch({ mode: 'sandbox' }),
    metrics: buildMetrics(),
    ...more,
  }
  const started: Delivery[] = []
  return {
    database,
    store,
    deliveries,
    keys,
    context,
    advance(ms) {
      now += ms
    },
    start(other = deliveries, options = {}) {
      const delivery = startDelivery(context, other, options)
      started.push(delivery)
      return delivery
    },
    wake() {
      for (const one of started) one.wake()
    },
    async stop() {
      await Promise.all(started.splice(0).map((one) => one.stop()))
    },
    async close() {
      await Promise.all(started.splice(0).map((one) => one.stop()))
      await store.close()
      await database.drop()
    },
  }
}

export interface SubscriptionWish {
  readonly channel?: 'email'
  readonly digest?: number
  readonly endpoint: string
  readonly authority?: AuthorityCode
  readonly status?: Subscription['status']
  readonly filters?: readonly string[]
  readonly maxCount?: number
  readonly timeout?: number
  readonly heartbeat?: number
  readonly content?: string
  readonly payload?: string
  readonly header?: readonly string[]
  readonly end?: string
}

/** A Subscription in the shape of the Backport IG. */
export function subscriptionOf(wish: SubscriptionWish): Subscription {
  const extension = [
    ...(wish.maxCount === undefined ? [] : [{ url: BACKPORT_EXTENSION.maxCount, valuePositiveInt: wish.maxCount }]),
    ...(wish.timeout === undefined ? [] : [{ url: BACKPORT_EXTENSION.timeout, valueUnsignedInt: wish.timeout }]),
    ...(wish.digest === undefined ? [] : [{ url: BACKPORT_EXTENSION.digest, valuePositiveInt: wish.digest }]),
    ...(wish.heartbeat === undefined ? [] : [{ url: BACKPORT_EXTENSION.heartbeat, valueUnsignedInt: wish.heartbeat }]),
  ]
  const filters = (wish.filters ?? []).map((valueString) => ({ url: BACKPORT_EXTENSION.filter, valueString }))
  const subscription = {
    resourceType: 'Subscription',
    status: wish.status ?? 'requested',
    reason: 'Alerts for the duty desk',
    criteria: canonical('SubscriptionTopic', 'child-checked'),
    ...(filters.length === 0 ? {} : { _criteria: { extension: filters } }),
    ...(wish.end === undefined ? {} : { end: wish.end }),
    channel: {
      ...(extension.length === 0 ? {} : { extension }),
      type: wish.channel ?? 'rest-hook',
      endpoint: wish.endpoint,
      payload: wish.payload ?? (wish.channel === 'email' ? 'text/plain' : 'application/fhir+json'),
      _payload: { extension: [{ url: BACKPORT_EXTENSION.content, valueCode: wish.content ?? 'id-only' }] },
      ...(wish.header === undefined ? {} : { header: [...wish.header] }),
    },
  }
  return subscription as Subscription
}

/** Files a Subscription as its owner would. */
export async function subscribe(world: World, wish: SubscriptionWish): Promise<ResourceId> {
  const id = randomUUID() as ResourceId
  const resource = subscriptionOf(wish)
  await put(world, {
    type: 'Subscription',
    id,
    version: 1,
    lastUpdated: world.context.clock().toISOString(),
    owner: wish.authority ?? DERBYSHIRE,
    method: 'POST',
    deleted: false,
    resource,
    index: indexOf(resource),
  })
  return id
}

/** The next version, as its owner changes it. */
export async function change(world: World, id: ResourceId, wish: SubscriptionWish): Promise<void> {
  const row = await readRow(world, id, wish.authority)
  const resource = subscriptionOf(wish)
  await put(world, { ...row, version: row.version + 1, method: 'PUT', resource, index: indexOf(resource) })
}

export async function readRow(world: World, id: ResourceId, owner = DERBYSHIRE): Promise<Row<'Subscription'>> {
  const row = await world.store.read.of(owner, 'Subscription').find(id)
  if (row === undefined) throw new Error('No such Subscription.')
  return row
}

export async function statusOfSubscription(world: World, id: ResourceId, owner = DERBYSHIRE): Promise<string> {
  return (await readRow(world, id, owner)).resource?.status ?? 'deleted'
}

/** Commits events as checks do, one transaction each. */
export async function commitEvents(world: World, count: number, authority = DERBYSHIRE): Promise<RegisterEvent[]> {
  const events = Array.from({ length: count }, (_, index) => eventOf(world, index, authority))
  for (const event of events) await world.store.transact((unit) => unit.appendEvents([event]))
  world.wake()
  return events
}

export function eventOf(world: World, offsetMs = 0, authority = DERBYSHIRE): RegisterEvent {
  return {
    id: randomUUID(),
    at: new Date(world.context.clock().getTime() + offsetMs).toISOString(),
    topic: 'child-checked',
    authority,
    plans: [{ id: randomUUID() as ResourceId, version: 1, type: 'CPP' }],
    caseStatus: 'open',
    setting: 'emergency-department',
    incident: { id: randomUUID(), leg: 1, inSixMonths: 1 },
    auditId: randomUUID(),
  }
}

async function put(world: World, row: Row<'Subscription'>): Promise<void> {
  await world.store.transact((unit) => unit.put(row))
}

function indexOf(resource: Subscription): Row<'Subscription'>['index'] {
  const draft = parseStoredSubscription(resource)
  if (draft === undefined) throw new Error('The Subscription of the test cannot be understood.')
  return buildSubscriptionIndex(draft)
}
