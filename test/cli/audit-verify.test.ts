/** `cpis audit verify`, `prove` and `check-proof` against an attacker with the database in his hands (issue 6): whatever he changes, the first record that is not as it was is named. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { BSON, type Db, type Document, MongoClient } from 'mongodb'
import { pino } from 'pino'
import { entryOf, rootOf, type Seal, type SealEntry, sealHash, signSeal } from '../../src/domain/audit-seal.ts'
import type { AuditFault } from '../../src/domain/audit-seal-check.ts'
import { rotateKeys } from '../../src/key-rotation.ts'
import { keysText, makeJwk, makeKeys, sealKeys } from '../../src/keys.ts'
import { buildMetrics } from '../../src/metrics.ts'
import { openSealCopy } from '../../src/seal-copy.ts'
import { startSealing } from '../../src/seal-loop.ts'
import { buildCrypto } from '../../src/store/crypto.ts'
import { openSealStore } from '../../src/store/mongo-seals.ts'
import { toKept, toListDocuments, toSeal, toSealDocument } from '../../src/store/seal-documents.ts'
import { openConsole } from '../support/console.ts'
import { auditRecord, NOON, nhsNumber, openTestStore, type TestStore } from '../support/test-store.ts'

const SEALS = 4
const PER_SEAL = 3
const COLLECTIONS = ['auditEvents', 'auditSeals', 'auditSealLists', 'auditArchives']
const keys = makeKeys()
const folder = mkdtempSync(join(tmpdir(), 'cpis-verify-'))
const copy = join(folder, 'copy')
const keysFile = join(folder, 'keys.json')
const at = (seconds: number): string => new Date(Date.parse(NOON) + seconds * 1_000).toISOString()

let opened: TestStore
let client: MongoClient
let kept: Map<string, Document[]>
let seal: (seconds: number, look?: 'whole') => Promise<void>

const db = (): Db => client.db(opened.database.database)
const collection = (name: string) => db().collection<Document & { _id: string | number }>(name)
const audits = () => collection('auditEvents')
const seals = () => collection('auditSeals')
const lists = () => collection('auditSealLists')

/** Records r0 … r11, each of a child of its own but r0; three under each seal, an hour and more apart. */
beforeAll(async () => {
  writeFileSync(keysFile, keysText(keys), { mode: 0o600 })
  opened = await openTestStore(keys)
  client = new MongoClient(opened.database.url)
  const store = await openSealStore(opened.store.handle)
  seal = async (seconds, look) => {
    await collection('leases').updateOne({ _id: 'seal' }, { $set: { until: new Date(0) } })
    const loop = startSealing({
      context: {
        clock: () => new Date(at(seconds)),
        log: pino({ level: 'silent' }),
        metrics: buildMetrics(),
        newId: () => 'sealer',
        keys,
      },
      seals: store,
      copy: openSealCopy(copy, { mayMake: true }),
      everyMs: 3_600_000,
    })
    await loop.run(look)
    await loop.stop()
  }
  for (let one = 0; one < SEALS; one += 1) {
    for (let record = one * PER_SEAL; record < (one + 1) * PER_SEAL; record += 1) {
      const more = record === 0 ? {} : { nhsNumber: nhsNumber(`999000${String(record).padStart(4, '0')}`) }
      await opened.store.appendAudit(auditRecord(`r${record}`, { recorded: at(one * 4_000 + record), ...more }))
    }
    await seal(one * 4_000 + 100)
  }
  await keep()
  cpSync(copy, join(folder, 'true-copy'), { recursive: true })
})
afterEach(async () => {
  for (const name of COLLECTIONS) {
    await collection(name).deleteMany({})
    const documents = kept.get(name) ?? []
    if (documents.length > 0) await db().collection(name).insertMany(documents)
  }
  rmSync(copy, { recursive: true })
  cpSync(join(folder, 'true-copy'), copy, { recursive: true })
})
afterAll(async () => {
  await client.close()
  await opened.close()
  rmSync(folder, { recursive: true, force: true })
})

