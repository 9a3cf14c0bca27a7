/** `cpis token NAME`: the token alone on standard output, so that $(npx cpis token ed-nurse) works. */
import { fetchToken } from './bearer.ts'
import { EXIT, type Io, say } from './io.ts'
import { serverOrigin } from './server-client.ts'

/** Walks the true way to a token and prints it. */
export async function runToken(name: string, io: Io): Promise<number> {
  const { token } = await fetchToken(serverOrigin(io.env), name, io)
  say(io, token)
  return EXIT.ok
}
