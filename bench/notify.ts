/** `npm run bench -- notify`: from the commit of a check to the receipt of its notification, and whether bad endpoints slow the good ones (measures.md, row notification). */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AlertLoop, type AlertRound, runAlerts } from './alert-round.ts'
import { type Arena, openArena } from './arena.ts'
import { runClosedLoop } from './closed-loop.ts'
import { type Alerts, buildAlerts, type Council, openCouncils } from './councils.ts'
import { type Endpoints, openEndpoints } from './endpoints.ts'
import { buildRound, median, type Round } from './latencies.ts'
import { openNotifyFloor } from './notify-floor.ts'
import type { BenchOptions } from './options.ts'
import { buildRandom } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { seedWaiting } from './seed-waiting.ts'

const ENDPOINTS = 152
const SPREADS = [1, 10, ENDPOINTS]
const PER_SECOND = 10
/** Three times as many, so that a 99th percentile is more than one event. */
const ISOLATION_PER_SECOND = 30
const CHILDREN_EACH = 20
const SLOW_MS = 5_000
const FLOOR_SECONDS = 1
const WARM_UP_SECONDS = 5

interface Spread {
  readonly endpoints: number
  readonly rounds: readonly AlertRound[]
  readonly post: readonly Round[]
  readonly transaction: readonly Round[]
}

/** Rounds side by side: everyone well, and with a dead, a slow and a full lane beside the others. */
interface Isolation {
  readonly well: readonly AlertRound[]
  readonly burdened: readonly AlertRound[]
}

interface World {
  readonly arena: Arena
  readonly endpoints: Endpoints
  readonly councils: readonly Council[]
  readonly alerts: Alerts
  readonly loop: AlertLoop
}

export async function benchNotify(options: BenchOptions): Promise<void> {
  const arena = await openArena(options.profileFolder)
  const endpoints = await openEndpoints(ENDPOINTS)
  try {
    const machine = describeMachine(arena.mongodVersion)
    const world = await openWorld({ arena, endpoints }, options)
    const spreads: Spread[] = []
    for (const count of SPREADS) spreads.push(await measureSpread(world, count, options))
    const isolation = await measureIsolation(world, options)
    await world.alerts.close()
    const tables = [spreadTable(spreads, options), isolationTable(isolation, options)]
    const { command } = options
    const figures = { seed: options.seed, spreads, isolation: { ...isolation, ratio: ratioOf(isolation) } }
    publish({ name: 'notify', command, mongodVersion: arena.mongodVersion, tables, figures }, machine, options.inReadme)
  } finally {
    await endpoints.close()
    await arena.close()
  }
}

async function openWorld(
  { arena, endpoints }: Pick<World, 'arena' | 'endpoints'>,
  { seed, seconds }: BenchOptions,
): Promise<World> {
  const random = buildRandom(seed)
  const filing = { arena, random, taken: new Set(SCENARIO_NUMBERS) }
  const councils = await openCouncils(filing, { origins: endpoints.origins, childrenEach: CHILDREN_EACH })
  while ((await endpoints.count()).handshakes < ENDPOINTS) await sleep(50)
  say(`${councils.length} councils with ${CHILDREN_EACH} children and an endpoint each`)
  const alerts = buildAlerts(filing)
  const loop = { alerts, endpoints, random, perSecond: PER_SECOND, seconds }
  await runAlerts({ ...loop, perSecond: 40, seconds: WARM_UP_SECONDS }, councils)
  return { arena, endpoints, councils, alerts, loop }
}

async function measureSpread(world: World, count: number, { rounds }: BenchOptions): Promise<Spread> {
  const { arena, endpoints, councils, loop } = world
  const floor = await openNotifyFloor(arena.mongodbUrl, await endpoints.sample(), loop.random)
  const measured: { alerts: AlertRound; post: Round; transaction: Round }[] = []
  const bare = { callers: 1, seconds: FLOOR_SECONDS, pids: {} }
  for (let round = 0; round < rounds; round += 1) {
    const alerts = await runAlerts(loop, councils.slice(0, count))
    const post = buildRound([await runClosedLoop(bare, () => floor.post(pick(world, count)))])
    const transaction = buildRound([await runClosedLoop(bare, floor.transaction)])
    measured.push({ alerts, post, transaction })
    const { p50Ms, p99Ms } = alerts.fromAnswer
    say(`${count} endpoints: p50 ${figure(p50Ms)} ms, p99 ${figure(p99Ms)} ms`)
  }
  await floor.close()
  return {
    endpoints: count,
    rounds: measured.map((one) => one.alerts),
    post: measured.map((one) => one.post),
    transaction: measured.map((one) => one.transaction),
  }
}

function pick({ endpoints, loop }: World, count: number): string {
  return endpoints.origins[loop.random.below(count)] ?? ''
}