async function keep(): Promise<void> {
  kept = new Map()
  for (const name of COLLECTIONS) kept.set(name, await db().collection(name).find().toArray())
}

interface Outcome {
  readonly counts: {
    readonly seals: number
    readonly records: number
    readonly archived: number
    readonly inArchive: number
    readonly unsealed: number
    readonly unopened: number
  }
  readonly first?: AuditFault
  readonly firstRecord?: AuditFault
  readonly faults: readonly AuditFault[]
  readonly total: number
  readonly late: readonly AuditFault[]
  readonly oldestUnsealed?: string
  readonly archivesUnseen: readonly string[]
}

const env = () => ({
  MONGODB_URL: opened.database.url,
  CPIS_DATABASE: opened.database.database,
  CPIS_KEYS: keysFile,
  CPIS_DATA_DIR: join(folder, 'data'),
})

async function verify(...options: readonly string[]): Promise<Outcome & { readonly code: number }> {
  const console = openConsole(env())
  const code = await console.run('audit', 'verify', '--json', ...options)
  if (console.out() === '') throw new Error(console.err())
  return { ...(JSON.parse(console.out()) as Outcome), code }
}

const entryOfDocument = (document: unknown): SealEntry => entryOf(toKept(document as never))

async function headerOf(number: number): Promise<Seal> {
  const found = await seals().findOne({ _id: number })
  return toSeal(found as never)
}

/** Signs a seal anew, after changing it, and writes it. */
async function resign(number: number, change: Partial<Seal>, key = makeJwk('ed25519')): Promise<Seal> {
  const next = signSeal({ ...(await headerOf(number)), kid: key.kid, ...change }, key)
  await seals().replaceOne({ _id: number }, toSealDocument(next) as never)
  return next
}

const raw = (id: string, recorded: string): Document & { _id: string } => ({
  _id: id,
  recorded,
  interaction: 'operation',
  action: 'E',
  outcome: '0',
  status: 200,
  codes: [],
  route: 'x',
  requestId: id,
  caller: { kind: 'nhs-user', clientId: 'c', tokenId: 't' },
  entities: [],
})

test('says that all is well, and how much it has seen', async () => {
  const outcome = await verify('--copy', copy)
  expect(outcome).toMatchObject({ code: 0, total: 0, counts: { seals: SEALS, records: 12, unsealed: 0 } })
  const console = openConsole(env())
  expect(await console.run('audit', 'verify', '--copy', copy)).toBe(0)
  expect(console.out()).toContain('4 seals up to 4')
  expect(console.out()).toContain('All is as it was sealed.')
})

test('counts what is not sealed yet, and is not alarmed by it', async () => {
  await opened.store.appendAudit(auditRecord('new-1', { recorded: at(12_200) }))
  await opened.store.appendAudit(auditRecord('new-2', { recorded: at(12_300) }))
  expect(await verify('--copy', copy)).toMatchObject({ code: 0, counts: { unsealed: 2 }, oldestUnsealed: at(12_200) })
})

test('what is edited before it is sealed is found by the hash that it was written with', async () => {
  await opened.store.appendAudit(auditRecord('new-1', { recorded: at(12_200) }))
  await audits().updateOne({ _id: 'new-1' }, { $set: { status: 403 } })
  await seal(16_100)
  expect(await verify('--copy', copy)).toMatchObject({ code: 1, first: { what: 'edited', id: 'new-1' } })
})

interface Attack {
  readonly name: string
  readonly hit: () => Promise<unknown>
  readonly first: Partial<AuditFault>
  /** The first that is of one record, where the first is of a seal. */
  readonly record?: Partial<AuditFault>
  /** Also found without the second place. */
  readonly alone?: Partial<AuditFault> | 'same'
}

