/** The file of CPIS_POLICY: what it refuses, and what it changes of who may check (security.md "Tokens"). */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openAuth } from '../src/auth/auth.ts'
import { DEFAULT_CHECK_POLICY } from '../src/auth/policy.ts'
import { ConfigError } from '../src/config.ts'
import { DEFAULT_LIMITS, readLimits } from '../src/limits.ts'
import { readPolicyFile } from '../src/policy-file.ts'
import { issuesOf, resourceOf, sendCheck, startTestServer, type TestServer } from './support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-policy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
function fileOf(content: unknown): string {
  files += 1
  const file = join(folder, `${files}.json`)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('the file of CPIS_POLICY', () => {
  test.each([
    ['no JSON', 'policy'],
    ['a list', []],
    ['an unknown member', { checkRole: ['R8001'] }],
    ['roles that are no list', { checkRoles: 'R8001' }],
    ['no role at all', { checkRoles: [] }],
    ['a role that is none', { checkRoles: ['R8001', 'nurse'] }],
    ['a level that anyone has', { leastAssuranceLevel: 1 }],
    ['a level as text', { leastAssuranceLevel: '3' }],
    ['a purpose that is none', { purposeOfEvent: 'CURIOSITY' }],
    ['a purpose that is inherited', { purposeOfEvent: 'toString' }],
    ['an endpoint with a scheme', { endpoints: { E10000007: ['https://council.example'] } }],
    ['mail that is a list', { mail: ['duty@council.example'] }],
    ['mail of an authority that is none', { mail: { Derby: ['council.example'] } }],
    ['mail as one text', { mail: { E10000007: 'council.example' } }],
    ['a mailbox with a name', { mail: { E10000007: ['Duty <duty@council.example>'] } }],
    ['a mailto URL', { mail: { E10000007: ['mailto:duty@council.example'] } }],
    ['every domain', { mail: { E10000007: ['*'] } }],
    ['a top-level domain', { mail: { E10000007: ['example'] } }],
    ['limits that are a number', { limits: 60 }],
    ['an unknown limit', { limits: { checksPerChild: 3 } }],
    ['a limit below the largest Bundle', { limits: { bytesPerClientPerMinute: 1_000 } }],
    ['a retention that is a number', { retention: 24 }],
    ['a retention of something unknown', { retention: { planMonths: 24 } }],
    ['a retention of no time', { retention: { auditMonths: 0 } }],
    ['a retention of half a month', { retention: { auditMonths: 1.5 } }],
    ['a retention of accesses below a year', { retention: { accessMonths: 6 } }],
    ['issuers that are a text', { issuers: 'https://idp.example' }],
    ['an issuer without keys', { issuers: [{ issuer: 'https://idp.example' }] }],
    ['clients that are a text', { clients: 'acme' }],
    ['a client without keys', { clients: { clients: [{ clientId: 'acme' }] } }],
    ['an unknown member of the clients', { clients: { client: [] } }],
    ['an authority that is none', { endpoints: { Derby: ['council.example'] } }],
  ])('%s is refused, naming the variable', (_name, content) => {
    expect(() => readPolicyFile(fileOf(content))).toThrow(ConfigError)
    expect(() => readPolicyFile(fileOf(content))).toThrow(/^CPIS_POLICY: /)
  })

  test('what it leaves out is as usual', () => {
    const usual = { endpoints: new Map(), mail: new Map(), check: DEFAULT_CHECK_POLICY, purposeOfEvent: 'TREAT' }
    expect(readPolicyFile(undefined)).toEqual(usual)
    expect(readPolicyFile(fileOf({}))).toEqual(usual)
    expect(readPolicyFile(fileOf({ leastAssuranceLevel: 3 })).check).toEqual({
      ...DEFAULT_CHECK_POLICY,
      leastAssuranceLevel: 3,
    })
  })
})

describe('one file for all', () => {
  const key = { ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }), kid: 'k' }
  const client = {
    clientId: 'acme',
    kind: 'la-supplier',
    authorities: ['E10000007'],
    scopes: ['system/EpisodeOfCare.cruds'],
    jwks: { keys: [key] },
  }
  const issuer = {
    issuer: 'https://idp.example',
    audience: 'cpis',
    algorithms: ['RS256'],
    jwks_uri: 'https://idp.example/keys',
  }

  test.each([
    ['as in files of their own', { clients: { clients: [client], people: [] }, issuers: { issuers: [issuer] } }],
    ['as bare lists', { clients: [client], issuers: [issuer] }],
  ])('limits, retention, issuers and clients are taken, %s', (_words, members) => {
    const content = { ...members, limits: { checksPerUserPerMinute: 30 }, retention: { auditMonths: 24 } }
    const policy = readPolicyFile(fileOf(content))
    expect(policy.limits).toEqual({ ...DEFAULT_LIMITS, checksPerUserPerMinute: 30 })
    expect(policy.retention).toEqual({ auditMonths: 24 })
    const auth = openAuth(
      { mode: 'production', dataDir: folder, clientsFile: undefined, issuersFile: undefined },
      [],
      policy,
    )
    expect(auth.registry.clients.map((one) => one.clientId)).toEqual(['acme'])
    expect(auth.issuers.map((one) => one.issuer)).toEqual(['https://idp.example'])
    expect(readLimits({ limits: 'default' }, policy.limits)?.checksPerUserPerMinute).toBe(30)
  })

  test('what is said in two places is refused in one line that names both', () => {
    const policy = readPolicyFile(fileOf({ clients: [client], issuers: [issuer], limits: {} }))
    const file = fileOf({ clients: [], issuers: [] })
    const config = { mode: 'production', dataDir: folder, clientsFile: undefined, issuersFile: undefined } as const
    const both = /^CPIS_[A-Z]+: .* CPIS_POLICY too\. Keep one of the two\.$/
    expect(() => openAuth({ ...config, clientsFile: file }, [], policy)).toThrow(both)
    expect(() => openAuth({ ...config, issuersFile: file }, [], policy)).toThrow(both)
    expect(() => readLimits({ limits: file }, policy.limits)).toThrow(both)
    expect(() => readLimits({ limits: 'off' }, policy.limits)).toThrow(both)
  })

  test('all that is wrong is said at once, in one line, each with its place', () => {
    const content = {
      checkRole: [],
      leastAssuranceLevel: 1,
      limits: { checksPerChild: 3, checksPerUserPerMinute: 0 },
      retention: { auditMonths: 0 },
      clients: [client, { ...client, kind: 'superuser' }, { ...client, scopes: [] }],
      issuers: [{ ...issuer, algorithms: ['none'] }],
    }
    const read = (): unknown => readPolicyFile(fileOf(content))
    expect(read).toThrow(ConfigError)
    for (const place of [
      'checkRole is not known',
      'leastAssuranceLevel',
      'limits: checksPerChild',
      'limits: checksPerUserPerMinute',
      'retention: auditMonths',
      'clients: clients[1]',
      'clients: clients[2]',
      'issuers: issuers[0]: algorithms',
    ]) {
      expect(read).toThrow(place)
    }
    expect(read).toThrow(/^CPIS_POLICY: [^\n]*$/)
  })
})

