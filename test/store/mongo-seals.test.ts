/** Sealing on a real MongoDB (issue 6): everything once and in order, beside writers that commit late, by several processes, over rotated keys, and stopped by a chain that is not as it was. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Db, MongoClient } from 'mongodb'
import { pino } from 'pino'
import { contentOf, GENESIS, type Seal, sealHash } from '../../src/domain/audit-seal.ts'
import { rotateKeys } from '../../src/key-rotation.ts'
import { type Keys, sealKeys } from '../../src/keys.ts'
import { buildMetrics } from '../../src/metrics.ts'
import { openSealCopy } from '../../src/seal-copy.ts'
import { type SealLoop, startSealing } from '../../src/seal-loop.ts'
import type { AuditDocument } from '../../src/store/mongo-audits.ts'
import { openSealStore } from '../../src/store/mongo-seals.ts'
import { toKept } from '../../src/store/seal-documents.ts'
import type { SealStore } from '../../src/store/seal-store.ts'
import { auditRecord, NOON, nhsNumber, openTestStore, type TestStore } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

let opened: TestStore
let client: MongoClient
let folder: string
let now: string
let logged: string[]
const started: SealLoop[] = []

beforeEach(async () => {
  opened = await openTestStore()
  client = new MongoClient(opened.database.url)
  folder = mkdtempSync(join(tmpdir(), 'cpis-seals-'))
  now = NOON
  logged = []
})
afterEach(async () => {
  for (const loop of started.splice(0)) await loop.stop()
  await client.close()
  await opened.close()
  rmSync(folder, { recursive: true, force: true })
})

const database = (): Db => client.db(opened.database.database)
const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
const later = (ms: number): string => new Date(Date.parse(NOON) + ms).toISOString()

interface Sealer {
  readonly loop: SealLoop
  readonly seals: SealStore
}

let holders = 0

/** A process of its own in all but name. It rounds only when it is told to. */
async function startSealer(
  options: { readonly copy?: string; readonly keys?: Keys; readonly onLook?: (from: string) => void } = {},
): Promise<Sealer> {
  const store = await openSealStore(opened.store.handle)
  const seals: SealStore = {
    ...store,
    unsealed(range, limit) {
      options.onLook?.(range.from)
      return store.unsealed(range, limit)
    },
  }
  const { copy, keys = opened.keys } = options
  const context = { clock: () => new Date(now), log, metrics: buildMetrics(), newId: () => `sealer-${++holders}`, keys }
  const loop = startSealing({
    context,
    seals,
    everyMs: 3_600_000,
    ...(copy === undefined ? {} : { copy: openSealCopy(copy, { mayMake: true }) }),
  })
  started.push(loop)
  await loop.run()
  return { loop, seals }
}

/** Lets go of the lease as a process does that is killed: by its running out, here made to have. */
const expireLease = () =>
  database()
    .collection<{ _id: string }>('leases')
    .updateOne({ _id: 'seal' }, { $set: { until: new Date(0) } })

const write = (id: string, recorded = NOON, number?: string): Promise<void> =>
  opened.store.appendAudit(
    auditRecord(id, { recorded, ...(number === undefined ? {} : { nhsNumber: nhsNumber(number) }) }),
  )

async function chain(seals: SealStore): Promise<readonly (Seal & { readonly ids: readonly string[] })[]> {
  const all = await seals.list({ after: 0, limit: 1_000 })
  return Promise.all(
    all.map(async (seal) => ({ ...seal, ids: (await seals.entries(seal.number)).map(({ id }) => id) })),
  )
}

async function expectChained(seals: SealStore): Promise<readonly string[]> {
  const all = await chain(seals)
  let previous = GENESIS
  for (const [at, seal] of all.entries()) {
    expect([seal.number, seal.previous]).toEqual([at + 1, previous])
    previous = sealHash(seal)
  }
  return all.flatMap(({ ids }) => ids)
}

