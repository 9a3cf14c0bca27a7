/** Arguments of `npm run faults`: every one with its default and unit. */
import { parseArgs } from 'node:util'
import { FAULT_NAMES, type FaultName } from './faults.ts'

export interface FaultsOptions {
  readonly seed: number
  /** The run ends after this time or this many operations, but not before each fault was there once. */
  readonly seconds: number
  readonly operations: number
  readonly topology: 'embedded' | 'set3'
  readonly faults: readonly FaultName[]
  /** Longest pause, silence and the like, in ms. */
  readonly longestMs: number
  readonly workers: number
  /** The report as JSON on standard output. */
  readonly json: boolean
  /** Keep the folder of the run whatever came of it. */
  readonly keep: boolean
}

export const USAGE = `npm run faults -- [options]

  --seed N          repeats the decisions of a run: what is asked and what is broken (a new one each time)
  --duration N      seconds (60)
  --operations N    end after so many operations, if that is earlier (no limit)
  --topology NAME   embedded: the server with its own mongod; set3: a replica set of three (embedded)
  --faults A,B      of ${FAULT_NAMES.join(', ')} (all)
  --longest N       longest pause, silence and the like, in seconds (15)
  --workers N       CPIS_WORKERS of the server (1)
  --short           within a minute: kills, a pause, a cut and swallowed commits, once each and at most 2 s long
  --json            the report as JSON
  --keep            keep the folder of the run (a run with violations is always kept)`

const SHORT: readonly FaultName[] = ['kill-server', 'kill-mongod', 'pause-mongod', 'cut', 'swallow-commit']

/** Throws an Error that says which argument is wrong. Pure but for the seed. */
export function parseOptions(args: readonly string[], newSeed: () => number): FaultsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      duration: { type: 'string' },
      operations: { type: 'string' },
      topology: { type: 'string', default: 'embedded' },
      faults: { type: 'string' },
      longest: { type: 'string' },
      workers: { type: 'string', default: '1' },
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  })
  const { topology, short } = values
  if (topology !== 'embedded' && topology !== 'set3') throw new Error('--topology must be embedded or set3.')
  return {
    seed: values.seed === undefined ? newSeed() : atLeast('seed', values.seed, 0),
    seconds: atLeast('duration', values.duration ?? (short ? '1' : '60'), 0),
    operations:
      values.operations === undefined ? Number.POSITIVE_INFINITY : atLeast('operations', values.operations, 0),
    topology,
    faults: values.faults === undefined ? (short ? SHORT : FAULT_NAMES) : values.faults.split(',').map(parseFault),
    longestMs: atLeast('longest', values.longest ?? (short ? '2' : '15'), 1) * 1000,
    workers: atLeast('workers', values.workers, 1),
    json: values.json,
    keep: values.keep,
  }
}

function parseFault(text: string): FaultName {
  const found = FAULT_NAMES.find((one) => one === text.trim())
  if (found === undefined) throw new Error(`--faults: ${text} is none of ${FAULT_NAMES.join(', ')}.`)
  return found
}

function atLeast(name: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < least) throw new Error(`--${name} must be a number from ${least}.`)
  return number
}
