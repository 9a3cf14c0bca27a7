/** Limits of CPIS_LIMITS through real HTTP (security.md "Abuse and bad input"). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ConfigError } from '../../src/config.ts'
import { DEFAULT_LIMITS, readLimits } from '../../src/limits.ts'
import { issuesOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-limits-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(content: unknown): string {
  const file = join(folder, `${Math.random()}.json`)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('the file of CPIS_LIMITS', () => {
  test.each([
    ['no JSON', 'limits'],
    ['a list', [1]],
    ['an unknown limit', { checksPerChild: 3 }],
    ['nothing allowed', { checksPerUserPerMinute: 0 }],
    ['half a request', { checksPerUserPerMinute: 1.5 }],
  ])('%s is refused, naming the variable', (_name, content) => {
    expect(() => readLimits({ limits: fileOf(content) })).toThrow(ConfigError)
    expect(() => readLimits({ limits: fileOf(content) })).toThrow(/^CPIS_LIMITS: /)
  })

  test('what it leaves out stays as usual; off is none', () => {
    expect(readLimits({ limits: fileOf({ checksPerUserPerMinute: 3 }) })).toEqual({
      ...DEFAULT_LIMITS,
      checksPerUserPerMinute: 3,
    })
    expect(readLimits({ limits: 'default' })).toEqual(DEFAULT_LIMITS)
    expect(readLimits({ limits: 'off' })).toBeUndefined()
  })
})

describe('a person who checks too often', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ env: { CPIS_LIMITS: fileOf({ checksPerUserPerMinute: 3 }) } })
  })
  afterAll(() => server.close())

  test('is told when to come back, learns nothing, is audited; others go on', async () => {
    const statuses = []
    for (let count = 0; count < 3; count += 1) statuses.push((await sendCheck(server, '9995973952')).status)
    const refused = await sendCheck(server, '9995973952')
    expect([...statuses, refused.status]).toEqual([200, 200, 200, 429])
    expect(issuesOf(refused)[0]?.code).toBe('RATE_LIMITED')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.text).not.toContain('Sheffield')
    const records = await server.context.store.read.audits({ from: '2026-01-01T00:00:00Z', limit: 10 })
    expect(records.find((one) => one.status === 429)).toMatchObject({
      outcome: '4',
      codes: ['RATE_LIMITED'],
      caller: { kind: 'nhs-user' },
    })
    expect((await sendCheck(server, '9995973952', { as: 'paramedic', setting: 'ambulance' })).status).toBe(200)
  })
})
