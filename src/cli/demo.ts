/** `cpis demo`: the main job on real parts: embedded MongoDB, server, a receiver; the story is told and each claim in it is checked (runtime.md "Commands"). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../config.ts'
import { tellStory } from './demo-story.ts'
import { CliError, EXIT, type Io, say, styled, untilStopped } from './io.ts'
import { startOrSay } from './serve.ts'

export interface DemoOptions {
  readonly exit?: boolean
  readonly json?: boolean
}

/** Starts everything in a folder of its own, tells the story, and with `exit` ends; else stays up until it is asked to stop. Leaves nothing behind. */
export async function runDemo(options: DemoOptions, io: Io): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cpis-demo-'))
  try {
    return await demoIn(dataDir, options, io)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function demoIn(dataDir: string, options: DemoOptions, io: Io): Promise<number> {
  const started = performance.now()
  io.err('Starting MongoDB and the server in a folder of their own …\n')
  const server = await startOrSay(parseConfig(demoEnvironment(io, dataDir)))
  const env = { ...demoEnvironment(io, dataDir), PORT: new URL(server.url).port }
  try {
    const listener = await tellStory({ ...options, started }, { ...io, env })
    if (!options.exit) {
      for (const line of stayLines(env)) say(io, line)
      await untilStopped(io)
    }
    await listener.close({ keepSubscription: false })
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    io.err(`${styled(io, 'red', 'The story failed.')} ${error.message}\n`)
    return EXIT.failed
  } finally {
    await server.close()
  }
}

/** The demo's own: nothing of an outside database, keys or clock is touched. */
function demoEnvironment(io: Io, dataDir: string): Record<string, string | undefined> {
  return {
    PATH: io.env['PATH'],
    CPIS_MONGOD: io.env['CPIS_MONGOD'],
    CPIS_DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    LOG_LEVEL: io.env['LOG_LEVEL'] ?? 'error',
  }
}

function stayLines(env: Readonly<Record<string, string | undefined>>): string[] {
  const base = `http://127.0.0.1:${env['PORT']}/FHIR/R4`
  return [
    '',
    'It stays up until Ctrl-C. In another terminal, in this folder:',
    `  export CPIS_DATA_DIR=${env['CPIS_DATA_DIR']} PORT=${env['PORT']}`,
    '  npx cpis check 9998450055 --as ed-nurse --site RCUEF',
    `  curl -s ${base}/Patient/\\$cpis-check -H "Authorization: Bearer $(npx cpis token ed-nurse)" \\`,
    `    -H "Content-Type: application/fhir+json" -H "X-Request-ID: $(node -p 'crypto.randomUUID()')" -d @examples/check-request.json`,
    `  curl -s ${base} -H "Authorization: Bearer $(npx cpis token la-E10000007)" \\`,
    '    -H "Content-Type: application/fhir+json" -d @examples/la-nightly.batch.json',
    'Each check of a child of Derbyshire prints its line here.',
  ]
}
