/** The server's time from its Date header: a sandbox clock may run from another day, so no command trusts its own (runtime.md "Configuration"). */
import { CliError, EXIT } from './io.ts'
import { send } from './server-client.ts'

export type ServerClock = () => Date

/** Asks the server once for its time and runs on from there by a clock that nobody sets back. */
export async function readServerClock(origin: string): Promise<ServerClock> {
  const answer = await send(origin, { method: 'GET', path: '/health/live' })
  const started = Date.parse(answer.headers.get('date') ?? '')
  if (Number.isNaN(started)) throw new CliError(EXIT.failed, 'The server sends no Date header: is it a cpis server?')
  const mark = performance.now()
  return () => new Date(started + (performance.now() - mark))
}
