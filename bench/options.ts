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
  /** Rungs of the closed ladder. */
  readonly callers: readonly number[]
  /** Length of the open loop; 0 leaves it out. */
  readonly openSeconds: number
  /** Whether the last table of bench/README.md is replaced. */
  readonly inReadme: boolean
  /** Folder for a CPU profile of the server. */
  readonly profileFolder?: string
}

export const USAGE = `npm run bench -- check|upload [options]
  --seed N          what the random numbers begin with (20260503)
  --rounds N        rounds of which the median is told (3)
  --seconds N       length of a round (4)
  --callers N,N     rungs of the closed ladder (1,8,32,64)
  --minutes N       length of the open loop in minutes (a third of one; 0 leaves it out)
  --no-readme       leave the table of bench/README.md as it is
  --profile FOLDER  write a CPU profile of the server there`

/** Throws an Error that says which argument is wrong. Pure. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '20260503' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      callers: { type: 'string', default: '1,8,32,64' },
      minutes: { type: 'string', default: '0.333' },
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
    seconds: atLeast('seconds', values.seconds, 0.1),
    callers: values.callers.split(',').map((one) => atLeast('callers', one, 1)),
    openSeconds: Math.round(atLeast('minutes', values.minutes, 0) * 60),
    inReadme: !values['no-readme'],
    ...(values.profile === undefined ? {} : { profileFolder: values.profile }),
  }
}

function atLeast(name: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < least) throw new Error(`--${name} must be a number from ${least}.`)
  return number
}
