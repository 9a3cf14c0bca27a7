/** The file of CPIS_POLICY: what it refuses, and what it changes of who may check (security.md "Tokens"). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { DEFAULT_CHECK_POLICY } from '../src/auth/policy.ts'
import { ConfigError } from '../src/config.ts'
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
    ['an authority that is none', { endpoints: { Derby: ['council.example'] } }],
  ])('%s is refused, naming the variable', (_name, content) => {
    expect(() => readPolicyFile(fileOf(content))).toThrow(ConfigError)
    expect(() => readPolicyFile(fileOf(content))).toThrow(/^CPIS_POLICY: /)
  })

  test('what it leaves out is as usual', () => {
    const usual = { endpoints: new Map(), check: DEFAULT_CHECK_POLICY, purposeOfEvent: 'TREAT' }
    expect(readPolicyFile(undefined)).toEqual(usual)
    expect(readPolicyFile(fileOf({}))).toEqual(usual)
    expect(readPolicyFile(fileOf({ leastAssuranceLevel: 3 })).check).toEqual({
      ...DEFAULT_CHECK_POLICY,
      leastAssuranceLevel: 3,
    })
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
