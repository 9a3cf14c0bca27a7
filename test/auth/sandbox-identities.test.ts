import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { openAuth } from '../../src/auth/auth.ts'
import { findSandboxIdentities, identitiesFile, loadSandboxIdentities } from '../../src/auth/sandbox-identities.ts'
import { buildTokenForm, identityNames } from '../../src/auth/sandbox-token.ts'
import { ConfigError } from '../../src/config.ts'
import { LOCAL_AUTHORITIES } from '../../src/sandbox/authorities.ts'

const AUTHORITIES = ['E10000007', 'E06000015']

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'cpis-auth-'))
}

describe('sandbox identities', () => {
  test.each([
    ['is empty', () => ''],
    ['was cut off', (text: string) => text.slice(0, text.length / 2)],
    ['is of another format', (text: string) => text.replace('"format": 1', '"format": 2')],
    ['has lost its clients', (text: string) => JSON.stringify({ ...JSON.parse(text), clients: [] })],
    ['has lost the issuer key', (text: string) => JSON.stringify({ ...JSON.parse(text), issuerKey: {} })],
    ['has a scope beyond its kind', (text: string) => text.replaceAll('"system/Flag.rs"', '"system/Flag.cruds"')],
  ])('a file that %s is refused with the remedy, and left as it is', (_name, damage) => {
    const dataDir = folder()
    loadSandboxIdentities(dataDir, AUTHORITIES)
    const file = identitiesFile(dataDir)
    const damaged = damage(readFileSync(file, 'utf8'))
    writeFileSync(file, damaged)
    expect(() => loadSandboxIdentities(dataDir, AUTHORITIES)).toThrow(ConfigError)
    expect(() => loadSandboxIdentities(dataDir, AUTHORITIES)).toThrow(/CPIS_DATA_DIR: .*delete it/)
    expect(readFileSync(file, 'utf8')).toBe(damaged)
  })

  test('are made once, readable by the owner only, and loaded again', () => {
    const dataDir = join(folder(), 'not', 'yet', 'there')
    expect(findSandboxIdentities(dataDir)).toBeUndefined()
    const made = loadSandboxIdentities(dataDir, AUTHORITIES)
    expect(statSync(identitiesFile(dataDir)).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(loadSandboxIdentities(dataDir, [])).toEqual(made)
    expect(findSandboxIdentities(dataDir)).toEqual(made)
    expect(readdirSync(dataDir)).toEqual(['identities.json'])
  })

  test('are one set when several processes start at once', async () => {
    const dataDir = folder()
    const module = join(import.meta.dirname, '../../src/auth/sandbox-identities.ts')
    const program = `import { loadSandboxIdentities } from ${JSON.stringify(module)}
      console.log(JSON.stringify(loadSandboxIdentities(process.argv[1], ['E10000007'])))`
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, dataDir])
    const outputs = await Promise.all(Array.from({ length: 6 }, start))
    expect(new Set(outputs.map((one) => one.stdout)).size).toBe(1)
    expect(JSON.parse(outputs[0]?.stdout ?? '')).toEqual(findSandboxIdentities(dataDir))
    expect(readdirSync(dataDir)).toEqual(['identities.json'])
  })

  test('are the people of the table and two systems for each of the 153 authorities, each with a key of its own', () => {
    const all = LOCAL_AUTHORITIES.map((one) => one.gss)
    const identities = loadSandboxIdentities(folder(), all)
    const people = identities.people.map(
      (one) => `${one.name} ${one.user.roleCode} ${one.organization} ${one.assuranceLevel}`,
    )
    expect(people).toEqual([
      'ed-nurse R8001 RCU 3',
      'paediatric-ward-nurse R8001 RCU 3',
      'paramedic R8003 RX8 3',
      'call-handler-111 R8001 RX7 3',
      'gp R8000 A81001 3',
      'gp-out-of-hours R8000 A81002 3',
      'midwife R8001 RJ1 3',
      'dental-nurse R8001 RV5 3',
      'admin-clerk R8006 RCU 3',
      'auditor R0001 RCU 3',
      'administrator R8015 X26 3',
    ])
    const names = identityNames(identities)
    expect(names).toHaveLength(11 + 1 + 2 * 153)
    for (const gss of all) expect(names).toEqual(expect.arrayContaining([`la-${gss}`, `receiver-${gss}`]))
    const keys = [identities.issuerKey, ...identities.clients.map((one) => one.key)]
    expect(new Set(keys.map((key) => key.d)).size).toBe(keys.length)
    expect(new Set(keys.map((key) => key.kid)).size).toBe(keys.length)
  })

  test('no token is made for a name that is none, a bare system included', async () => {
    const identities = loadSandboxIdentities(folder(), AUTHORITIES)
    const request = { tokenEndpoint: 'http://x/oauth2/token', now: new Date(0), newId: () => 'id' }
    for (const name of ['nobody', 'nhs-system-RCU', 'staff-console', 'la-E06000016', '__proto__']) {
      expect(await buildTokenForm(identities, name, request)).toBeUndefined()
    }
  })
})

describe('openAuth', () => {
  test('gives a production server no sandbox client and no sandbox issuer, and makes no file', () => {
    const dataDir = folder()
    const auth = openAuth({ mode: 'production', dataDir, clientsFile: undefined, issuersFile: undefined }, AUTHORITIES)
    expect(auth.registry).toEqual({ clients: [], people: [] })
    expect(auth.issuers).toEqual([])
    expect(readdirSync(dataDir)).toEqual([])
  })

  test('refuses an outside issuer that takes the name of the sandbox', () => {
    const dataDir = folder()
    const issuersFile = join(dataDir, 'issuers.json')
    const issuer = {
      issuer: 'https://cis2.sandbox.cpis.example',
      audience: 'cpis',
      algorithms: ['RS256'],
      jwks_uri: 'https://idp.example/keys',
    }
    writeFileSync(issuersFile, JSON.stringify({ issuers: [issuer] }))
    expect(() => openAuth({ mode: 'sandbox', dataDir, clientsFile: undefined, issuersFile }, AUTHORITIES)).toThrow(
      /^CPIS_ISSUERS: /,
    )
  })

  test('holds no private key of a client', () => {
    const auth = openAuth(
      { mode: 'sandbox', dataDir: folder(), clientsFile: undefined, issuersFile: undefined },
      AUTHORITIES,
    )
    expect(JSON.stringify(auth.registry)).not.toContain('"d":')
    expect(JSON.stringify(auth.issuers)).not.toContain('"d":')
  })
})