describe('a deployment with a policy of its own', () => {
  let server: TestServer
  beforeAll(async () => {
    const policy = fileOf({ checkRoles: ['R8006'], leastAssuranceLevel: 3, purposeOfEvent: 'CAREMGT' })
    server = await startTestServer({ env: { CPIS_POLICY: policy } })
  })
  afterAll(() => server.close())

  test('decides which roles check, and its AuditEvents say why', async () => {
    const refused = await sendCheck(server, '9995973952')
    expect([refused.status, issuesOf(refused)[0]?.code]).toEqual([403, 'NOT_PERMITTED'])
    expect((await sendCheck(server, '9995973952', { as: 'admin-clerk' })).status).toBe(200)
    const records = await server.context.store.read.audits({ from: '2026-01-01T00:00:00Z', limit: 10 })
    const checks = records.filter((one) => one.operation === 'cpis-check')
    expect(checks.map((one) => one.status).sort()).toEqual([200, 403])
    for (const { id } of checks) {
      const event = resourceOf(await server.send({ as: 'auditor', path: `AuditEvent/${id}` }), 'AuditEvent')
      expect(event.purposeOfEvent?.[0]?.coding?.[0]).toEqual({
        system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
        code: 'CAREMGT',
        display: 'care management',
      })
    }
  })

  test('stops the start when it cannot be used', async () => {
    const starting = startTestServer({ env: { CPIS_POLICY: fileOf({ checkRoles: [] }) } })
    await expect(starting).rejects.toThrow(/^CPIS_POLICY: checkRoles/)
  })
})
