/** `npm run bench -- memory` and `soak`: what the server holds at rest and under minutes of load, which must not grow (measures.md, row start; issue 8, item 5). */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from './arena.ts'
import { buildChecker } from './checker.ts'
import { buildBatches, buildChildren, type Child } from './children.ts'
import { runClosedLoop } from './closed-loop.ts'
import { openCaller } from './http-caller.ts'
import { buildRound, type Round } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { openFilesOf, residentBytesOf } from './process-memory.ts'
import { type Measured, runInArena } from './publish-run.ts'
import { buildRandom, type Random } from './random.ts'
import { figure, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'

const COUNCIL = 'la-E10000007'
const CALLERS = 16
const FILED = 2_000
const UPLOAD = 50
const PARTS = 10
const REST_SECONDS = 10

/** A stretch of the run. */
interface Part {
  readonly minutes: number
  readonly round: Round
  readonly uploads: number
  readonly serverMb: number
  readonly mongodMb: number
  readonly files: number
}

export async function benchMemory(options: BenchOptions): Promise<void> {
  await runInArena('memory', options, (arena) => measure(arena, options, options.minutes ?? 4))
}

export async function benchSoak(options: BenchOptions): Promise<void> {
  await runInArena('soak', options, (arena) => measure(arena, options, options.minutes ?? 30))
}

async function measure(arena: Arena, { seed }: BenchOptions, minutes: number): Promise<Measured> {
  await sleep(REST_SECONDS * 1000)
  const rest = lookAt(arena)
  say(`at rest: ${figure(rest.serverMb)} MB`)
  const random = buildRandom(seed)
  const taken = new Set(SCENARIO_NUMBERS)
  const filed = buildChildren(FILED, random, taken)
  const upload = buildUpload(arena, random)
  await upload(filed)
  const checker = buildChecker({ arena, random, filed, taken })
  const parts: Part[] = []
  for (let part = 0; part < PARTS; part++) {
    const one = await runPart(
      arena,
      { checker: checker.check, upload: () => upload(buildChildren(UPLOAD, random, taken)) },
      minutes / PARTS,
    )
    parts.push({ ...one, minutes: ((part + 1) * minutes) / PARTS })
    say(
      `${figure(parts.at(-1)?.minutes ?? 0)} min: ${figure(one.round.perSecond)} checks/s, server ${figure(one.serverMb)} MB, mongod ${figure(one.mongodMb)} MB`,
    )
  }
  await checker.close()
  await sleep(REST_SECONDS * 1000)
  const after = lookAt(arena)
  return { tables: [memoryTable({ rest, parts, after, minutes })], figures: { minutes, rest, parts, after } }
}

interface Held {
  readonly serverMb: number
  readonly mongodMb: number
  readonly files: number
}

const MB = 2 ** 20

function lookAt({ pids }: Arena): Held {
  const mb = (pid: number): number => (residentBytesOf(pid) ?? Number.NaN) / MB
  return { serverMb: mb(pids.server), mongodMb: mb(pids.mongod), files: openFilesOf(pids.server) ?? Number.NaN }
}

interface Load {
  readonly checker: (caller: number) => Promise<void>
  readonly upload: () => Promise<void>
}

/** Checks as fast as they are answered, and beside them a small batch a second. */
async function runPart(arena: Arena, { checker, upload }: Load, minutes: number): Promise<Omit<Part, 'minutes'>> {
  const seconds = minutes * 60
  const end = performance.now() + seconds * 1000
  let uploads = 0
  const uploading = (async () => {
    while (performance.now() < end) {
      await upload()
      uploads += 1
      await sleep(1000)
    }
  })()
  const sample = await runClosedLoop({ callers: CALLERS, seconds, pids: arena.pids }, checker)
  await uploading
  // A long run's times are many: the round is all that is kept of them
  return { round: buildRound([sample]), uploads, ...lookAt(arena) }
}

function buildUpload(arena: Arena, random: Random): (children: readonly Child[]) => Promise<void> {
  const http = openCaller(arena.origin)
  const token = arena.token(COUNCIL)
  return async (children) => {
    for (const body of buildBatches(children)) {
      const { status, text } = await http.send({
        method: 'POST',
        path: '/FHIR/R4',
        token: await token(),
        requestId: random.uuid(),
        body,
      })
      if (status !== 200 || !text.includes('"status":"201'))
        throw new Error(`An upload was answered ${status}: ${text.slice(0, 500)}`)
    }
  }
}

interface Told {
  readonly rest: Held
  readonly parts: readonly Part[]
  readonly after: Held
  readonly minutes: number
}

function memoryTable({ rest, parts, after, minutes }: Told): Table {
  const held = ({ serverMb, mongodMb, files }: Held): string[] => [figure(serverMb), figure(mongodMb), String(files)]
  return {
    title: `${CALLERS} callers as fast as they are answered and ${UPLOAD} plans a second, for ${figure(minutes)} minutes`,
    columns: [
      'minutes',
      'checks/s',
      'p50 ms',
      'p99 ms',
      'batches',
      'server MB',
      'mongod MB',
      'open files of the server',
    ],
    rows: [
      ['at rest', '', '', '', '', ...held(rest)],
      ...parts.map((one) => [
        figure(one.minutes),
        ...[one.round.perSecond, one.round.p50Ms, one.round.p99Ms].map(figure),
        String(one.uploads),
        ...held(one),
      ]),
      [`${REST_SECONDS} s after`, '', '', '', '', ...held(after)],
    ],
  }
}