const ATTACKS: readonly Attack[] = [
  {
    name: 'a field is edited',
    hit: () => audits().updateOne({ _id: 'r4' }, { $set: { status: 403 } }),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'a field is added',
    hit: () => audits().updateOne({ _id: 'r4' }, { $set: { extra: 1 } }),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'a field is removed',
    hit: () => audits().updateOne({ _id: 'r4' }, { $unset: { purpose: 1, outcome: 1 } }),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'a field inside another is edited',
    hit: () => audits().updateOne({ _id: 'r4' }, { $set: { 'caller.clientId': 'other' } }),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'a text becomes a date',
    hit: () => audits().updateOne({ _id: 'r4' }, { $set: { recorded: new Date(at(4_004)) } }),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'the time is changed',
    hit: () => audits().updateOne({ _id: 'r4' }, { $set: { recorded: at(-86_400) } }),
    first: { id: 'r4' },
    alone: 'same',
  },
  {
    name: 'the child is changed',
    hit: () =>
      audits().updateOne(
        { _id: 'r4' },
        { $set: { subjectKey: buildCrypto(keys).subjectKey(nhsNumber('9990000009')) } },
      ),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'the hash that it was written with is changed',
    hit: () => audits().updateOne({ _id: 'r4' }, { $set: { content: 'A'.repeat(43) } }),
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'several are edited',
    hit: () => audits().updateMany({ _id: { $in: ['r10', 'r7', 'r8'] } }, { $set: { status: 1 } }),
    first: { what: 'edited', id: 'r7', seal: 3 },
    alone: 'same',
  },
  {
    name: 'one is dropped',
    hit: () => audits().deleteOne({ _id: 'r7' }),
    first: { what: 'dropped', id: 'r7', recorded: at(8_007), seal: 3 },
    alone: 'same',
  },
  {
    name: 'the newest is dropped',
    hit: () => audits().deleteOne({ _id: 'r11' }),
    first: { what: 'dropped', id: 'r11', seal: 4 },
    alone: 'same',
  },
  {
    name: 'the first is dropped',
    hit: () => audits().deleteOne({ _id: 'r0' }),
    first: { what: 'dropped', id: 'r0', seal: 1 },
    alone: 'same',
  },
  {
    name: 'all are dropped',
    hit: () => audits().deleteMany({}),
    first: { what: 'dropped', id: 'r0', seal: 1 },
    alone: 'same',
  },
  { name: 'one takes the place of another', hit: swapIds, first: { what: 'edited', id: 'r3', seal: 2 }, alone: 'same' },
  {
    name: 'a backdated one is inserted',
    hit: () => audits().insertOne(raw('extra', at(4_004))),
    first: { what: 'inserted', id: 'extra', recorded: at(4_004) },
    alone: 'same',
  },
  {
    name: 'one of before all seals is inserted',
    hit: () => audits().insertOne(raw('extra', at(-9_999))),
    first: { what: 'inserted', id: 'extra' },
    alone: 'same',
  },
  {
    name: 'one without a time is inserted',
    hit: () => audits().insertOne({ _id: 'extra' }),
    first: { what: 'inserted', id: 'extra' },
    alone: 'same',
  },
  {
    name: 'a backdated one is sealed by the server’s own sweep',
    hit: insertAndSweep,
    first: { what: 'late', id: 'extra', seal: 5 },
    alone: 'same',
  },
  {
    name: 'a backdated one is inserted and listed where no seal is',
    hit: insertOrphan,
    first: { what: 'inserted', id: 'extra' },
    alone: 'same',
  },
  {
    name: 'the number is replaced by that of another record',
    hit: copyNumber,
    first: { what: 'number', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'the number is replaced by another child’s, with the data key',
    hit: sealOther,
    first: { what: 'number', id: 'r4', seal: 2 },
    alone: 'same',
  },
  {
    name: 'the number is taken away',
    hit: () => audits().updateOne({ _id: 'r4' }, { $unset: { number: 1 } }),
    first: { what: 'number', id: 'r4', seal: 2 },
    alone: 'same',
  },
  { name: 'the last seals are cut off', hit: () => cut(3), first: { what: 'cut-off', id: 'r6', seal: 3 } },
  {
    name: 'the last seals and their records are cut off',
    hit: async () => {
      await cut(3)
      await audits().deleteMany({ recorded: { $gte: at(8_000) } })
    },
    first: { what: 'cut-off', id: 'r6', seal: 3 },
  },
  { name: 'all seals are taken away', hit: () => cut(1), first: { what: 'cut-off', id: 'r0', seal: 1 } },
  {
    name: 'a seal in the middle is taken away',
    hit: () => seals().deleteOne({ _id: 2 }),
    first: { what: 'cut-off', id: 'r3', seal: 2 },
    alone: { what: 'chain', seal: 3 },
  },
  {
    name: 'a seal is edited',
    hit: () => seals().updateOne({ _id: 2 }, { $set: { count: 2 } }),
    first: { seal: 2 },
    alone: { what: 'signature', seal: 2 },
  },
  {
    name: 'a record is edited and its seal rewritten and signed with another key',
    hit: () => forge(),
    first: { what: 'signature', seal: 2 },
    record: { what: 'edited', id: 'r4', seal: 2 },
    alone: { what: 'signature', seal: 2 },
  },
  {
    name: 'the same with another key of the same name',
    hit: async () => forge({ ...makeJwk('ed25519'), kid: sealKeys(keys)[0]?.kid ?? '' }),
    first: { what: 'signature', seal: 2 },
    record: { what: 'edited', id: 'r4', seal: 2 },
    alone: { what: 'signature', seal: 2 },
  },
  {
    name: 'the same with the register’s own key, stolen',
    hit: async () => forge(sealKeys(keys)[0]),
    first: { seal: 2 },
    alone: { what: 'chain', seal: 3 },
  },
  {
    name: 'a list is put in another order',
    hit: swapList,
    first: { what: 'reordered', id: 'r3', seal: 2 },
    alone: { what: 'reordered', id: 'r5', seal: 2 },
  },
  {
    name: 'a record is dropped, and from the list',
    hit: dropListed,
    first: { what: 'dropped', id: 'r4', seal: 2 },
    alone: { what: 'list', seal: 2 },
  },
  {
    name: 'a record is edited, and in the list',
    hit: editListed,
    first: { what: 'edited', id: 'r4', seal: 2 },
    alone: { what: 'list', seal: 2 },
  },
  {
    name: 'a record is inserted, and into the list',
    hit: insertListed,
    first: { what: 'inserted', id: 'extra', seal: 2 },
    alone: { what: 'list', seal: 2 },
  },
  {
    name: 'a list is taken away',
    hit: () => lists().deleteMany({ seal: 2 }),
    first: { what: 'list', id: 'r3', seal: 2 },
    alone: { what: 'list', seal: 2 },
  },
  { name: 'an empty chain is begun anew over fewer records', hit: startAnew, first: { what: 'second-place', seal: 1 } },
]

describe('names the first, with the second place, when', () => {
  test.each(ATTACKS.map((attack) => [attack.name, attack] as const))('%s', async (_name, { hit, first, record }) => {
    await hit()
    const outcome = await verify('--copy', copy)
    expect([outcome.code, outcome.first]).toEqual([1, expect.objectContaining(first)])
    if (record !== undefined) expect(outcome.firstRecord).toMatchObject(record)
  })
})

describe('by the database alone, when', () => {
  const alone = ATTACKS.filter((attack) => attack.alone !== undefined)
  test.each(alone.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
    await attack.hit()
    const outcome = await verify()
    const expected = attack.alone === 'same' ? attack.first : (attack.alone ?? {})
    expect([outcome.code, outcome.first]).toEqual([1, expect.objectContaining(expected)])
  })
})

