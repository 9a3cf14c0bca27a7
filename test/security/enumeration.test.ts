/** The sequence detector through real HTTP under a moved clock (security.md "Abuse and bad input"). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent } from '@medplum/fhirtypes'
import type { NhsNumber } from '../../src/domain/brands.ts'
import { MISS_CHECKS, ORDERED_RUN } from '../../src/domain/enumeration.ts'
import { bundleOf, issuesOf, sendCheck, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'
import { numbersFrom, unrelatedNumbers } from '../support/valid-numbers.ts'

const HIGH = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'cpis-limits-'))
const limitsFile = join(folder, 'limits.json')
writeFileSync(
  limitsFile,
  JSON.stringify({
    checksPerUserPerMinute: HIGH,
    checksPerUserPerHour: HIGH,
    requestsPerClientPerMinute: HIGH,
    requestsPerOrganizationPerMinute: HIGH,
  }),
)

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { CPIS_LIMITS: limitsFile } })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function checkAll(as: string, numbers: readonly NhsNumber[]): Promise<readonly TestAnswer[]> {
  const answers: TestAnswer[] = []
  for (const number of numbers) answers.push(await sendCheck(server, number, { as }))
  return answers
}

async function alertsOf(subtype: string): Promise<readonly AuditEvent[]> {
  const form = { date: 'ge2026-05-01', subtype, _count: '500' }
  const found = bundleOf(await server.send({ as: 'auditor', path: 'AuditEvent/_search', form }))
  return (found.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'AuditEvent' ? [resource] : []))
}

async function countOf(alert: string): Promise<number> {
  const text = await server.context.metrics.registry.metrics()
  return Number(new RegExp(`^cpis_alerts_total\\{alert="${alert}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

describe('a user who runs through numbers', () => {
  test('is stopped with 429 and Retry-After for 15 minutes, while others are answered', async () => {
    server.setNow('2026-05-03T11:00:00.000Z')
    const run = numbersFrom(999_400_000, ORDERED_RUN + 3)
    const answers = await checkAll('paramedic', run)
    const statuses = answers.map((one) => one.status)
    expect(statuses).toEqual([...Array(ORDERED_RUN - 1).fill(200), ...Array(4).fill(429)])
    const refusal = answers[ORDERED_RUN - 1]
    if (refusal === undefined) throw new Error('no refusal')
    expect(refusal.headers.get('retry-after')).toBe('900')
    expect(issuesOf(refusal)).toMatchObject([{ code: 'RATE_LIMITED' }])
    expect(refusal.text).not.toMatch(/\d{9}/)

    const [other = '' as NhsNumber] = numbersFrom(999_777_000, 1)
    expect((await sendCheck(server, other, { as: 'paramedic' })).status).toBe(429)
    expect((await sendCheck(server, other, { as: 'ed-nurse' })).status).toBe(200)

    server.setNow('2026-05-03T11:10:00.000Z')
    const later = await sendCheck(server, other, { as: 'paramedic' })
    expect([later.status, later.headers.get('retry-after')]).toEqual([429, '300'])
    server.setNow('2026-05-03T11:15:00.000Z')
    expect((await sendCheck(server, other, { as: 'paramedic' })).status).toBe(200)
  })

  test('leaves one alert that names the user and no number, and a metric', async () => {
    const alerts = await alertsOf('numbers-in-sequence')
    expect(alerts).toHaveLength(1)
    expect(alerts[0]).toMatchObject({
      outcome: '4',
      agent: [
        { requestor: true, who: { display: 'CP-IS register' } },
        { requestor: false, name: 'J. Pritchard' },
      ],
    })
    expect(JSON.stringify(alerts)).not.toMatch(/999\d{7}/)
    expect(await countOf('numbers-in-sequence')).toBe(1)
  })

  test('is not helped by another request id, setting or site for the same numbers', async () => {
    const [number = '' as NhsNumber] = numbersFrom(999_600_000, 1)
    for (let at = 0; at < 20; at += 1) expect((await sendCheck(server, number, { as: 'gp' })).status).toBe(200)
    const answers = await checkAll('gp', numbersFrom(999_600_020, ORDERED_RUN))
    expect(answers.map((one) => one.status)).toContain(429)
  })
})

test('a ward that checks 30 unrelated children is answered 30 times', async () => {
  const ward = unrelatedNumbers(30)
  const answers = await checkAll('paediatric-ward-nurse', ward)
  expect(answers.map((one) => one.status)).toEqual(Array(30).fill(200))
})

test('very many checks that find nothing are told to the administrator, and answered all the same', async () => {
  server.setNow('2026-05-03T12:00:00.000Z')
  const numbers = unrelatedNumbers(MISS_CHECKS + 20)
  const answers = await checkAll('midwife', numbers)
  expect(new Set(answers.map((one) => one.status))).toEqual(new Set([200]))
  expect(await alertsOf('unusual-misses')).toHaveLength(1)
  expect(await countOf('unusual-misses')).toBe(1)
})
