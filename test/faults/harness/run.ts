/** `npm run faults`: breaks the system while it is used, and tells what it broke of its promises (measures.md "faults"). Exit code 0 for no violation, 1 for any, 2 for wrong arguments. */
import { randomInt } from 'node:crypto'
import process from 'node:process'
import { type FaultsOptions, parseOptions, USAGE } from './options.ts'
import { reportLines } from './report.ts'
import { runFaults } from './run-faults.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function readOptions(): FaultsOptions | undefined {
  try {
    return parseOptions(process.argv.slice(2), () => randomInt(1_000_000))
  } catch (error) {
    say(`${String(error)}\n\n${USAGE}`)
    return undefined
  }
}

// processes that were started here are ended by what listens to `exit`
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

const options = readOptions()
if (options === undefined) {
  process.exitCode = 2
} else {
  say(`seed ${options.seed}: --seed ${options.seed} with the same options repeats what is asked and what is broken`)
  const { report, folder, isKept } = await runFaults(options, say)
  if (isKept) say(`kept: ${folder} (history.ndjson, server.log, mongod.log)`)
  const text = options.json ? JSON.stringify(report) : reportLines(report).join('\n')
  // fetch goes on looking for a server that was killed under it, and would keep this process
  process.stdout.write(`${text}\n`, () => process.exit(report.violations.length === 0 ? 0 : 1))
}
