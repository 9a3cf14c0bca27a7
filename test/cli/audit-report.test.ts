/** `cpis audit report` against a real server: who saw a child, what a person did, who stands out; as text, CSV and FHIR; each question recorded. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent, Bundle, EpisodeOfCare, Parameters } from '@medplum/fhirtypes'
import { plain, readAccess } from '../../src/cli/audit/audited-access.ts'
import { writeSafeCsvLine } from '../../src/cli/audit/report-writer.ts'
import { parseCsv } from '../../src/cli/csv.ts'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import type { NhsNumber, OdsCode } from '../../src/domain/brands.ts'
import { consoleOf } from '../support/console.ts'
import { planOf } from '../support/plans.ts'
import { resourceOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'

const LA = 'la-E10000007'
let server: TestServer
const numbers = [...unrelatedNumbers(700)]
const nextNumber = (): NhsNumber => numbers.pop() ?? ('' as NhsNumber)
beforeAll(async () => {
  server = await startTestServer()
}, 60_000)
afterAll(() => server.close())

async function report(...options: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const console = consoleOf(server)
  const code = await console.run('audit', 'report', ...options)
  return { code, out: console.out(), err: console.err() }
}
const audits = (subtypes: readonly string[]): Promise<readonly AuditRecord[]> =>
  server.context.store.read.audits({ subtypes, limit: 1000 })

async function file(nhsNumber: string, as = LA): Promise<EpisodeOfCare> {
  const body = planOf({ nhsNumber, identifier: randomUUID() })
  return resourceOf(await server.send({ as, path: 'EpisodeOfCare', body }), 'EpisodeOfCare')
}
const rowsOf = (text: string): readonly (readonly string[])[] => {
  const parsed = parseCsv(new TextEncoder().encode(text))
  if ('fault' in parsed) throw new Error(parsed.fault)
  return parsed.rows.map(({ cells }) => cells)
}

/** A check of someone who is none of the sandbox's people, put into the log as the server keeps it. */
async function note(id: string, name: string, more: Partial<AuditRecord> = {}): Promise<void> {
  const user = { id, name, roleProfileId: `profile-${id}`, roleCode: 'R8001', roleName: 'Nurse Access Role' }
  await server.context.store.appendAudit({
    id: randomUUID(),
    recorded: '2026-05-05T10:00:00.000Z',
    interaction: 'operation',
    operation: 'cpis-check',
    action: 'E',
    outcome: '0',
    status: 200,
    codes: [],
    route: 'Patient/$cpis-check',
    requestId: randomUUID(),
    caller: {
      kind: 'nhs-user',
      clientId: 'ed',
      tokenId: randomUUID(),
      user,
      organization: 'RCU' as OdsCode,
      network: '10.0.0.1',
    },
    nhsNumber: nextNumber(),
    setting: 'emergency-department',
    entities: [],
    authorities: [],
    ...more,
  })
}

describe('wrong usage, before anything is asked', () => {
  test.each([
    [['--child', '9995973952', '--unusual']],
    [[]],
    [['--unusual']],
    [['--child', '9995973952']],
    [['--child', '9995973952', '--from', 'May']],
    [['--unusual', '--from', '2026-05-02', '--until', '2026-05-01']],
    [['--unusual', '--from', '2026-05-01', '--at', '2026-05-01T10:00:00Z']],
    [['--child', '9995973952', '--at', 'noon']],
    [['--unusual', '--from', '2026-05-01', '--format', 'xml']],
  ])('%j', async (options) => {
    const { code, out, err } = await report(...options)
    expect([code, out]).toEqual([2, ''])
    expect(err).not.toContain('9995973952')
  })

  test('by one who is no auditor, with a number that is none, over too long a time: in the words of the server', async () => {
    expect((await report('--unusual', '--from', '2026-05-01', '--as', 'ed-nurse')).err).toContain('NOT_PERMITTED')
    const wrong = await report('--child', '9995973953', '--from', '2026-05-01')
    expect([wrong.code, wrong.err.includes('INVALID_NHS_NUMBER')]).toEqual([1, true])
    expect((await report('--unusual', '--from', '2026-01-01')).err).toContain('INVALID_PARAMETER')
  })
})

