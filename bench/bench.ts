/** `npm run bench -- NAME`: the measurements of measures.md, each by name. */
import process from 'node:process'
import { benchCheck } from './check.ts'
import { type BenchOptions, parseOptions, USAGE } from './options.ts'
import { benchUpload } from './upload.ts'

const BENCHES: ReadonlyMap<string, (options: BenchOptions) => Promise<void>> = new Map([
  ['check', benchCheck],
  ['upload', benchUpload],
  ['ladder', async (options) => (await import('./ladder.ts')).benchLadder(options)],
  ['heavy-child', async (options) => (await import('./heavy-child.ts')).benchHeavyChild(options)],
  ['search', async (options) => (await import('./search.ts')).benchSearch(options)],
  ['start', async (options) => (await import('./start.ts')).benchStart(options)],
  ['memory', async (options) => (await import('./memory.ts')).benchMemory(options)],
  ['soak', async (options) => (await import('./memory.ts')).benchSoak(options)],
  ['overload', async (options) => (await import('./overload.ts')).benchOverload(options)],
  ['nations', async (options) => (await import('./nations.ts')).benchNations(options)],
  ['workers', async (options) => (await import('./workers.ts')).benchWorkers(options)],
  ['notify', async (options) => (await import('./notify.ts')).benchNotify(options)],
  ['drain', async (options) => (await import('./drain.ts')).benchDrain(options)],
  ['peer', async (options) => (await import('./peer.ts')).benchPeer(options)],
])

const options = parseOptions(process.argv.slice(2))
const bench = BENCHES.get(options.name)
if (bench === undefined) {
  process.stderr.write(`${USAGE}\n`)
  process.exitCode = 2
} else {
  process.stderr.write(`${options.command}, seed ${options.seed}\n`)
  await bench(options)
}
