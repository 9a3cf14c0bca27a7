/** A real MongoDB of its own that asks for users (--auth), for tests of database roles: the same binary as the run's. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { type Document, MongoClient } from 'mongodb'
import { pino } from 'pino'
import { defaultCacheDir, findMongod } from '../../src/store/mongod-binary.ts'
import { freePort } from '../../src/store/mongod-process.ts'
import { waitFor } from './wait-for.ts'

export interface AuthMongod {
  /** As the root user. */
  readonly root: MongoClient
  /** Makes the user, or gives it these roles and no others; resolves to an address in its name. */
  user(name: string, roles: readonly string[]): Promise<string>
  close(): Promise<void>
}

const PASSWORD = 'test'
const SET = 'cpis'

/** Starts it as a replica set of one, with a root user. Rejects when it does not come up. */
export async function startAuthMongod(): Promise<AuthMongod> {
  const folder = mkdtempSync(join(tmpdir(), 'cpis-roles-db-'))
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, randomBytes(90).toString('base64'), { mode: 0o600 })
  mkdirSync(join(folder, 'db'))
  const port = await freePort(0)
  const mongodPath = env['CPIS_MONGOD']
  const { file } = await findMongod({
    cacheDir: defaultCacheDir(),
    log: pino({ level: 'silent' }),
    ...(mongodPath === undefined ? {} : { mongodPath }),
  })
  const child = spawn(
    file,
    [
      ...['--auth', '--keyFile', keyFile, '--replSet', SET, '--dbpath', join(folder, 'db'), '--port', String(port)],
      ...['--bind_ip', '127.0.0.1', '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64'],
      ...['--logpath', join(folder, 'log'), '--quiet', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ],
    { stdio: 'ignore' },
  )
  const exited = once(child, 'exit')
  const host = `127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  await makeRoot(host).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const addressOf = (name: string): string =>
    `mongodb://${name}:${PASSWORD}@${host}/?replicaSet=${SET}&authSource=admin`
  const root = new MongoClient(addressOf('root'))
  const admin = root.db('admin')
  return {
    root,
    async user(name, roles) {
      const made = await admin.command({ createUser: name, pwd: PASSWORD, roles }).catch(() => undefined)
      if (made === undefined) await admin.command({ updateUser: name, roles })
      return addressOf(name)
    },
    async close() {
      await root.close()
      await stop()
    },
  }
}

/** By the exception that a server without users makes for its own machine. A client that could not connect once is of no use any more. */
async function makeRoot(host: string): Promise<void> {
  const initiate = { replSetInitiate: { _id: SET, members: [{ _id: 0, host }] } }
  await waitFor('mongod to listen', () => runOnce(host, initiate).catch(() => undefined), 30_000)
  await waitFor('a primary', async () => (await runOnce(host, { hello: 1 }))['isWritablePrimary'] === true, 30_000)
  await runOnce(host, { createUser: 'root', pwd: PASSWORD, roles: ['root'] })
}

async function runOnce(host: string, command: Document): Promise<Document> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, { serverSelectionTimeoutMS: 500 })
  try {
    return await client.db('admin').command(command)
  } finally {
    await client.close()
  }
}