async function swapIds(): Promise<void> {
  const [one, two] = [await audits().findOne({ _id: 'r3' }), await audits().findOne({ _id: 'r5' })]
  await audits().deleteMany({ _id: { $in: ['r3', 'r5'] } })
  await audits().insertMany([
    { ...one, _id: 'r5' },
    { ...two, _id: 'r3' },
  ] as never)
}

async function insertAndSweep(): Promise<void> {
  await audits().insertOne(raw('extra', at(4_004)))
  await seal(12_200, 'whole')
}

async function insertOrphan(): Promise<void> {
  await audits().insertOne(raw('extra', at(4_004)))
  const listed = await lists().findOne({ seal: 2 })
  await lists().insertOne({ ...listed, _id: 'x', seal: 99, ids: ['extra'] })
}

async function copyNumber(): Promise<void> {
  const other = await audits().findOne({ _id: 'r5' })
  await audits().updateOne({ _id: 'r4' }, { $set: { number: other?.['number'] } })
}

async function sealOther(): Promise<void> {
  const { key, data } = buildCrypto(keys).seal(Buffer.from(JSON.stringify('9990000005')), 'auditEvents/r4/1')
  await audits().updateOne({ _id: 'r4' }, { $set: { number: { key, data: new BSON.Binary(data) } } })
}

