/** `cpis audit archive` on a real database, while a server runs on it: months to files, verified, then removed by the rule that is configured (storage.md "Growth"). */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { ArchiveFault, openArchivist } from '../../src/store/archive-months.ts'
import { openConsole } from '../support/console.ts'
import { sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { auditRecord } from '../support/test-store.ts'

const AT = new Date('2026-05-03T11:00:00Z')
/** More than two batches in the first month, which is the one that is looked at; a few records in the others. */
const PER_MONTH = 2_300
const FEW = 40
const MONTHS = { '2024-01': PER_MONTH, '2024-02': FEW, '2024-03': FEW, '2026-04': FEW }
const ALL = PER_MONTH + 3 * FEW

let server: TestServer
let folder: string
let client: MongoClient
const root = mkdtempSync(join(tmpdir(), 'cpis-archive-'))
let runs = 0

const where = (): { url: string; database: string } => ({
  url: server.context.config.mongodbUrl ?? '',
  database: server.context.config.mongodbDatabase,
})
const db = () => client.db(where().database)
const audits = () => db().collection<{ _id: string; recorded: string }>('auditEvents')
const inMonth = (month: string): Promise<number> => audits().countDocuments({ recorded: { $regex: `^${month}` } })

beforeAll(async () => {
  server = await startTestServer()
  client = await MongoClient.connect(where().url)
}, 60_000)
afterAll(async () => {
  await client.close()
  await server.close()
  rmSync(root, { recursive: true, force: true })
})

/** Every test begins with the same records and an empty folder. */
beforeEach(async () => {
  runs += 1
  folder = join(root, String(runs))
  mkdirSync(folder)
  await audits().deleteMany({})
  await db().collection('accesses').deleteMany({})
  await db().collection('auditArchives').deleteMany({})
  await db().collection('accessArchives').deleteMany({})
  await db().collection('acknowledgements').deleteMany({})
  await db().collection('acknowledgementArchives').deleteMany({})
  const documents = Object.entries(MONTHS).flatMap(([month, length]) =>
    Array.from({ length }, (_, nth) => {
      const { id, ...record } = auditRecord(`${month}-${nth}`, { recorded: instantOf(month, nth) })
      return { _id: id, ...record }
    }),
  )
  await audits().insertMany(documents.toSorted(() => Math.random() - 0.5))
})

/** Two of each instant, so that the order by id counts. */
const instantOf = (month: string, nth: number): string =>
  new Date(Date.parse(`${month}-01T00:00:00.000Z`) + Math.floor(nth / 2) * 1_000).toISOString()

function policyOf(retention: unknown): string {
  const file = join(folder, 'policy.json')
  writeFileSync(file, JSON.stringify(retention === undefined ? {} : { retention }))
  return file
}

async function run(
  retention: unknown,
  ...argv: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  const console = openConsole({
    CPIS_DATA_DIR: server.dataDir,
    MONGODB_URL: where().url,
    CPIS_DATABASE: where().database,
    CPIS_SANDBOX_NOW: AT.toISOString(),
    CPIS_POLICY: policyOf(retention),
  })
  const code = await console.run('audit', 'archive', '--to', folder, ...argv)
  return { code, out: console.out(), err: console.err() }
}

const archives = (): string[] => readdirSync(folder).filter((name) => name.includes('ndjson'))
function linesOf(month: string): { _id: string; recorded: string }[] {
  const text = gunzipSync(readFileSync(join(folder, `auditEvents-${month}.ndjson.gz`))).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('refused, with nothing written and nothing removed', () => {
  test.each<[string, unknown, readonly string[], RegExp]>([
    ['without a retention', undefined, ['--apply'], /CPIS_POLICY: retention\.auditMonths is not set/],
    ['with a retention of something else', { accessMonths: 24 }, ['--apply'], /retention\.auditMonths is not set/],
    [
      'before a month that the retention keeps',
      { auditMonths: 24 },
      ['--apply', '--before', '2026-04'],
      /2024-04 is the last/,
    ],
    ['before a day', { auditMonths: 24 }, ['--apply', '--before', '2024-02-01'], /must be a month/],
    ['into a folder that is not there', { auditMonths: 24 }, ['--apply', '--to', '/nowhere/at/all'], /no such folder/],
  ])('%s', async (_words, retention, argv, words) => {
    const { code, err } = await run(retention, ...argv)
    expect([code, err]).toEqual([2, expect.stringMatching(words)])
    expect(await audits().countDocuments()).toBe(ALL)
    expect(archives()).toEqual([])
  })

  test('without --apply it only says what it would do', async () => {
    const { code, out } = await run({ auditMonths: 24 })
    expect(code).toBe(0)
    for (const month of ['2024-01', '2024-02', '2024-03'] as const)
      expect(out).toContain(`auditEvents ${month}: ${MONTHS[month]} records`)
    expect(out).not.toContain('2026-04')
    expect(await audits().countDocuments()).toBe(ALL)
    expect(archives()).toEqual([])
  })
})

describe('with --apply', () => {
  test('whole months are written in their order, marked with count and SHA-256, and removed; the rest stands and checks go on', async () => {
    let isArchiving = true
    const checks = (async () => {
      const statuses: number[] = []
      while (isArchiving) statuses.push((await sendCheck(server, '9996621235')).status)
      return statuses
    })()
    const { code } = await run({ auditMonths: 24 }, '--apply', '--before', '2024-03')
    isArchiving = false
    expect(code).toBe(0)
    expect(new Set(await checks)).toEqual(new Set([200]))
    expect(archives().toSorted()).toEqual(['auditEvents-2024-01.ndjson.gz', 'auditEvents-2024-02.ndjson.gz'])
    const lines = linesOf('2024-01')
    expect(lines).toHaveLength(PER_MONTH)
    const order = lines.map(({ recorded, _id }) => `${recorded} ${_id}`)
    expect(order).toEqual(order.toSorted())
    const file = readFileSync(join(folder, 'auditEvents-2024-01.ndjson.gz'))
    const mark = await db().collection<{ _id: string }>('auditArchives').findOne({ _id: '2024-01' })
    expect(mark).toEqual({
      _id: '2024-01',
      count: PER_MONTH,
      sha256: createHash('sha256').update(file).digest('hex'),
      at: AT,
    })
    expect(await Promise.all(Object.keys(MONTHS).map(inMonth))).toEqual([0, 0, FEW, FEW])
    const found = await server.send({
      as: 'auditor',
      path: 'AuditEvent?date=ge2024-01-01&date=lt2024-04-01&_count=1&_total=accurate',
    })
    expect(found.json).toMatchObject({ total: FEW })
  })

  test('a record that comes after its month was archived stays, and is told', async () => {
    await run({ auditMonths: 24 }, '--apply')
    await server.context.store.appendAudit(auditRecord('late', { recorded: '2024-02-10T00:00:00.000Z' }))
    const { code, out } = await run({ auditMonths: 24 }, '--apply')
    expect([code, out]).toEqual([
      0,
      expect.stringContaining('auditEvents 2024-02: 1 came after it was archived and stay'),
    ])
    expect(await audits().findOne({ _id: 'late' })).not.toBeNull()
  })

  test('accesses, and what was answered to them, go by a rule of their own', async () => {
    const [then, now] = ['2024-01-10T00:00:00.000Z', '2026-05-01T00:00:00.000Z']
    const insert = (name: string, documents: readonly { readonly _id: string; readonly [field: string]: unknown }[]) =>
      db()
        .collection<{ _id: string }>(name)
        .insertMany([...documents])
    await insert('accesses', [
      { _id: 'old', at: then },
      { _id: 'new', at: now },
    ])
    await insert('acknowledgements', [
      { _id: 'answer-old', auditEvent: 'old', sequence: 1, recorded: then },
      { _id: 'answer-new', auditEvent: 'new', sequence: 1, recorded: now },
    ])
    await run({ auditMonths: 24 }, '--apply')
    expect(await db().collection('accesses').countDocuments()).toBe(2)
    expect(await db().collection('acknowledgements').countDocuments()).toBe(2)
    await run({ auditMonths: 24, accessMonths: 24 }, '--apply')
    expect(await db().collection('accesses').distinct('_id')).toEqual(['new'])
    expect(await db().collection('acknowledgements').distinct('_id')).toEqual(['answer-new'])
    expect(archives()).toEqual(
      expect.arrayContaining(['accesses-2024-01.ndjson.gz', 'acknowledgements-2024-01.ndjson.gz']),
    )
  })
})

describe('ended by kill -9', () => {
  test.each(['written', 'verified', 'marked', 'removed-some', 'removed'] as const)(
    'behind the step "%s" it goes on when it is run again: each record is in the file or in the database all the time',
    async (step) => {
      const script = new URL('../support/archive-process.ts', import.meta.url).pathname
      const { url, database } = where()
      const child = spawn(process.execPath, [script, url, database, folder, '2024-01', step], { stdio: 'inherit' })
      expect((await once(child, 'exit'))[1]).toBe('SIGKILL')
      const kept = new Set(
        (
          await audits()
            .find({ recorded: { $regex: '^2024-01' } })
            .toArray()
        ).map(({ _id }) => _id),
      )
      if (kept.size < PER_MONTH) for (const { _id } of linesOf('2024-01')) kept.add(_id)
      expect(kept.size).toBe(PER_MONTH)
      const { code } = await run({ auditMonths: 24 }, '--apply', '--before', '2024-02')
      expect(code).toBe(0)
      expect(await inMonth('2024-01')).toBe(0)
      expect(linesOf('2024-01')).toHaveLength(PER_MONTH)
      expect(await db().collection('auditArchives').countDocuments()).toBe(1)
      expect(archives()).toEqual(['auditEvents-2024-01.ndjson.gz'])
    },
    30_000,
  )

  test('in the middle of writing: what was half written is written anew', async () => {
    writeFileSync(join(folder, 'auditEvents-2024-01.ndjson.gz.part'), 'half')
    expect((await run({ auditMonths: 24 }, '--apply', '--before', '2024-02')).code).toBe(0)
    expect(linesOf('2024-01')).toHaveLength(PER_MONTH)
  })
})

describe('nothing is removed that is not on the disk', () => {
  test.each<[string, (file: string) => void]>([
    ['is cut short', (file) => truncateSync(file, 500)],
    ['is empty', (file) => truncateSync(file, 0)],
    ['has a byte changed', (file) => writeFileSync(file, flip(readFileSync(file)))],
    ['is gone', (file) => rmSync(file)],
    [
      'is the file of another month',
      (file) => writeFileSync(file, readFileSync(join(folder, 'auditEvents-2024-02.ndjson.gz'))),
    ],
  ])('when the file %s', async (_words, spoil) => {
    await run({ auditMonths: 24 }, '--apply', '--before', '2024-03')
    const back = linesOf('2024-01').slice(0, 10)
    await audits().insertMany(back)
    spoil(join(folder, 'auditEvents-2024-01.ndjson.gz'))
    const { code, err } = await run({ auditMonths: 24 }, '--apply', '--before', '2024-02')
    expect([code, err]).toEqual([1, expect.stringMatching(/auditEvents-2024-01\.ndjson\.gz/)])
    expect(await inMonth('2024-01')).toBe(10)
  })

  test('nor when a file of that name is there already and holds something else', async () => {
    const file = join(folder, 'auditEvents-2024-01.ndjson.gz')
    await run({ auditMonths: 24 }, '--apply', '--before', '2024-02')
    const other = readFileSync(file)
    await db().collection('auditArchives').deleteMany({})
    await server.context.store.appendAudit(auditRecord('more', { recorded: '2024-01-10T00:00:00.000Z' }))
    const archivist = await openArchivist(where())
    await expect(archivist.archive('2024-01', { what: 'auditEvents', folder, at: AT })).rejects.toThrow(ArchiveFault)
    await archivist.close()
    expect(readFileSync(file).equals(other)).toBe(true)
    expect(await inMonth('2024-01')).toBe(1)
    expect(existsSync(`${file}.part`)).toBe(false)
  })
})

function flip(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const at = Math.floor(copy.length / 2)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
