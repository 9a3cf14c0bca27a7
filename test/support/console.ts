/** A console for tests: what a command writes, and a way to ask it to stop. */
import { runProgram } from '../../src/cli/program.ts'
import type { TestServer } from './server.ts'

export interface Console {
  readonly out: () => string
  readonly err: () => string
  run(...argv: readonly string[]): Promise<number>
  stop(): void
}

/** With a server, the environment that leads to it. */
export function openConsole(env: Readonly<Record<string, string>>): Console {
  const written = { out: '', err: '' }
  const stop = new AbortController()
  return {
    out: () => written.out,
    err: () => written.err,
    stop: () => stop.abort(),
    run: (...argv) =>
      runProgram(argv, {
        env,
        out: (text) => {
          written.out += text
        },
        err: (text) => {
          written.err += text
        },
        isTerminal: false,
        stopped: stop.signal,
      }),
  }
}

/** A console whose environment leads to that server. */
export function consoleOf(server: Pick<TestServer, 'url' | 'dataDir'>): Console {
  return openConsole({ CPIS_DATA_DIR: server.dataDir, PORT: new URL(server.url).port })
}