async function cut(from: number): Promise<void> {
  await seals().deleteMany({ _id: { $gte: from } })
  await lists().deleteMany({ seal: { $gte: from } })
}

/** r4 is edited, and seal 2 made to fit. */
async function forge(key = makeJwk('ed25519')): Promise<void> {
  await editListed()
  const store = await openSealStore(opened.store.handle)
  await resign(2, { root: rootOf(await store.entries(2)) }, key)
}

async function editList(change: (entries: { id: string; recorded: string; content: string }[]) => void): Promise<void> {
  const store = await openSealStore(opened.store.handle)
  const entries = [...(await store.entries(2))]
  change(entries)
  await lists().deleteMany({ seal: 2 })
  await lists().insertMany(toListDocuments(await headerOf(2), entries) as never)
}

function swapList(): Promise<void> {
  return editList((entries) => entries.reverse())
}

async function dropListed(): Promise<void> {
  await audits().deleteOne({ _id: 'r4' })
  await editList((entries) => entries.splice(1, 1))
}

/** With the hash in the record too: who changes the list thinks of that as well. */
async function editListed(): Promise<void> {
  await audits().updateOne({ _id: 'r4' }, { $set: { status: 403 } })
  const now = entryOfDocument(await audits().findOne({ _id: 'r4' }))
  await audits().updateOne({ _id: 'r4' }, { $set: { content: now.content } })
  await editList((entries) => entries.splice(1, 1, now))
}

async function insertListed(): Promise<void> {
  await audits().insertOne(raw('extra', at(4_003)))
  const now = entryOfDocument(await audits().findOne({ _id: 'extra' }))
  await editList((entries) => entries.splice(0, 0, now))
}

/** The attacker has the server's key and lets it seal again, without a second place. */
async function startAnew(): Promise<void> {
  await cut(1)
  await audits().deleteOne({ _id: 'r4' })
  rmSync(copy, { recursive: true })
  await seal(13_000)
  rmSync(copy, { recursive: true })
  cpSync(join(folder, 'true-copy'), copy, { recursive: true })
}

