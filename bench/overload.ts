/** `npm run bench -- overload`: ten times the callers, for a minute, who ask again at once whatever they are told (issue 8, item 5): only 200, 429 and 503 with Retry-After, others served meanwhile, and back to normal soon after. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Arena, openArena } from './arena.ts'
import { buildChecker, type Checker } from './checker.ts'
import { buildBatches, buildChildren, type Child } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { openCaller, type Received } from './http-caller.ts'
import { buildRound, type Round } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { residentBytesOf } from './process-memory.ts'
import { buildRandom, type Random } from './random.ts'
import { describeMachine, figure, publish, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'

const FILED = 2_000
const NORMAL_CALLERS = 64
const BURST_CALLERS = 640
const BURST_SECONDS = 60
const PROBES_PER_SECOND = 20
const BACK_WITHIN_SECONDS = 30
const CALM_SECONDS = 5
/** Back to normal: a second whose checks are as quick as this many times those of before. */
const AS_BEFORE = 2
const MB = 2 ** 20
/** Who floods, and who has nothing to do with it: clients and organisations of their own. */
const FLOOD = ['ed-nurse']
const OTHER = ['paramedic']

/** Limits off: the places in flight refuse (503). Limits on: the client's allowance refuses first (429). */
const LIMITS = {
  off: undefined,
  on: {
    checksPerUserPerMinute: 10_000_000,
    checksPerUserPerHour: 100_000_000,
    requestsPerClientPerMinute: 20_000,
    requestsPerOrganizationPerMinute: 20_000,
  },
} as const
type Limits = keyof typeof LIMITS

interface Outcome {
  readonly limits: Limits
  readonly normal: Round
  /** Answers of the burst by status. */
  readonly answers: Readonly<Record<string, number>>
  /** Refusals that did not say when to come again. */
  readonly withoutRetryAfter: number
  readonly served: Round
  readonly others: Round
  readonly othersRefused: number
  readonly backAfterSeconds: number
  readonly restMb: number
  readonly mostMb: number
  readonly afterMb: number
}

