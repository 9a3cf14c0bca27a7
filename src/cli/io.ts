/** What a command of `cpis` is given by the process, and how it says that it failed (runtime.md "Commands"). */

/** Exit codes, printed by `cpis --help`. */
export const EXIT = {
  ok: 0,
  /** The server refused, or something that was to be shown did not hold. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  /** The register could not answer surely (503): never to be read as "nothing known". */
  unsure: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Writes to standard output as given, without adding a line end. */
  readonly out: (text: string) => void
  /** Writes to standard error as given. */
  readonly err: (text: string) => void
  /** Whether standard output is a terminal: colour and progress only then. */
  readonly isTerminal: boolean
  /** Aborted when the process is asked to stop (SIGINT, SIGTERM). */
  readonly stopped: AbortSignal
}

/** A failure with words for the person at the keyboard; the program prints them and exits with the code. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

/** Resolves when the process is asked to stop. */
export function untilStopped(io: Io): Promise<void> {
  if (io.stopped.aborted) return Promise.resolve()
  return new Promise((resolve) => io.stopped.addEventListener('abort', () => resolve(), { once: true }))
}

/** Writes a line to standard output. */
export function say(io: Io, line = ''): void {
  io.out(`${line}\n`)
}

/** Writes a value as one line of JSON, for `--json`. */
export function sayJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`)
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

/** Text in a style on a terminal, bare elsewhere (and where NO_COLOR is set). Pure. */
export function styled(io: Io, style: keyof typeof STYLES, text: string): string {
  if (!io.isTerminal || io.env['NO_COLOR']) return text
  return `\u001b[${STYLES[style]}m${text}\u001b[0m`
}
