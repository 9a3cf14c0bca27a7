/** The process: arguments, signals, streams and the exit code; everything else is handed to `cpis` (architecture.md). */
import process from 'node:process'
import { runProgram } from './cli/program.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal does not wait for what drains.
    if (stop.signal.aborted) process.exit(130)
    stop.abort(signal)
  })
}

// A reader that has gone (`cpis seed | head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTerminal: process.stdout.isTTY === true,
  stopped: stop.signal,
})
