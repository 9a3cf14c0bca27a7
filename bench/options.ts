/** Arguments of `npm run bench -- NAME`: every one with its default and unit. */
import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly name: string
  /** As typed, for the table. */
  readonly command: string
  readonly seed: number
  /** Rounds of which the median is told. */
  readonly rounds: number
  /** Length of a round. */
  readonly seconds: number
  /** check, upload: what goes before the measured rounds. */
  readonly warmSeconds: number
  /** Rungs of the closed ladder. */
  readonly callers: readonly number[]
  /** Length of the open loop; 0 leaves it out. */
  readonly openSeconds: number
  /** Whether the last table of bench/README.md is replaced. */
  readonly inReadme: boolean
  /** Folder for a CPU profile of the server. */
  readonly profileFolder?: string
  /** Length of a long run; what its own default is when absent. */
  readonly minutes?: number
  /** Sizes of the register: children and checks in the audit, rising. */
  readonly sizes: readonly Size[]
  /** Cache of the database. */
  readonly cacheMb: number
  /** Events that wait in the lanes. */
  readonly waiting: number
  /** Address of another FHIR server. */
  readonly base?: string
}

export interface Size {
  readonly children: number
  readonly audits: number
}

export const USAGE = `npm run bench -- NAME [options]

  check        throughput and latency of a check beside the bare driver
  upload       what a council sends
  ladder       a check while the register grows
  heavy-child  a check of a child with a history of 100,000 accesses
  search       every kind of search, and paging through 10,000 plans
  start        from the start of the process to the first answered check
  memory       at rest and after minutes of load
  soak         half an hour of load without growth
  overload     ten times what the server takes, for a minute
  nations      153 councils upload at once while checks go on
  workers      one and two server processes side by side
  notify       from a check's commit to the receipt of its notification, with good and bad endpoints
  drain        100,000 events waiting in 152 lanes
  peer         the same work against any FHIR server (--base URL)

  --seed N          what the random numbers begin with (20260503)
  --rounds N        rounds of which the median is told (3)
  --seconds N       length of a round (4; notify 12)
  --warm N          check, upload: seconds of load before the first round (20)
  --callers N,N     rungs of the closed ladder (1,8,32,64)
  --minutes N       length of the open loop in minutes (a third of one; 0 leaves it out)
  --no-readme       leave the table of bench/README.md as it is
  --profile FOLDER  write a CPU profile of the server there
  --sizes A:B,A:B   ladder: children:checks in the audit, rising (k and m stand for thousands and millions)
  --cache-mb N      cache of the database (256)
  --waiting N       notify, drain: events that wait (100k)
  --base URL        peer: base of the other server, e.g. http://127.0.0.1:8090/fhir`

/** Throws an Error that says which argument is wrong. Pure. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '20260503' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string' },
      warm: { type: 'string', default: '20' },
      waiting: { type: 'string', default: '100k' },
      callers: { type: 'string', default: '1,8,32,64' },
      minutes: { type: 'string' },
      sizes: { type: 'string', default: '1k:0.1m,16k:0.1m,128k:1m' },
      'cache-mb': { type: 'string', default: '256' },
      base: { type: 'string' },
      'no-readme': { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const [name = ''] = positionals
  return {
    name,
    command: ['npm run bench --', ...args].join(' '),
    seed: atLeast('seed', values.seed, 0),
    rounds: atLeast('rounds', values.rounds, 1),
    seconds: atLeast('seconds', values.seconds ?? (name === 'notify' ? '12' : '4'), 0.1),
    warmSeconds: atLeast('warm', values.warm, 0.1),
    waiting: parseCount('waiting', values.waiting, 1),
    callers: values.callers.split(',').map((one) => atLeast('callers', one, 1)),
    openSeconds: Math.round(atLeast('minutes', values.minutes ?? '0.333', 0) * 60),
    ...(values.minutes === undefined ? {} : { minutes: atLeast('minutes', values.minutes, 0) }),
    sizes: values.sizes.split(',').map(parseSize),
    cacheMb: atLeast('cache-mb', values['cache-mb'], 256),
    ...(values.base === undefined ? {} : { base: values.base }),
    inReadme: !values['no-readme'],
    ...(values.profile === undefined ? {} : { profileFolder: values.profile }),
  }
}

const TIMES: Readonly<Record<string, number>> = { k: 1_000, m: 1_000_000 }

function parseSize(text: string): Size {
  const [children = '', audits = ''] = text.split(':')
  return { children: parseCount('sizes', children), audits: parseCount('sizes', audits) }
}

/** `16k` → 16000. */
function parseCount(name: string, text: string, least = 0): number {
  const unit = TIMES[text.at(-1)?.toLowerCase() ?? '']
  return Math.round(atLeast(name, unit === undefined ? text : text.slice(0, -1), least) * (unit ?? 1))
}

function atLeast(name: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < least) throw new Error(`--${name} must be a number from ${least}.`)
  return number
}