describe('the second place', () => {
  test('that lacks the newest seals is no fault, one that lacks some in between is', async () => {
    const [name = ''] = readdirSync(copy)
    const lines = readFileSync(join(copy, name), 'utf8').split('\n')
    writeFileSync(join(copy, name), `${lines.slice(0, 2).join('\n')}\n`)
    expect((await verify('--copy', copy)).code).toBe(0)
    writeFileSync(join(copy, name), `${[lines[0], lines[2], lines[2], '{"broken'].join('\n')}\n`)
    expect(await verify('--copy', join(copy, name))).toMatchObject({
      code: 1,
      total: 1,
      first: { what: 'second-place', seal: 3 },
    })
  })

  test('with two seals of one number shows that there were two chains', async () => {
    const [name = ''] = readdirSync(copy)
    const file = join(copy, name)
    const [first = '', ...rest] = readFileSync(file, 'utf8').split('\n')
    const other = JSON.stringify({ seal: { ...JSON.parse(first).seal, root: '00' }, entries: [] })
    writeFileSync(file, [first, other, ...rest].join('\n'))
    expect((await verify('--copy', copy)).first).toMatchObject({ what: 'second-place', seal: 1 })
  })

  test('that is not there is refused', async () => {
    const console = openConsole(env())
    expect(await console.run('audit', 'verify', '--copy', join(folder, 'none'))).toBe(2)
    expect(console.err()).toContain('is not there')
  })
})

describe('late records', () => {
  test('are told and no fault when that is accepted', async () => {
    await insertAndSweep()
    const outcome = await verify('--copy', copy, '--accept-late')
    expect(outcome).toMatchObject({ code: 0, total: 0, late: [{ id: 'extra' }] })
  })
})

describe('a range', () => {
  test('limits which records are looked at, and the chain is looked at all the same', async () => {
    await audits().updateOne({ _id: 'r1' }, { $set: { status: 1 } })
    expect((await verify('--from', at(4_000))).code).toBe(0)
    expect((await verify('--until', at(4_000))).first).toMatchObject({ id: 'r1' })
    await resign(1, {})
    expect((await verify('--from', at(4_000))).first).toMatchObject({ what: 'signature', seal: 1 })
  })

  test('that is no time is refused', async () => {
    const console = openConsole(env())
    expect(await console.run('audit', 'verify', '--from', 'yesterday')).toBe(2)
    expect(console.err()).toContain('--from: must be a day or an instant')
  })
})

describe('rotated keys', () => {
  test('of data leave all as it was: records sealed again verify', async () => {
    const rotated = rotateKeys(keys, { tokens: false, webhooks: false, seals: true, now: 0, takeUpMs: 0 })
    opened.store.useDataKeys(rotated.data)
    await opened.store.reseal.run({ mayGoOn: async () => true })
    const [key] = rotated.data
    expect(await audits().countDocuments({ 'number.key': key?.id ?? '' })).toBe(11)
    writeFileSync(keysFile, keysText(rotated))
    try {
      expect(await verify('--copy', copy)).toMatchObject({ code: 0, counts: { records: 12 } })
    } finally {
      writeFileSync(keysFile, keysText(keys))
      opened.store.useDataKeys(keys.data)
    }
  })
})