describe('a round', () => {
  test('seals what is new, in the order of time and id, and what is there once only', async () => {
    for (const id of ['b', 'a']) await write(id, later(1_000))
    await write('z', NOON, '9990000001')
    now = later(2_000)
    const { loop, seals } = await startSealer()
    expect(await chain(seals)).toMatchObject([
      {
        number: 1,
        ids: ['z', 'a', 'b'],
        from: NOON,
        to: later(1_000),
        through: later(2_000),
        count: 3,
        previous: GENESIS,
      },
    ])
    await loop.run()
    await write('c', later(3_000))
    await loop.run()
    expect(await chain(seals)).toMatchObject([{ number: 1 }, { number: 2, ids: ['c'] }])
    await expectChained(seals)
  })

  test('reads no more of a record than the hash that it was written with, and all of one without', async () => {
    for (const id of ['a', 'b', 'c']) await write(id)
    const stored = database().collection<AuditDocument>('auditEvents')
    const whole = await stored.findOne({ _id: 'b' })
    const said = (id: string, status: number) => stored.updateOne({ _id: id }, { $set: { status } })
    for (const id of ['a', 'b', 'c']) await said(id, 403)
    await stored.updateOne({ _id: 'b' }, { $unset: { content: true } })
    await stored.updateOne({ _id: 'c' }, { $set: { content: 'no hash' } })
    const { seals } = await startSealer()
    const [a, b, c] = await seals.entries(1)
    const { content: _none, ...now } = { ...whole, status: 403 } as AuditDocument
    expect([a?.content, b?.content]).toEqual([
      (await stored.findOne({ _id: 'a' }))?.content,
      contentOf(toKept(now).fields),
    ])
    expect(c?.content).toMatch(/^[\w-]{43}$/)
  })

  test('seals a record that was committed after later ones had been sealed', async () => {
    const { loop, seals } = await startSealer()
    const held = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const writing = opened.store.transact(async (unit) => {
      await unit.appendAudit(auditRecord('held', { recorded: later(500) }))
      begun.resolve()
      await held.promise
    })
    await begun.promise
    await write('quick', later(4_000))
    now = later(5_000)
    await loop.run()
    expect(await expectChained(seals)).toEqual(['quick'])
    held.resolve()
    await writing
    now = later(10_000)
    await loop.run()
    expect(await expectChained(seals)).toEqual(['quick', 'held'])
    expect((await seals.head())?.late).toBeUndefined()
  })

  test('seals a record of a clock that runs ahead at once, and goes on seeing others', async () => {
    const { loop, seals } = await startSealer()
    await write('ahead', later(86_400_000))
    await loop.run()
    expect((await seals.head())?.through).toBe(NOON)
    await write('right', later(1_000))
    now = later(2_000)
    await loop.run()
    expect(await expectChained(seals)).toEqual(['ahead', 'right'])
  })

  test('works off a long history in several seals, none of which says it has seen more than it has', async () => {
    const times = Array.from({ length: 150 }, (_, at) => later((at - 500) * 86_400_000))
    await opened.store.transact(async (unit) => {
      for (const [at, recorded] of times.entries()) await unit.appendAudit(auditRecord(`day-${at}`, { recorded }))
    })
    const asked: string[] = []
    const { seals } = await startSealer({ onLook: (from) => asked.push(from) })
    expect(asked).toEqual(['0', times[99], later(-10_000)])
    const all = await chain(seals)
    expect(all.map(({ count, through, late }) => [count, through, late])).toEqual([
      [100, times[99], undefined],
      [50, NOON, undefined],
    ])
    expect(new Set(await expectChained(seals)).size).toBe(150)
  })

  test('finds by its counts what came minutes late, and marks what came when its time was long closed', async () => {
    const { loop, seals } = await startSealer()
    await write('first', NOON)
    now = later(3_600_000)
    await loop.run()
    await write('minutes', later(3_000_000))
    await write('hours', later(1_000))
    await write('years', '2020-01-01T00:00:00.000Z')
    await loop.run()
    expect(await expectChained(seals)).toEqual(['first'])
    await loop.run('recent')
    expect(await expectChained(seals)).toEqual(['first', 'minutes'])
    await loop.run('hours')
    const [minutes, hours] = (await chain(seals)).slice(1)
    expect(minutes).toMatchObject({ ids: ['minutes'] })
    expect(minutes).not.toHaveProperty('late')
    expect(hours).toMatchObject({ ids: ['hours'], late: true, through: later(3_600_000) })
    await loop.run('whole')
    expect(await seals.head()).toMatchObject({ late: true, from: '2020-01-01T00:00:00.000Z' })
    expect(await expectChained(seals)).toEqual(['first', 'minutes', 'hours', 'years'])
    expect(logged.filter((line) => line.includes('sealed late'))).toHaveLength(2)
  })

  test('closes a time in which nothing was recorded too', async () => {
    await write('only', NOON)
    const { loop, seals } = await startSealer()
    now = later(4 * 60_000)
    await loop.run()
    expect(await chain(seals)).toHaveLength(1)
    now = later(6 * 60_000)
    await loop.run()
    expect(await chain(seals)).toMatchObject([{ ids: ['only'] }, { count: 0, ids: [], through: now }])
  })

  test('is not stopped by what someone else has put among the records', async () => {
    const odd: object[] = [
      { _id: 'no-time' },
      { _id: 'a-date', recorded: new Date(NOON) },
      { _id: 7, recorded: NOON },
      { _id: 'nested', recorded: NOON, when: new Date(NOON), deep: { $binary: 1 } },
      { _id: 'words', recorded: 'é\u0000' },
    ]
    await database().collection('auditEvents').insertMany(odd)
    await write('true', later(1_000))
    now = later(2_000)
    const { loop, seals } = await startSealer()
    await loop.run('whole')
    expect(await expectChained(seals)).toEqual(['nested', 'true', 'words'])
  })

  test('leaves the audit as it is: it updates nothing there', async () => {
    await write('a', NOON, '9990000001')
    const before = await database().collection('auditEvents').find().toArray()
    await startSealer()
    expect(await database().collection('auditEvents').find().toArray()).toEqual(before)
  })
})

