/** What production refuses of a database (security.md "Tokens"), on real servers. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { ConfigError } from '../../src/config.ts'
import { makeKeys } from '../../src/keys.ts'
import {
  findSandboxTraces,
  findServerFault,
  inspectDatabase,
  isVersionSafe,
  type ServerFacts,
} from '../../src/store/database-facts.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import { defaultCacheDir, findMongod } from '../../src/store/mongod-binary.ts'
import { freePort } from '../../src/store/mongod-process.ts'
import { openTestStore, planRow, type TestStore } from '../support/test-store.ts'

const log = pino({ level: 'silent' })
const FACTS: ServerFacts = { version: '8.0.21', replicaSet: 'cpis', members: 3, at: new Date(0) }

describe('versions of MongoDB', () => {
  test.each([
    ['6.0.27', false],
    ['7.0.31', false],
    ['7.0.32', true],
    ['7.0.100', true],
    ['7.3.4', false],
    ['8.0.20', false],
    ['8.0.21', true],
    ['8.0.21-rc1', true],
    ['8.1.9', false],
    ['8.2.0', true],
    ['8.10.1', true],
    ['9.0.0', true],
    ['nonsense', false],
  ])('%s is safe: %s', (version, isSafe) => {
    expect(isVersionSafe(version)).toBe(isSafe)
    const fault = findServerFault({ ...FACTS, version }, 'production')
    expect(fault === undefined).toBe(isSafe)
    if (!isSafe) expect(fault).toMatch(/^MONGODB_URL: MongoDB .* Upgrade to 7\.0\.32, 8\.0\.21/)
  })

  test('an old one will do for a sandbox; no replica set will do for nobody', () => {
    expect(findServerFault({ ...FACTS, version: '6.0.5' }, 'sandbox')).toBeUndefined()
    const { replicaSet: _none, ...single } = FACTS
    for (const mode of ['sandbox', 'production'] as const)
      expect(findServerFault(single, mode)).toMatch(/^MONGODB_URL: .*replica set.*Start it with --replSet/)
  })
})

describe('a database', () => {
  let opened: TestStore
  let client: MongoClient
  beforeAll(async () => {
    opened = await openTestStore()
    client = new MongoClient(opened.database.url)
  })
  afterAll(async () => {
    await client.close()
    await opened.close()
  })

  test('that a sandbox wrote a Subscription to plain http to is refused, naming the remedy', async () => {
    const rows = client.db(opened.database.database).collection('subscriptions')
    expect(await findSandboxTraces(client.db(opened.database.database))).toBeUndefined()
    await rows.insertOne({ owner: 'x', deleted: false, url: 'https://council.example/hook' })
    expect(await findSandboxTraces(client.db(opened.database.database))).toBeUndefined()
    await rows.insertOne({ owner: 'x', deleted: false, url: 'http://127.0.0.1:9/hook' })
    expect(await findSandboxTraces(client.db(opened.database.database))).toMatch(
      /^CPIS_DATABASE: 1 Subscriptions go to plain http.* Name a database of its own/,
    )
    await rows.deleteMany({ owner: 'x' })
  })

  test('is described: set, schema, clock, and the data keys that its records are under', async () => {
    await opened.store.transact((unit) => unit.put(planRow({ id: 'p1', number: '9990000018' })))
    const facts = await inspectDatabase(opened.database)
    expect(facts).toMatchObject({
      replicaSet: 'cpis',
      members: 1,
      openMigrations: [],
      missingIndexes: [],
      dataKeys: ['d1'],
    })
    expect(Math.abs(facts.at.getTime() - Date.now())).toBeLessThan(5_000)
    await client.db(opened.database.database).collection('flags').dropIndex('owner_1_planId_1')
    expect((await inspectDatabase(opened.database)).missingIndexes).toEqual(['flags {"owner":1,"planId":1}'])
  })

  test('that is not there is an error within seconds', async () => {
    const url = 'mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200'
    await expect(inspectDatabase({ url, database: 'x' })).rejects.toThrow('not there')
  })

  test('on a server without a replica set is refused in every mode', async () => {
    const dbPath = mkdtempSync(join(tmpdir(), 'cpis-single-'))
    const port = await freePort(0)
    const path = process.env['CPIS_MONGOD']
    const { file } = await findMongod({ ...(path ? { mongodPath: path } : {}), cacheDir: defaultCacheDir(), log })
    const child = spawn(
      file,
      ['--dbpath', dbPath, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'],
      {
        stdio: 'ignore',
      },
    )
    const exited = once(child, 'exit')
    try {
      const where = { url: `mongodb://127.0.0.1:${port}/`, database: 'x' }
      for (const mode of ['sandbox', 'production'] as const) {
        const opening = openStore({ ...where, keys: makeKeys(), clock: () => new Date(), log, mode })
        await expect(opening).rejects.toThrow(ConfigError)
        await expect(opening).rejects.toThrow(/no replica set/)
      }
    } finally {
      child.kill('SIGKILL')
      await exited
      rmSync(dbPath, { recursive: true, force: true })
    }
  })
})
