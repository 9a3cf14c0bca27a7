/** The one mongod of a test run, shared by the global setup and teardown, which run in one process. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { pino } from 'pino'
import { type EmbeddedMongod, startEmbeddedMongod } from '../../src/store/embedded-mongod.ts'

/** Name of the variable by which workers learn where it is. */
export const URL_VARIABLE = 'CPIS_TEST_MONGODB_URL'

let running: { readonly mongod: EmbeddedMongod; readonly folder: string } | undefined

/** Starts it in a folder of its own, so that runs at the same time do not meet. Fails with the remedy when no mongod can be had. */
export async function startTestMongod(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cpis-test-'))
  const mongodPath = env['CPIS_MONGOD']
  const mongod = await startEmbeddedMongod({
    dataDir: folder,
    log: pino({ level: 'error' }),
    ...(mongodPath ? { mongodPath } : {}),
  })
  running = { mongod, folder }
  env[URL_VARIABLE] = mongod.url
}

/** Stops it and removes its folder. */
export async function stopTestMongod(): Promise<void> {
  await running?.mongod.close()
  if (running !== undefined) await rm(running.folder, { recursive: true, force: true })
  running = undefined
}
