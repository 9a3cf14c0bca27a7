/** What `cpis doctor` finds, and what it says to do (issue 6). */
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { type DatabaseCheck, databaseFindings } from '../../src/cli/doctor-database.ts'
import { checkCallers, checkDisk, checkLimits, checkPolicy, checkTls } from '../../src/cli/doctor-deployment.ts'
import { outgoingTlsFindings } from '../../src/cli/doctor-outgoing-tls.ts'
import { parseConfig } from '../../src/config.ts'
import type { DatabaseFacts } from '../../src/store/database-facts.ts'
import { freePort } from '../../src/store/mongod-process.ts'
import { openConsole } from '../support/console.ts'
import { clientCertificate, testCertificate, tlsFile } from '../support/tls-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-doctor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const AT = new Date('2026-05-03T11:00:00Z')
const FACTS: DatabaseFacts = {
  version: '8.0.21',
  replicaSet: 'cpis',
  members: 3,
  at: AT,
  defaultWriteConcern: 'majority',
  journalsMajority: true,
  transactionSeconds: 15,
  openMigrations: [],
  missingIndexes: [],
  dataKeys: ['d1'],
  directory: { sites: 17, authorities: 153 },
}

function find(what: string, facts: Partial<DatabaseFacts>, check: Partial<DatabaseCheck> = {}) {
  const all = databaseFindings({
    facts: { ...FACTS, ...facts },
    mode: 'production',
    now: AT,
    dataKeys: ['d1'],
    ...check,
  })
  return all.find((one) => one.what === what)
}

describe('doctor of a database', () => {
  test('finds nothing wrong with a good one', () => {
    const all = databaseFindings({ facts: FACTS, mode: 'production', now: AT, dataKeys: ['d1'] })
    expect(all.map(({ what, state }) => `${what} ${state}`)).toEqual([
      'database ok',
      'replica set ok',
      'writes ok',
      'transactions ok',
      'migrations ok',
      'indexes ok',
      'directory ok',
      'clocks ok',
      'data keys ok',
    ])
  })

  test.each([
    ['no NHS organisation', { sites: 0, authorities: 153 }],
    ['no authority', { sites: 17, authorities: 0 }],
  ])('says that production has %s in its directory, and how to load them', (_what, directory) => {
    expect(find('directory', { directory })).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('cpis directory load'),
    })
    expect(find('directory', { directory }, { mode: 'sandbox' })?.state).toBe('warn')
  })

  const at = (seconds: number) => ({ at: new Date(AT.getTime() + seconds * 1_000) })
  test.each<[string, string, Partial<DatabaseFacts>, string, RegExp]>([
    ['an old version', 'database', { version: '7.0.31' }, 'fail', /Upgrade to 7\.0\.32/],
    ['two members', 'replica set', { members: 2 }, 'warn', /Add members/],
    ['locks kept long', 'transactions', { transactionSeconds: 60 }, 'warn', /transactionLifetimeLimitSeconds/],
    ['no journal', 'writes', { journalsMajority: false }, 'fail', /writeConcernMajorityJournalDefault/],
    ['a schema of before', 'migrations', { openMigrations: ['delivery'] }, 'warn', /Start the server/],
    ['a missing index', 'indexes', { missingIndexes: ['flags {}'] }, 'fail', /createIndex/],
    ['clocks 5 s apart', 'clocks', at(5), 'warn', /NTP/],
    ['clocks a minute apart', 'clocks', at(-60), 'fail', /NTP/],
    ['a lost key', 'data keys', { dataKeys: ['d0', 'd1'] }, 'fail', /Put the key back/],
    ['too much to look at', 'data keys', { dataKeys: undefined as never }, 'warn', /Keep all data keys/],
  ])('%s: %s', (_name, what, facts, state, remedy) => {
    expect(find(what, facts)).toMatchObject({ state, remedy: expect.stringMatching(remedy) })
  })

  test('no replica set is a failure in a sandbox too; an old version only a warning there', () => {
    const { replicaSet: _none, ...single } = FACTS
    const all = databaseFindings({ facts: { ...single, version: '6.0.5' }, mode: 'sandbox', now: AT, dataKeys: ['d1'] })
    expect(all.find((one) => one.what === 'replica set')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('--replSet'),
    })
    expect(all.find((one) => one.what === 'database')?.state).toBe('warn')
  })

  test('an old key that still opens records is to be kept; an idle one is for backups', () => {
    const two = { dataKeys: ['d2', 'd1'] }
    expect(find('data keys', { dataKeys: ['d1', 'd2'] }, two)).toMatchObject({
      state: 'warn',
      found: 'd2 seals; d1 still opens records',
    })
    expect(find('data keys', { dataKeys: ['d2'] }, two)).toMatchObject({
      state: 'ok',
      found: 'd2 seals all; d1 is needed for backups only',
    })
  })
})

