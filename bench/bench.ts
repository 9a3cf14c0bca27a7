/** `npm run bench -- NAME`: the measurements of measures.md, each by name. */
import process from 'node:process'
import { benchCheck } from './check.ts'
import { type BenchOptions, parseOptions, USAGE } from './options.ts'
import { benchUpload } from './upload.ts'

const BENCHES: ReadonlyMap<string, (options: BenchOptions) => Promise<void>> = new Map([
  ['check', benchCheck],
  ['upload', benchUpload],
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