describe('an archive', () => {
  const archive = join(folder, 'archive')
  const inArchive = ['r0', 'r1', 'r2', 'r3', 'r4']

  async function archiveSome(change: (lines: string[]) => string[] = (lines) => lines): Promise<void> {
    const documents = await audits()
      .find({ _id: { $in: inArchive } })
      .sort({ recorded: 1 })
      .toArray()
    const lines = change(documents.map((one) => BSON.EJSON.stringify(one, { relaxed: false })))
    rmSync(archive, { recursive: true, force: true })
    mkdirSync(archive)
    writeFileSync(join(archive, 'auditEvents-2026-05.ndjson.gz'), gzipSync(`${lines.join('\n')}\n`))
    await audits().deleteMany({ _id: { $in: inArchive } })
  }
  const mark = () => collection('auditArchives').insertOne({ _id: '2026-05', count: 5, sha256: '', at: new Date() })

  test('is held against the seals, record for record', async () => {
    await archiveSome()
    await mark()
    const outcome = await verify('--copy', copy, '--archive', archive)
    expect(outcome).toMatchObject({ code: 0, counts: { records: 7, archived: 5, inArchive: 5 }, archivesUnseen: [] })
  })

  test('that nobody looks at is told, and only by its mark are records archived', async () => {
    await archiveSome()
    expect((await verify()).first).toMatchObject({ what: 'dropped', id: 'r0' })
    await mark()
    expect(await verify()).toMatchObject({ code: 0, counts: { archived: 5 }, archivesUnseen: ['2026-05'] })
  })

  test.each<[string, (lines: string[]) => string[], Partial<AuditFault>]>([
    [
      'edited',
      (lines) => lines.map((line, n) => (n === 3 ? line.replace('ed-system', 'xx-system') : line)),
      { what: 'edited', id: 'r3' },
    ],
    ['dropped', (lines) => lines.toSpliced(3, 1), { what: 'dropped', id: 'r3' }],
    ['doubled to hide a drop', (lines) => lines.toSpliced(3, 1, lines[4] ?? ''), { what: 'dropped', id: 'r3' }],
    [
      'inserted',
      (lines) => [...lines, BSON.EJSON.stringify(raw('extra', at(4_005)))],
      { what: 'inserted', id: 'extra' },
    ],
    ['put in another order', (lines) => lines.toReversed(), { what: 'reordered' }],
    ['broken', (lines) => ['{"', ...lines], { what: 'edited' }],
  ])('with a record %s is a fault', async (_what, change, first) => {
    await archiveSome(change)
    await mark()
    expect(await verify('--archive', archive)).toMatchObject({ code: 1, first })
  })
})

describe('a proof', () => {
  async function prove(id: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const console = openConsole(env())
    const code = await console.run('audit', 'prove', id)
    return { code, out: console.out(), err: console.err() }
  }
  async function check(text: string, ...options: readonly string[]): Promise<readonly [number, string]> {
    const file = join(folder, 'proof.json')
    writeFileSync(file, text)
    const console = openConsole({ CPIS_DATA_DIR: join(folder, 'nowhere') })
    return [await console.run('audit', 'check-proof', file, ...options), console.out() + console.err()]
  }
  const jwks = join(folder, 'jwks.json')
  beforeAll(() => {
    writeFileSync(jwks, JSON.stringify({ keys: sealKeys(keys).map(({ d: _private, ...one }) => one) }))
  })

  test('is checked with the public keys alone, and holds no number', async () => {
    const { code, out } = await prove('r4')
    expect(code).toBe(0)
    expect(out).not.toContain('9990000004')
    expect(JSON.parse(out)).toMatchObject({ record: { _id: 'r4' }, index: 1, seal: { number: 2, count: 3 } })
    expect(await check(out, '--keys', jwks)).toEqual([
      0,
      expect.stringContaining('is as it was when seal 2 was closed'),
    ])
    expect((await check(out.replace('"status": 200', '"status": 403'), '--keys', jwks))[0]).toBe(1)
    expect((await check('{}', '--keys', jwks))[0]).toBe(1)
    expect(await check(out)).toEqual([2, expect.stringContaining('--keys FILE')])
  })

  test('is refused for a record that is not there, not sealed, or changed', async () => {
    await opened.store.appendAudit(auditRecord('new', { recorded: at(12_200) }))
    await audits().updateOne({ _id: 'r4' }, { $set: { status: 1 } })
    expect(await prove('none')).toMatchObject({ code: 1, err: expect.stringContaining('no audit record') })
    expect(await prove('new')).toMatchObject({ code: 1, err: expect.stringContaining('not sealed yet') })
    expect(await prove('r4')).toMatchObject({ code: 1, err: expect.stringContaining('cannot be proven') })
  })
})

test('the hash that follows a seal is over its content, not its signature', async () => {
  const header = await headerOf(3)
  expect((await headerOf(4)).previous).toBe(sealHash({ ...header, signature: 'other' } as Seal))
})