describe('doctor of a deployment', () => {
  const fileOf = (name: string, content: unknown): string => {
    const file = join(folder, name)
    writeFileSync(file, JSON.stringify(content))
    return file
  }

  test('sees the room on the disk, of a folder that is not made yet too', () => {
    expect(checkDisk({ dataDir: join(folder, 'not', 'made') }).found).toMatch(/^\d+\.\d GB free at /)
  })

  test('limits that are off or unreadable', () => {
    expect(checkLimits({ policyFile: undefined, limits: 'default' }).state).toBe('ok')
    expect(checkLimits({ policyFile: undefined, limits: 'off' })).toMatchObject({
      state: 'warn',
      remedy: expect.stringContaining('Unset'),
    })
    expect(checkLimits({ policyFile: undefined, limits: join(folder, 'none.json') })).toMatchObject({
      state: 'fail',
      found: expect.stringMatching(/^CPIS_LIMITS: /),
      remedy: expect.stringContaining('correct the file'),
    })
  })

  test('a policy that cannot be used, or allows hosts that are not public or have no address', async () => {
    const policyFile = fileOf('policy.json', { endpoints: { E10000007: ['127.0.0.1:8443', 'no.such.invalid'] } })
    const findings = await checkPolicy({ policyFile, mode: 'production' })
    expect(findings.map(({ what, state }) => `${what} ${state}`)).toEqual([
      'policy ok',
      'endpoint fail',
      'endpoint warn',
    ])
    const bad = await checkPolicy({ policyFile: fileOf('bad.json', { checkRoles: 3 }), mode: 'production' })
    expect(bad).toEqual([expect.objectContaining({ state: 'fail', found: expect.stringMatching(/^CPIS_POLICY: /) })])
    expect((await checkPolicy({ policyFile: undefined, mode: 'production' }))[0]?.state).toBe('warn')
  })

  test('no TLS, or none that answers', async () => {
    expect((await checkTls({ mode: 'sandbox', baseUrl: undefined })).state).toBe('ok')
    expect((await checkTls({ mode: 'production', baseUrl: 'http://a.example' })).state).toBe('fail')
    expect(await checkTls({ mode: 'production', baseUrl: `https://127.0.0.1:${await freePort(0)}` })).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('a certificate that callers do not believe fails', async () => {
    const listener = createServer(testCertificate, (_request, response) => response.end())
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', () => resolve()))
    const { port } = listener.address() as AddressInfo
    const finding = await checkTls({ mode: 'production', baseUrl: `https://127.0.0.1:${port}` })
    listener.close()
    expect(finding).toMatchObject({ state: 'fail', remedy: expect.stringContaining('certificate') })
  })

  describe('certificates for calls to endpoints', () => {
    const files = { clientCertFile: undefined, clientKeyFile: undefined, extraCaFile: undefined }
    const client = { ...files, clientCertFile: tlsFile('client.pem'), clientKeyFile: tlsFile('client.key') }
    const { validToDate } = new X509Certificate(clientCertificate.cert)
    const daysBefore = (days: number): Date => new Date(validToDate.getTime() - days * 86_400_000)

    test('none, nothing is said', () => {
      expect(outgoingTlsFindings(files, AT)).toEqual([])
    })

    test.each([
      ['a year', 365, 'ok'],
      ['29 days', 29, 'warn'],
      ['minus one day', -1, 'fail'],
      ['more than it has', 40_000, 'fail'],
    ])('one that lasts %s', (_name, days, state) => {
      const [finding, ...rest] = outgoingTlsFindings(client, daysBefore(days))
      expect(rest).toEqual([])
      expect(finding).toMatchObject({ what: 'client TLS', state })
      if (state !== 'ok') expect(finding?.remedy).toContain('CPIS_CLIENT_CERT')
    })

    test('an authority likewise, and a key of another certificate fails without a word of it', () => {
      const [authority] = outgoingTlsFindings({ ...files, extraCaFile: tlsFile('ca.pem') }, daysBefore(1))
      expect(authority).toMatchObject({ what: 'extra CA', state: 'warn' })
      const [wrong] = outgoingTlsFindings({ ...client, clientKeyFile: tlsFile('receiver.key') }, AT)
      expect(wrong).toMatchObject({ state: 'fail', found: expect.stringContaining('CPIS_CLIENT_KEY') })
      expect(JSON.stringify(wrong)).not.toContain('PRIVATE')
    })
  })

  test('production that nobody may call', () => {
    const sandbox = parseConfig({})
    expect(checkCallers(sandbox).state).toBe('ok')
    const production = { ...sandbox, mode: 'production', embeddedIssuer: false } as const
    expect(checkCallers(production).remedy).toContain('CPIS_ISSUERS')
    expect(checkCallers({ ...production, issuersFile: 'x' }).remedy).toContain('CPIS_CLIENTS')
    expect(checkCallers({ ...production, issuersFile: 'x', clientsFile: 'y' }).state).toBe('ok')
  })
})

describe('doctor --json', () => {
  test('says of unsafe settings which and what to do, and fails', async () => {
    const console = openConsole({ CPIS_MODE: 'production', CPIS_DATA_DIR: folder, CPIS_LIMITS: 'off' })
    expect(await console.run('doctor', '--json')).toBe(1)
    const lines = console.out().trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      what: 'settings',
      state: 'fail',
      found: 'CPIS_LIMITS: limits can be off in the sandbox only',
      remedy: 'Use default or a JSON file.',
    })
  })

  test('a database that is not there fails within seconds', async () => {
    const console = openConsole({
      CPIS_DATA_DIR: folder,
      PORT: '9',
      MONGODB_URL: 'mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100',
    })
    expect(await console.run('doctor')).toBe(1)
    expect(console.out()).toMatch(/^!! {2}database +MONGODB_URL: /m)
  })
})