/** Throws when a rule of the burst was broken. */
export async function benchOverload(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cpis-bench-limits-'))
  const outcomes: Outcome[] = []
  let about: { machine: string; mongodVersion: string } | undefined
  try {
    for (const limits of Object.keys(LIMITS) as Limits[]) {
      const arena = await openArena(options.profileFolder, {
        env: { CPIS_LIMITS: limitsFile(folder, limits), LOG_LEVEL: 'error' },
      })
      try {
        about ??= { machine: describeMachine(arena.mongodVersion), mongodVersion: arena.mongodVersion }
        outcomes.push(await measure(arena, limits, options))
      } finally {
        await arena.close()
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const { command, seed } = options
  const { machine = '', mongodVersion = '' } = about ?? {}
  publish(
    {
      name: 'overload',
      command,
      mongodVersion,
      tables: [burstTable(outcomes), afterTable(outcomes)],
      figures: { seed, outcomes },
    },
    machine,
    options.inReadme,
  )
  for (const outcome of outcomes) refuseBroken(outcome)
}

function limitsFile(folder: string, limits: Limits): string {
  if (LIMITS[limits] === undefined) return 'off'
  const file = join(folder, 'limits.json')
  writeFileSync(file, JSON.stringify(LIMITS[limits]))
  return file
}

async function measure(arena: Arena, limits: Limits, { seed, minutes }: BenchOptions): Promise<Outcome> {
  const random = buildRandom(seed)
  const taken = new Set(SCENARIO_NUMBERS)
  const filed = buildChildren(FILED, random, taken)
  await file(arena, filed, random)
  const facts = { arena, random, filed, taken }
  const [flood, other] = [buildChecker({ ...facts, askers: FLOOD }), buildChecker({ ...facts, askers: OTHER })]
  await runClosedLoop({ callers: 16, seconds: 2, pids: {} }, other.check)
  // Each has its token before the burst: the token endpoint is not what is asked here
  await flood.check(0)
  const normal = await probe(other, CALM_SECONDS)
  const restMb = memoryOf(arena)
  const burst = await runBurst({ arena, flood, other }, minutes === undefined ? BURST_SECONDS : minutes * 60)
  const backAfterSeconds = await untilNormal(other, normal.round)
  await flood.close()
  await sleep(CALM_SECONDS * 1000)
  const afterMb = memoryOf(arena)
  await other.close()
  say(`limits ${limits}: ${JSON.stringify(burst.answers)}, back after ${backAfterSeconds} s`)
  return { limits, normal: normal.round, ...burst, backAfterSeconds, restMb, afterMb }
}

async function file(arena: Arena, children: readonly Child[], random: Random): Promise<void> {
  const http = openCaller(arena.origin)
  const token = await arena.token('la-E10000007')()
  for (const body of buildBatches(children)) {
    const { status } = await http.send({ method: 'POST', path: '/FHIR/R4', token, requestId: random.uuid(), body })
    if (status !== 200) throw new Error(`Filing was answered ${status}.`)
  }
  await http.close()
}

const memoryOf = ({ pids }: Arena): number => (residentBytesOf(pids.server) ?? Number.NaN) / MB

interface Burst {
  readonly arena: Arena
  readonly flood: Checker
  readonly other: Checker
}

async function runBurst(
  { arena, flood, other }: Burst,
  seconds: number,
): Promise<Pick<Outcome, 'answers' | 'withoutRetryAfter' | 'served' | 'others' | 'othersRefused' | 'mostMb'>> {
  const answers: Record<string, number> = {}
  const times: number[] = []
  let withoutRetryAfter = 0
  let mostMb = memoryOf(arena)
  const watching = setInterval(() => {
    mostMb = Math.max(mostMb, memoryOf(arena))
  }, 250)
  const note = (answer: Received, tookMs: number): void => {
    answers[answer.status] = (answers[answer.status] ?? 0) + 1
    if (answer.status === 200) times.push(tookMs)
    else if (answer.retryAfter === undefined) withoutRetryAfter += 1
  }
  const flooding = runClosedLoop({ callers: BURST_CALLERS, seconds, pids: {} }, async (caller) => {
    const begun = performance.now()
    note(await flood.ask(caller), performance.now() - begun)
  })
  const others = await probe(other, seconds)
  await flooding
  clearInterval(watching)
  const served = buildRound([{ times, seconds, cpuMicros: {} }])
  return { answers, withoutRetryAfter, served, others: others.round, othersRefused: others.refused, mostMb }
}

interface Probed {
  readonly round: Round
  readonly refused: number
}

/** Checks at a steady pace, each over a connection that is free, timed from when it was due. */
async function probe(checker: Checker, seconds: number): Promise<Probed> {
  const times: number[] = []
  const free: number[] = []
  let connections = 0
  let refused = 0
  const running: Promise<void>[] = []
  const start = performance.now()
  for (let nth = 0; nth < seconds * PROBES_PER_SECOND; nth++) {
    const due = start + (nth * 1000) / PROBES_PER_SECOND
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    const connection = free.pop() ?? connections++
    running.push(
      checker.ask(connection).then(({ status }) => {
        free.push(connection)
        if (status === 200) times.push(performance.now() - due)
        else refused += 1
      }),
    )
  }
  await Promise.all(running)
  return { round: buildRound([{ times, seconds, cpuMicros: {} }]), refused }
}

/** Seconds until checks are as quick as before, or Infinity. */
async function untilNormal(checker: Checker, before: Round): Promise<number> {
  for (let second = 1; second <= BACK_WITHIN_SECONDS; second++) {
    const { round, refused } = await probe(checker, 1)
    if (
      refused === 0 &&
      round.p50Ms <= before.p50Ms * AS_BEFORE &&
      round.mostMs <= Math.max(before.mostMs, before.p99Ms) * AS_BEFORE
    )
      return second
  }
  return Number.POSITIVE_INFINITY
}

function refuseBroken(outcome: Outcome): void {
  const { limits, answers, withoutRetryAfter, backAfterSeconds } = outcome
  const strange = Object.keys(answers).filter((status) => !['200', '429', '503'].includes(status))
  const faults = [
    ...(strange.length === 0 ? [] : [`answers of ${strange.join(', ')}`]),
    ...(withoutRetryAfter === 0 ? [] : [`${withoutRetryAfter} refusals without Retry-After`]),
    ...(backAfterSeconds <= BACK_WITHIN_SECONDS ? [] : ['not back to normal in time']),
  ]
  if (faults.length > 0) throw new Error(`Overload with limits ${limits}: ${faults.join('; ')}.`)
}

function burstTable(outcomes: readonly Outcome[]): Table {
  const count = (outcome: Outcome, status: string): string => (outcome.answers[status] ?? 0).toLocaleString('en-GB')
  return {
    title: `${BURST_CALLERS} callers of one client (normal: ${NORMAL_CALLERS}) who ask again at once; another client asks ${PROBES_PER_SECOND} times a second`,
    columns: [
      'limits',
      '200',
      '429',
      '503',
      'without Retry-After',
      'served/s',
      'served p99 ms',
      'the other: p50 ms',
      'p99 ms',
      'refused',
    ],
    rows: outcomes.map((one) => [
      one.limits,
      ...['200', '429', '503'].map((status) => count(one, status)),
      String(one.withoutRetryAfter),
      ...[one.served.perSecond, one.served.p99Ms, one.others.p50Ms, one.others.p99Ms].map(figure),
      String(one.othersRefused),
    ]),
  }
}

function afterTable(outcomes: readonly Outcome[]): Table {
  return {
    title: 'Before and after',
    columns: ['limits', 'before: p50 ms', 'p99 ms', 'back to normal after s', 'server MB before', 'most', 'after'],
    rows: outcomes.map((one) => [
      one.limits,
      ...[one.normal.p50Ms, one.normal.p99Ms, one.backAfterSeconds, one.restMb, one.mostMb, one.afterMb].map(figure),
    ]),
  }
}
