/** A delivery process of its own for tests that end or stop it: store and dispatcher over a database that others use too. At a point marked by the test it kills (`kill -9`) or stops itself. The first argument is its ProcessWish as JSON. */
import { randomUUID } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { argv, pid } from 'node:process'
import { pino } from 'pino'
import { parseConfig } from '../../src/config.ts'
import { startDelivery } from '../../src/delivery/dispatcher.ts'
import { buildGuardedFetch, type GuardedFetch } from '../../src/delivery/guarded-fetch.ts'
import type { AuthorityCode } from '../../src/domain/brands.ts'
import type { Keys } from '../../src/keys.ts'
import { buildMetrics } from '../../src/metrics.ts'
import type { DeliveryStore } from '../../src/store/delivery-store.ts'
import { openDeliveryStore } from '../../src/store/mongo-delivery-store.ts'
import type { MongoHandle } from '../../src/store/mongo-handle.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import type { Point, ProcessWish } from './delivery-points.ts'

const wish = JSON.parse(argv[2] ?? '') as ProcessWish
const say = (line: string): number => writeSync(1, `${line}\n`)
let isOver = false

/** Ends or stops the process here, once, when the test wants it. */
function reach(point: Point): void {
  if (isOver || wish.point !== point) return
  isOver = true
  say(`at ${point}`)
  process.kill(pid, wish.how ?? 'SIGKILL')
}

function markedFetch(fetch: GuardedFetch): GuardedFetch {
  return async (request) => {
    const isEvents = request.body?.includes('event-notification') === true
    if (isEvents) reach('between numbering and send')
    const reply = await fetch(request)
    if (isEvents && reply.status < 300) reach('after the receiver took it, before the mark')
    return reply
  }
}

/** Inside a transaction: when all is written and nothing committed. */
let inside: Point | undefined
function markedHandle(handle: MongoHandle): MongoHandle {
  return {
    client: handle.client,
    db: handle.db,
    transact: (work) =>
      handle.transact(async (session) => {
        const done = await work(session)
        if (inside !== undefined) reach(inside)
        return done
      }),
  }
}

async function within(point: Point, word: string, work: () => Promise<boolean>): Promise<boolean> {
  inside = point
  try {
    const isDone = await work()
    say(`${word} ${isDone}`)
    return isDone
  } catch (error) {
    say(`${word} failed`)
    throw error
  } finally {
    inside = undefined
  }
}

function markedStore(store: DeliveryStore): DeliveryStore {
  return {
    ...store,
    async numberEvents(...given) {
      reach('before numbering')
      return within('inside numbering', 'numbered', () => store.numberEvents(...given))
    },
    async fixBatch(...given) {
      const isDone = await store.fixBatch(...given)
      reach('after the batch is fixed, before it is sent')
      return isDone
    },
    async markDelivered(...given) {
      const isDone = await within('inside the mark', 'marked', () => store.markDelivered(...given))
      reach('after the mark')
      return isDone
    },
    async renewLane(...given) {
      reach('before a lease is renewed')
      const isDone = await store.renewLane(...given)
      reach('after a lease is renewed')
      return isDone
    },
  }
}

const keys = JSON.parse(readFileSync(wish.keysFile, 'utf8')) as Keys
const log = pino({ level: 'silent' })
const clock = (): Date => new Date()
const store = await openStore({ url: wish.url, database: wish.database, keys, clock, log })
const deliveries = await openDeliveryStore(markedHandle(store.handle))
const context = {
  config: { ...parseConfig({}), baseUrl: 'http://127.0.0.1:8080' },
  allowedHosts: () => [],
  clock,
  newId: randomUUID,
  log,
  store,
  keys,
  fetch: markedFetch(buildGuardedFetch({ mode: 'sandbox' })),
  metrics: buildMetrics(),
}
for (let count = 0; count < (wish.commits ?? 0); count += 1) {
  await store.transact((unit) =>
    unit.appendEvents([
      {
        id: randomUUID(),
        at: clock().toISOString(),
        topic: 'child-checked',
        authority: wish.authority ?? ('E10000007' as AuthorityCode),
        plans: [],
        caseStatus: 'open',
        auditId: randomUUID(),
      },
    ]),
  )
}
if ((wish.commits ?? 0) > 0) reach('after the commit of the event, before numbering')
startDelivery(context, markedStore(deliveries))
say('ready')