describe('several processes', () => {
  test('seal by turns: no fork, no record twice, none missing, also when one is gone with the lease', async () => {
    const sealers = [await startSealer(), await startSealer(), await startSealer()]
    const ids: string[] = []
    for (let turn = 0; turn < 30; turn += 1) {
      const batch = Array.from({ length: 7 }, (_, at) => `t${turn}-${at}`)
      ids.push(...batch)
      now = later(turn * 1_000)
      if (turn % 3 === 0) await expireLease()
      await Promise.all([
        ...batch.map((id, at) => write(id, later(turn * 1_000 - at * 300))),
        ...sealers.map(({ loop }) => loop.run()),
      ])
    }
    await expireLease()
    const last = await startSealer()
    now = later(60_000)
    await last.loop.run('recent')
    const sealed = await expectChained(last.seals)
    expect(sealed.toSorted()).toEqual(ids.toSorted())
    expect(logged.filter((line) => line.includes('failed'))).toEqual([])
  })

  test('cannot add a seal with a lease that another one took, nor a second one of a number', async () => {
    const { seals } = await startSealer()
    await write('a')
    await expireLease()
    const stale = await seals.take('one')
    await expireLease()
    const held = await seals.take('other')
    if (stale === undefined || held === undefined) throw new Error('no lease')
    const seal = {
      number: 1,
      count: 0,
      root: '',
      previous: GENESIS,
      through: NOON,
      closedAt: NOON,
      kid: 'k',
      signature: '',
    }
    expect(await seals.append(stale, seal, [])).toBe(false)
    expect(await seals.head()).toBeUndefined()
    expect(await seals.append(held, seal, [])).toBe(true)
    expect(await seals.append(held, { ...seal, root: 'other' }, [])).toBe(false)
    expect(await seals.list({ after: 0, limit: 10 })).toEqual([seal])
  })

  test('only one holds the lease, and the end of it frees it', async () => {
    const { loop, seals } = await startSealer()
    expect(await seals.take('another')).toBeUndefined()
    await loop.stop()
    expect(await seals.take('another')).toBeDefined()
  })
})

describe('keys', () => {
  test('the new seal key signs on, and the chain of the old one holds', async () => {
    await write('a')
    await startSealer()
    const keys = rotateKeys(opened.keys, { tokens: false, webhooks: false, seals: true, now: 0, takeUpMs: 0 })
    await expireLease()
    await write('b')
    const { seals } = await startSealer({ keys })
    const kids = (await chain(seals)).map(({ kid }) => kid)
    expect(kids).toEqual([sealKeys(opened.keys)[0]?.kid, sealKeys(keys)[0]?.kid])
    await expectChained(seals)
  })
})

