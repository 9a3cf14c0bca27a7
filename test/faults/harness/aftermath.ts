/** Reads what the register holds when all is quiet: plans by their authorities' own histories over HTTP, records and events from the database itself. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, MongoClient } from 'mongodb'
import { type Caller, isRecord } from './caller.ts'
import type { Aftermath, PlanVersion, StoredAudit, StoredDelivery, StoredEvent, StoredPlan } from './operation.ts'
import { type Listening, toldOf } from './told.ts'

const DRAIN_MS = 90_000
const LOOK_MS = 500
const PAGE = 500

export interface AftermathFacts {
  readonly caller: Caller
  /** Leads to the data. */
  readonly mongodbUrl: string
  readonly database: string
  readonly authorities: readonly string[]
  readonly listening: readonly Listening[]
}

/** Waits until nothing waits to be told (releasing what waits for another try), or for a bounded time, and reads it all. */
export async function readAftermath(facts: AftermathFacts): Promise<Aftermath> {
  const client = new MongoClient(facts.mongodbUrl, { readPreference: 'primary', readConcernLevel: 'majority' })
  try {
    const db = client.db(facts.database)
    await drain(facts, db)
    const plans = await Promise.all(facts.authorities.map((one) => readPlans(facts.caller, `la-${one}`)))
    return {
      plans: plans.flat(),
      ...(await readRecords(db)),
      ...(await readEvents(db)),
      subscriptions: facts.listening.map(toldOf),
    }
  } finally {
    await client.close()
  }
}

async function drain({ caller }: AftermathFacts, db: Db): Promise<void> {
  const giveUpAt = performance.now() + DRAIN_MS
  while (performance.now() < giveUpAt) {
    const open = await db.collection('events').countDocuments({ state: 'new' })
    const waiting = await db.collection('deliveries').countDocuments({ state: 'waiting' })
    if (open + waiting === 0) return
    await caller.send({ as: 'administrator', method: 'POST', path: '/admin/lanes/release', requestId: randomUUID() })
    await sleep(LOOK_MS)
  }
}

async function readRecords(db: Db): Promise<Pick<Aftermath, 'audits' | 'accesses'>> {
  const audits = await db.collection('auditEvents').find().toArray()
  const accesses = await db.collection('accesses').find().toArray()
  return {
    audits: audits.map(
      ({ _id, requestId, status, interaction, operation, entities, authorities, incident }): StoredAudit => ({
        id: String(_id),
        requestId,
        status,
        interaction,
        ...(operation === undefined ? {} : { operation }),
        entities,
        authorities: authorities ?? [],
        ...(incident === undefined ? {} : { incident }),
      }),
    ),
    accesses: accesses.map(({ _id, incident }) => ({ id: String(_id), incident })),
  }
}

async function readEvents(db: Db): Promise<Pick<Aftermath, 'events' | 'deliveries'>> {
  const events = await db.collection('events').find().toArray()
  const deliveries = await db.collection('deliveries').find().toArray()
  return {
    events: events.map(
      ({ _id, state, topic, event }): StoredEvent => ({
        id: String(_id),
        state,
        topic,
        authority: event.authority,
        ...(event.auditId === undefined ? {} : { auditId: event.auditId }),
      }),
    ),
    deliveries: deliveries.map(
      ({ subscription, number, state, event }): StoredDelivery => ({
        subscription,
        number,
        state,
        eventId: event.id,
        ...(event.auditId === undefined ? {} : { auditId: event.auditId }),
      }),
    ),
  }
}

/** Every plan of an authority with every version of it, and what a plain search finds of it. */
async function readPlans(caller: Caller, as: string): Promise<readonly StoredPlan[]> {
  const history = await readPages(caller, as, `EpisodeOfCare/_history?_count=${PAGE}`)
  const current = new Map(
    (await readPages(caller, as, `EpisodeOfCare?_count=${PAGE}`)).map(({ resource = {} }) => [
      idOf(resource),
      versionOf(resource),
    ]),
  )
  const byId = Map.groupBy(history, (one) => one.resource?.['id'] ?? one.request?.url.split('/')[1])
  return [...byId].map(([id, entries]) => {
    const versions = entries.map(toVersion).sort((a, b) => a.version - b.version)
    const found = current.get(String(id))
    const named = entries.map((one) => identifierOf(one.resource)).find((one) => one !== undefined)
    return { id: String(id), plan: named ?? '', versions, ...(found === undefined ? {} : { current: found }) }
  })
}

interface Entry {
  readonly resource?: Record<string, unknown>
  readonly request?: { readonly method: string; readonly url: string }
  readonly response?: { readonly etag?: string; readonly location?: string }
}

async function readPages(caller: Caller, as: string, first: string): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (let path: string | undefined = first; path !== undefined; ) {
    const { status, body } = await caller.send({ as, method: 'GET', path, requestId: randomUUID() })
    if (status !== 200 || !isRecord(body)) throw new Error(`${path.split('?')[0]} was answered ${status}.`)
    entries.push(...((body['entry'] ?? []) as Entry[]))
    const links = (body['link'] ?? []) as { relation: string; url: string }[]
    path = links.find((one) => one.relation === 'next')?.url.split('/FHIR/R4/')[1]
  }
  return entries
}

const idOf = (resource: Record<string, unknown>): string => String(resource['id'])

function versionOf(resource: Record<string, unknown>): number {
  return Number(isRecord(resource['meta']) ? resource['meta']['versionId'] : undefined)
}

function identifierOf(resource: Record<string, unknown> | undefined): string | undefined {
  const [first] = (resource?.['identifier'] ?? []) as { value: string }[]
  return first?.value
}

function toVersion({ resource, response }: Entry): PlanVersion {
  if (resource === undefined)
    return { version: Number(/\d+/.exec(response?.etag ?? '')?.[0]), value: 'deleted', hides: true }
  const start = isRecord(resource['period']) ? String(resource['period']['start']) : ''
  return { version: versionOf(resource), value: start, hides: resource['status'] === 'entered-in-error' }
}
