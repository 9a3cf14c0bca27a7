/** `npm run bench -- drain`: how fast events that wait in many lanes reach their endpoints, each lane in order, none twice (measures.md, row drain). */
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { type Arena, openArena } from './arena.ts'
import { runClosedLoop } from './closed-loop.ts'
import { buildAlerts, type Council, openCouncils } from './councils.ts'
import { type Endpoints, openEndpoints, type Receipt, type Sample } from './endpoints.ts'
import { buildRound, median, type Round } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { watchCpu } from './process-cpu.ts'
import { buildRandom } from './random.ts'
import { describeMachine, figure, percent, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { seedWaiting } from './seed-waiting.ts'

const ENDPOINTS = 152
const FLOOR_SECONDS = 3
/** Nothing new for so long: what waits is stuck. */
const STALLED_MS = 20_000

interface Drained {
  readonly events: number
  readonly seconds: number
  readonly perSecond: number
  /** CPU microseconds an event, by process. */
  readonly cpuMicros: Readonly<Record<string, number>>
  readonly floor: Round
}

export async function benchDrain(options: BenchOptions): Promise<void> {
  const arena = await openArena(options.profileFolder)
  const endpoints = await openEndpoints(ENDPOINTS)
  try {
    const machine = describeMachine(arena.mongodVersion)
    const random = buildRandom(options.seed)
    const filing = { arena, random, taken: new Set(SCENARIO_NUMBERS) }
    const councils = await openCouncils(filing, { origins: endpoints.origins, childrenEach: 1 })
    while ((await endpoints.count()).handshakes < ENDPOINTS) await sleep(50)
    const sample = await provokeOne({ arena, endpoints, random }, councils)
    say(`${councils.length} councils with an endpoint each`)
    const rounds: Drained[] = []
    for (let round = 0; round < options.rounds; round += 1) {
      const each = Math.ceil(options.waiting / ENDPOINTS)
      await arena.stopServer()
      await seedWaiting({ mongodbUrl: arena.mongodbUrl, random }, councils, each)
      const drained = await drain({ arena, endpoints }, each)
      rounds.push({ ...drained, floor: await postBare(endpoints, sample) })
      say(`drained ${drained.events} events: ${figure(drained.perSecond)}/s`)
    }
    const tables = [drainTable(rounds, options)]
    const { command, seed } = options
    const figures = { seed, rounds }
    publish({ name: 'drain', command, mongodVersion: arena.mongodVersion, tables, figures }, machine, options.inReadme)
  } finally {
    await endpoints.close()
    await arena.close()
  }
}

/** A first event, whose notification is posted bare afterwards. */
async function provokeOne(
  { arena, endpoints, random }: { arena: Arena; endpoints: Endpoints; random: ReturnType<typeof buildRandom> },
  councils: readonly Council[],
): Promise<Sample> {
  const alerts = buildAlerts({ arena, random })
  await alerts.check(councils)
  await alerts.close()
  while ((await endpoints.count()).events === 0) await sleep(20)
  await endpoints.take()
  return endpoints.sample()
}

async function drain(
  { arena, endpoints }: { arena: Arena; endpoints: Endpoints },
  each: number,
): Promise<Omit<Drained, 'floor'>> {
  const expected = each * ENDPOINTS
  const before = (await endpoints.count()).events
  await arena.startServer()
  const { server, mongod } = arena.pids
  let cpu: ReturnType<typeof watchCpu> | undefined
  let done = 0
  let changedAt = performance.now()
  while (done < expected) {
    await sleep(cpu === undefined ? 5 : 100)
    const now = (await endpoints.count()).events - before
    if (now > 0) cpu ??= watchCpu({ server, mongod, endpoints: endpoints.pid })
    if (now !== done) changedAt = performance.now()
    else if (performance.now() - changedAt > STALLED_MS) throw new Error(`${expected - now} events do not come.`)
    done = now
  }
  const cpuMicros = Object.fromEntries(Object.entries(cpu?.() ?? {}).map(([name, micros]) => [name, micros / expected]))
  const receipts = await endpoints.take()
  checkReceipts(receipts, each)
  const seconds = ((receipts.at(-1)?.[3] ?? 0) - (receipts[0]?.[3] ?? 0)) / 1000
  return { events: receipts.length, seconds, perSecond: receipts.length / seconds, cpuMicros }
}

/** Every endpoint got its events once each, in order, without a gap. */
function checkReceipts(receipts: readonly Receipt[], each: number): void {
  const lanes = Map.groupBy(receipts, ([endpoint]) => endpoint)
  if (lanes.size !== ENDPOINTS) throw new Error(`${ENDPOINTS - lanes.size} endpoints got nothing.`)
  for (const [endpoint, lane] of lanes) {
    const first = lane[0]?.[1] ?? 0
    const isWhole = lane.length === each && lane.every(([, number], place) => number === first + place)
    if (!isWhole) {
      const numbers = lane.map(([, number]) => number).join(' ')
      throw new Error(`Endpoint ${endpoint} got its events out of order, or not once each: ${numbers}`)
    }
  }
}

/** One request after the other to each endpoint, all endpoints at once: no database, no signing. */
async function postBare({ origins, take }: Endpoints, { headers, body }: Sample): Promise<Round> {
  const dispatcher = new Agent({ pipelining: 1 })
  const loop = { callers: ENDPOINTS, seconds: FLOOR_SECONDS, pids: {} }
  const sample = await runClosedLoop(loop, async (caller) => {
    const reply = await request(`${origins[caller]}/notifications`, { method: 'POST', headers, body, dispatcher })
    await reply.body.dump()
  })
  await dispatcher.close()
  await take()
  return buildRound([sample])
}

function drainTable(rounds: readonly Drained[], { waiting, seed }: BenchOptions): Table {
  const of = (read: (one: Drained) => number): number => median(rounds.map(read))
  const rates = rounds.map((one) => one.perSecond)
  const cost = (name: string): string => figure(of((one) => one.cpuMicros[name] ?? Number.NaN))
  return {
    title: `${waiting.toLocaleString('en-GB')} events waiting in ${ENDPOINTS} lanes, one event a notification; medians of ${rounds.length} rounds, seed ${seed}`,
    columns: [
      'events/s (range)',
      'seconds',
      'CPU µs an event: server',
      'mongod',
      'endpoints',
      'bare POSTs/s',
      'drain / bare POSTs',
    ],
    rows: [
      [
        `${figure(of((one) => one.perSecond))} (${figure(Math.min(...rates))}–${figure(Math.max(...rates))})`,
        figure(of((one) => one.seconds)),
        ...[cost('server'), cost('mongod'), cost('endpoints')],
        figure(of((one) => one.floor.perSecond)),
        percent(of((one) => one.perSecond / one.floor.perSecond)),
      ],
    ],
  }
}