describe('the second place', () => {
  const lines = (): string[] =>
    readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
  const numbers = (): number[] =>
    lines().flatMap((line) => (line.startsWith('{"seal"') && line.endsWith('}') ? [JSON.parse(line).seal.number] : []))

  test('has each seal with its list, and what was sealed before it was named', async () => {
    await write('a')
    await startSealer()
    await write('b')
    await expireLease()
    const { loop, seals } = await startSealer({ copy: folder })
    await write('c')
    await loop.run()
    expect(numbers()).toEqual([1, 2, 3])
    expect(readdirSync(folder)).toEqual(['audit-seals-0000000001.ndjson'])
    const [first] = await chain(seals)
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
      seal: { number: 1, root: first?.root },
      entries: [['a', NOON, expect.any(String)]],
    })
  })

  test('is caught up after a crash in the middle of a line, without rewriting anything', async () => {
    await write('a')
    const { loop } = await startSealer({ copy: folder })
    await write('b')
    await loop.run()
    const file = join(folder, 'audit-seals-0000000001.ndjson')
    const whole = readFileSync(file)
    truncateSync(file, whole.length - 20)
    await loop.run()
    expect(numbers()).toEqual([1, 2])
    expect(readFileSync(file).subarray(0, whole.length - 20)).toEqual(whole.subarray(0, -20))
  })

  test('that cannot be written to is said, and made up for', async () => {
    const place = join(folder, 'place')
    writeFileSync(place, '')
    await write('a')
    const { loop, seals } = await startSealer({ copy: join(place, 'seals') })
    expect(await expectChained(seals)).toEqual(['a'])
    expect(logged.some((line) => line.includes('not written to CPIS_SEAL_COPY'))).toBe(true)
    rmSync(place)
    await write('b')
    await loop.run()
    expect(readFileSync(join(place, 'seals', 'audit-seals-0000000001.ndjson'), 'utf8').match(/"number":\d/g)).toEqual([
      '"number":1',
      '"number":2',
    ])
  })
})

describe('a chain that is not as it was', () => {
  const cut = async (): Promise<void> => {
    await database()
      .collection('auditSeals')
      .deleteMany({ _id: { $gt: 1 as never } })
    await database()
      .collection('auditSealLists')
      .deleteMany({ seal: { $gt: 1 } })
  }

  test.each(['cut', 'rewritten'])('stops the process that has seen it: %s', async (how) => {
    const { loop, seals } = await startSealer()
    for (const id of ['a', 'b']) {
      await write(id)
      await loop.run()
    }
    if (how === 'cut') await cut()
    else
      await database()
        .collection('auditSeals')
        .updateOne({ _id: 2 as never }, { $set: { root: '00' } })
    await write('c')
    await expect(loop.run()).rejects.toThrow(/Seal 2 of the audit/)
    expect((await seals.head())?.number).toBe(how === 'cut' ? 1 : 2)
  })

  test('stops a new process that finds more in the second place, until that one is put aside', async () => {
    const { loop } = await startSealer({ copy: folder })
    for (const id of ['a', 'b']) {
      await write(id)
      await loop.run()
    }
    await loop.stop()
    await cut()
    await expect(startSealer({ copy: folder })).rejects.toThrow(/Seal 2 of the audit, which is in .*CPIS_SEAL_COPY/)
    await expireLease()
    const { seals } = await startSealer({ copy: join(folder, 'new') })
    expect(await expectChained(seals)).toEqual(['a', 'b'])
  })

  test('hides no record by a list without a seal, and says that there is one', async () => {
    const { loop } = await startSealer()
    await write('a')
    await database()
      .collection('auditSealLists')
      .insertOne({ _id: 'x' as never, seal: 1, part: 0, minute: NOON.slice(0, 16), to: NOON, count: 1, ids: ['a'] })
    await expect(loop.run()).rejects.toThrow(/A list of seal 1 .* without its seal/)
  })

  test('is said once in the log, and counted', async () => {
    const seals = await openSealStore(opened.store.handle)
    await database()
      .collection('auditSeals')
      .insertOne({
        _id: 9 as never,
        kid: 'mine',
        root: '',
        previous: '',
        through: NOON,
        closedAt: NOON,
        count: 0,
        signature: '',
      })
    const metrics = buildMetrics()
    const context = { clock: () => new Date(now), log, metrics, newId: () => 'x', keys: opened.keys }
    started.push(startSealing({ context, seals, everyMs: 10 }))
    const counted = async (): Promise<number> => (await metrics.auditSealFaults.get()).values[0]?.value ?? 0
    await waitFor('three faults', async () => (await counted()) >= 3)
    expect(logged.filter((line) => line.includes('is not signed by a key'))).toHaveLength(1)
  })
})