describe('one child', () => {
  const child = nextNumberAtStart()
  let plan: EpisodeOfCare
  beforeAll(async () => {
    plan = await file(child)
    await sendCheck(server, child, { site: 'RCUEF' })
    await sendCheck(server, child, { as: 'paramedic', setting: 'ambulance' })
    await sendCheck(server, nextNumber())
    await note('formula', '=HYPERLINK("http://evil.example","x")\u001b[31m', { nhsNumber: child as NhsNumber })
  })

  test('each access: who, where, why, and what was shown', async () => {
    const { code, out, err } = await report('--child', child, '--from', '2026-05-01', '--until', '2026-05-31')
    expect(code).toBe(0)
    expect(out).toContain('3 May 2026 12:00')
    expect(out).toMatch(/\(user \S+, role profile \S+\)/)
    expect(out).toMatch(/\(RCU\); .*\(RCUEF\); /)
    expect(out).toContain('cpis-check; for treatment; answered')
    expect(out).toContain(
      `shown    Subject to child protection plan, Derbyshire, since 1 April 2026 (EpisodeOfCare/${plan.id} version 1)`,
    )
    expect(out).toContain('shown    nothing known')
    expect(out).toMatch(/incident \S+ leg 2/)
    expect(out).not.toContain('\u001b')
    expect(err).toContain('3 records. Reading them was recorded too.')
  })

  test('as CSV that a spreadsheet does not calculate', async () => {
    const { out } = await report('--child', child, '--from', '2026-05-01', '--until', '2026-05-31', '--format', 'csv')
    const [columns, ...rows] = rowsOf(out)
    expect(columns?.slice(0, 4)).toEqual(['recorded', 'what', 'name', 'user_id'])
    expect(rows).toHaveLength(3)
    expect(rows.flat().filter((cell) => /^[=+\-@]/.test(cell))).toEqual([])
    expect(rows[0]?.[2]).toBe(`'=HYPERLINK("http://evil.example","x") [31m`)
  })

  test('as a FHIR Bundle of the AuditEvents; of none it is a Bundle too', async () => {
    const { out } = await report('--child', child, '--from', '2026-05-01', '--until', '2026-05-31', '--format', 'fhir')
    const bundle = JSON.parse(out) as Bundle
    expect([bundle.type, bundle.entry?.length, bundle.total]).toEqual(['collection', 3, undefined])
    expect(bundle.entry?.every(({ resource, fullUrl }) => fullUrl?.endsWith(`AuditEvent/${resource?.id}`))).toBe(true)
    const none = await report('--child', child, '--from', '2026-01-01', '--until', '2026-01-31', '--format', 'fhir')
    expect(JSON.parse(none.out)).toEqual({ resourceType: 'Bundle', type: 'collection', timestamp: expect.any(String) })
    expect((await report('--child', child, '--from', '2026-01-01', '--until', '2026-01-31')).out).toContain(
      'Nobody asked.',
    )
  })

  test('what the NHS had been shown at a time, though the plan was withdrawn since', async () => {
    server.setNow('2026-05-06T11:00:00.000Z')
    const path = `EpisodeOfCare/${plan.id}`
    expect((await server.send({ as: LA, method: 'DELETE', path })).status).toBe(204)
    await sendCheck(server, child)
    const before = await report('--child', child, '--at', '2026-05-04T00:00:00Z')
    expect(before.out.match(/version 1/g)).toHaveLength(2)
    expect(before.out).not.toContain('nothing known')
    const after = await report('--child', child, '--at', '2026-05-06T11:00:00Z')
    expect(after.out.match(/nothing known/g)).toHaveLength(2)
  })

  test('the number stands in no address, and every question is in the log', async () => {
    server.setNow('2026-05-07T11:00:00.000Z')
    const searches = (await audits(['search-type'])).length
    const rebuilt = (await audits(['disclosed'])).length
    await report('--child', child, '--from', '2026-05-01')
    const asked = await audits(['search-type'])
    expect(asked.length - searches).toBe(1)
    expect(asked[0]?.parameters).toEqual(['date', 'date', 'patient:identifier', 'subtype', '_count'])
    expect(asked[0]?.route).toBe('AuditEvent/_search')
    // the same plans in the same versions are asked for once
    const again = await audits(['disclosed'])
    expect([again.length - rebuilt, again[0]?.nhsNumber]).toEqual([1, child])
  })

  test('all that carries the number: what authorities filed, and who looked at the log', async () => {
    const { out } = await report('--child', child, '--from', '2026-05-01', '--all')
    expect(out).toMatch(/la-E10000007\n {4}where {4}Derbyshire \(E10000007\)\n {4}what {5}create; answered/)
    expect(out).toContain('what     disclosed; answered')
    expect(out).toContain('E. Marsh, Privacy officer (R0001)')
  })

  test('of hundreds, page by page', async () => {
    const busy = nextNumber()
    for (let nth = 0; nth < 450; nth += 1) await note(`many-${nth % 7}`, 'Name', { nhsNumber: busy })
    const before = (await audits(['search-type'])).length
    const { err, out } = await report('--child', busy, '--from', '2026-05-01', '--format', 'csv')
    expect(err).toContain('450 records')
    expect(new Set(rowsOf(out).map((cells) => cells.at(-1))).size).toBe(451)
    expect((await audits(['search-type'])).length - before).toBe(3)
  })
})