/** The first three lanes are the bad ones: paused while everyone is well. */
async function measureIsolation(world: World, { rounds, waiting, seed }: BenchOptions): Promise<Isolation> {
  const { arena, endpoints, councils, alerts, loop } = world
  const bad = councils.slice(0, 3)
  const others = councils.slice(3)
  const order = async (word: 'pause' | 'resume'): Promise<void> => {
    for (const council of bad) await alerts.order(council, word)
  }
  await order('pause')
  await arena.stopServer()
  const full = councils.slice(2, 3)
  await seedWaiting({ mongodbUrl: arena.mongodbUrl, random: buildRandom(seed + 1) }, full, waiting)
  await arena.startServer()
  await endpoints.kill(0)
  await endpoints.delay(1, SLOW_MS)
  say(`one endpoint is dead, one answers after ${SLOW_MS} ms, one has ${waiting} events waiting`)
  await runAlerts({ ...loop, perSecond: 40, seconds: WARM_UP_SECONDS }, others)
  for (let event = 0; event < 20; event += 1) await alerts.check(councils.slice(0, 2))
  const well: AlertRound[] = []
  const burdened: AlertRound[] = []
  for (let round = 0; round < rounds; round += 1) {
    well.push(await runAlerts({ ...loop, perSecond: ISOLATION_PER_SECOND }, others))
    await order('resume')
    burdened.push(await runAlerts({ ...loop, perSecond: ISOLATION_PER_SECOND }, others))
    await order('pause')
    const [before, now] = [well.at(-1)?.fromAnswer.p99Ms ?? 0, burdened.at(-1)?.fromAnswer.p99Ms ?? 0]
    say(`the others: p99 ${figure(before)} ms, beside bad endpoints ${figure(now)} ms`)
  }
  return { well, burdened }
}

const middle = (rounds: readonly Round[], name: 'p50Ms' | 'p99Ms' | 'mostMs'): string =>
  figure(median(rounds.map((one) => one[name])))

function spreadTable(spreads: readonly Spread[], { rounds, seconds, seed }: BenchOptions): Table {
  return {
    title: `Commit to receipt at ${PER_SECOND} checks a second of children with a plan; medians of ${rounds} rounds of ${seconds} s, seed ${seed}`,
    columns: [
      'endpoints',
      'events',
      'from the answer: p50 ms',
      'p99 ms',
      'longest ms',
      'from the request: p50 ms',
      'p99 ms',
      'bare POST p50 ms',
      'p99 ms',
      'bare transaction p50 ms',
      'p99 ms',
    ],
    rows: spreads.map(({ endpoints, rounds, post, transaction }) => {
      const answer = rounds.map((one) => one.fromAnswer)
      const request = rounds.map((one) => one.fromRequest)
      return [
        String(endpoints),
        String(answer.reduce((sum, one) => sum + one.operations, 0)),
        ...[middle(answer, 'p50Ms'), middle(answer, 'p99Ms'), middle(answer, 'mostMs')],
        ...[middle(request, 'p50Ms'), middle(request, 'p99Ms')],
        ...[middle(post, 'p50Ms'), middle(post, 'p99Ms')],
        ...[middle(transaction, 'p50Ms'), middle(transaction, 'p99Ms')],
      ]
    }),
  }
}

/** All rounds of a kind as one: of few events a 99th percentile says little. */
function pool(kind: readonly AlertRound[]): Round {
  return buildRound(kind.map(({ times }) => ({ times, seconds: 0, cpuMicros: {} })))
}

function ratioOf({ well, burdened }: Isolation): number {
  return pool(burdened).p99Ms / pool(well).p99Ms
}

function isolationTable({ well, burdened }: Isolation, { rounds, seconds, waiting }: BenchOptions): Table {
  const of = (kind: readonly AlertRound[]): readonly Round[] => kind.map((one) => one.fromAnswer)
  const ratios = of(burdened).map((one, round) => one.p99Ms / (of(well)[round]?.p99Ms ?? Number.NaN))
  const ratio = ratioOf({ well, burdened })
  const row = (name: string, kind: readonly AlertRound[], words: string): string[] => {
    const { operations, p50Ms, p99Ms, mostMs } = pool(kind)
    const others = median(kind.map((one) => (one.receipts - one.fromAnswer.operations) / seconds))
    return [name, String(operations), figure(p50Ms), figure(p99Ms), figure(mostMs), words, figure(others)]
  }
  return {
    title: `${ENDPOINTS - 3} endpoints at ${ISOLATION_PER_SECOND} checks a second beside one dead, one that answers after ${SLOW_MS / 1_000} s and one with ${waiting.toLocaleString('en-GB')} events waiting; ${rounds} rounds of ${seconds} s in turn, taken together (range of the pairs)`,
    columns: [
      'the three',
      'events of the others',
      'p50 ms',
      'p99 ms',
      'longest ms',
      'p99 / p99 without',
      'events/s of the three',
    ],
    rows: [
      row('paused', well, ''),
      row('at work', burdened, `${figure(ratio)} (${figure(Math.min(...ratios))}–${figure(Math.max(...ratios))})`),
    ],
  }
}
