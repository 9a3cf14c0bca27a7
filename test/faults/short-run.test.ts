/** The short form of `npm run faults`: server and database are killed, paused and cut off from each other under load, and nothing that was promised is broken (measures.md "faults"). */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import type { Report } from './harness/report.ts'

const RUN = fileURLToPath(new URL('./harness/run.ts', import.meta.url))

/** The report is on standard output whatever the exit code is; what was done, and the seed, on standard error. */
async function run(args: readonly string[]): Promise<{ readonly report: Report; readonly words: string }> {
  const options = { maxBuffer: 64_000_000, timeout: 110_000 }
  const started = promisify(execFile)(process.execPath, [RUN, '--json', ...args], options)
  const ended = await started.catch((error: { stdout: string; stderr: string }) => error)
  if (ended.stdout === '') throw new Error(ended.stderr)
  return { report: JSON.parse(ended.stdout), words: ended.stderr }
}

test('P1 P2 kills, a pause, a cut and swallowed commits under load: nothing lost, nothing twice, no false "nothing known"', async () => {
  const { report, words } = await run(['--short'])
  const { violations, faults, notRun, outcomes } = report
  // the seed and what was done, for whoever reads a failure
  expect({ violations, words: violations.length === 0 ? '' : words }).toEqual({ violations: [], words: '' })
  expect(notRun).toEqual({})
  expect(faults).toEqual({ cut: 1, 'kill-mongod': 1, 'kill-server': 1, 'pause-mongod': 1, 'swallow-commit': 1 })
  for (const kind of ['check ok', 'transaction ok', 'batch ok', 'update ok']) expect(outcomes[kind]).toBeGreaterThan(0)
  expect(report.delivered).toBeGreaterThan(0)
}, 120_000)