describe('people', () => {
  beforeAll(async () => {
    for (let person = 0; person < 8; person += 1)
      for (let nth = 0; nth < 3 + person; nth += 1) await note(`usual-${person}`, `Usual ${person}`)
    const same = nextNumber()
    for (let nth = 0; nth < 30; nth += 1)
      await note('curious', 'Cara Curious', { nhsNumber: same, recorded: '2026-05-05T23:30:00.000Z' })
    await note('stopped', 'Stan Stopped')
    await note('stopped', 'Stan Stopped', { operation: 'numbers-in-sequence', outcome: '4', status: 429 })
  })

  test('who stands out is named with what, against whom, and how it was judged', async () => {
    const { code, out, err } = await report('--unusual', '--from', '2026-05-05', '--until', '2026-05-06')
    expect(code).toBe(0)
    expect(out).toContain('Cara Curious, Nurse Access Role (R8001) (user curious, role profile profile-curious)')
    expect(out).toMatch(/checks of one child: 30 \(median of \d+ of the role: 1; stands out above 5\)/)
    expect(out).toContain('times stopped for numbers in sequence: 1')
    expect(out).not.toContain('Usual')
    expect(out).toContain('median absolute deviation')
    expect(err).toContain('recorded')
    const [asked] = await audits(['report'])
    expect([asked?.caller.kind, asked?.parameters]).toEqual(['auditor', ['from', 'until']])
  })

  test('as CSV, a row for each finding; as FHIR, a Bundle with the answer', async () => {
    const csv = await report('--unusual', '--from', '2026-05-05', '--until', '2026-05-06', '--format', 'csv')
    expect(rowsOf(csv.out).filter(([name]) => name === 'Cara Curious').length).toBeGreaterThan(1)
    const fhir = await report('--unusual', '--from', '2026-05-05', '--until', '2026-05-06', '--format', 'fhir')
    const resource = (JSON.parse(fhir.out) as Bundle).entry?.[0]?.resource as Parameters
    expect(resource.parameter?.some(({ name }) => name === 'unusual')).toBe(true)
    expect(fhir.out + csv.out).not.toMatch(/\b999\d{7}\b/)
  })

  test('one person by day and hour of London, found by role profile too', async () => {
    for (const id of ['curious', 'profile-curious']) {
      const { out } = await report('--user', id, '--from', '2026-05-01', '--until', '2026-05-31')
      expect(out).toContain(
        '30 checks; 0 found a plan; 30 found nothing; 0 refused; 30 out of hours; 1 different children',
      )
      expect(out).toMatch(/2026-05-06 +0 +0 +30 +0/)
    }
    const csv = await report('--user', 'curious', '--from', '2026-05-01', '--until', '2026-05-31', '--format', 'csv')
    expect(rowsOf(csv.out)).toEqual([
      ['day', 'hour', 'hits', 'misses', 'refused'],
      ['2026-05-06', '0', '0', '30', '0'],
    ])
    const fhir = await report('--user', 'curious', '--from', '2026-05-04', '--until', '2026-05-06', '--format', 'fhir')
    expect((JSON.parse(fhir.out) as Bundle).entry).toHaveLength(30)
    expect((await report('--user', 'nobody', '--from', '2026-05-04', '--until', '2026-05-06')).out).toContain(
      'Nobody of this id',
    )
  })
})

describe('parts', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+44', "'+44"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' =1', "' =1"],
    ['\uFF1D1', "'\uFF1D1"],
    ['Avery', 'Avery'],
    ['a=b', 'a=b'],
  ])('a cell %j is written %j', (cell, written) => {
    expect(writeSafeCsvLine([cell])).toBe(`${written}\r\n`)
  })

  test.each([
    ['a\u001b[2Jb', 'a [2Jb'],
    ['a\r\nb', 'a b'],
    ['\u202Egnp', 'gnp'],
  ])('%j cannot move the cursor', (text, shown) => {
    expect(plain(text)).toBe(shown)
  })

  test('a record with next to nothing in it is read', () => {
    const event: AuditEvent = {
      resourceType: 'AuditEvent',
      type: { code: 'rest' },
      recorded: '2026-05-03T11:00:00.000Z',
      agent: [{ requestor: true }],
      source: { observer: { display: 'x' } },
    }
    expect(readAccess(event)).toMatchObject({ name: '', plans: [], incident: '', requestId: '' })
  })
})

function nextNumberAtStart(): string {
  return numbers.pop() ?? ''
}
