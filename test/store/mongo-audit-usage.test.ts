/** The audit summed up in the database: by person and role, with London's hours; and the alerts among it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import { auditRecord, DERBY, nhsNumber, odsCode, openTestStore, type TestStore } from '../support/test-store.ts'

const KHAN = { id: 'khan', name: 'R. Khan', roleProfileId: 'profile-1', roleCode: 'R8001', roleName: 'Nurse' }
const LEE = { id: 'lee', name: 'J. Lee', roleProfileId: 'profile-2', roleCode: 'R8003', roleName: 'Paramedic' }
const [ONE, TWO] = [nhsNumber('9990000018'), nhsNumber('9990000026')]
const PLAN = [{ type: 'EpisodeOfCare', id: 'plan-1', version: 3, owner: DERBY }]

let nth = 0
const record = (recorded: string, user: typeof KHAN, more: Partial<AuditRecord> = {}): AuditRecord => {
  const caller = { kind: 'nhs-user', clientId: 'ed', tokenId: 't', user, organization: odsCode('RCU') }
  return auditRecord(`record-${nth++}`, { recorded, caller, nhsNumber: ONE, setting: 'emergency-department', ...more })
}
const elsewhere = {
  caller: { kind: 'nhs-user', clientId: 'ed', tokenId: 't', user: KHAN, organization: odsCode('RX8') },
}
const refused = { outcome: '4' as const, status: 403, nhsNumber: undefined as never }
const stop = (recorded: string, user: typeof KHAN): AuditRecord => {
  const caller = { kind: 'server', clientId: '', tokenId: 't', user, organization: odsCode('RCU') }
  const { nhsNumber: _number, ...rest } = record(recorded, user, { operation: 'numbers-in-sequence', caller })
  return { ...rest, outcome: '4', status: 429 }
}

/** Monday 4 May 2026; London is an hour ahead of UTC. */
const RECORDS: readonly AuditRecord[] = [
  record('2026-05-04T06:59:59.999Z', KHAN, { entities: PLAN }), // 07:59 in London
  record('2026-05-04T07:00:00.000Z', KHAN),
  record('2026-05-04T16:59:59.999Z', KHAN, { nhsNumber: TWO }),
  record('2026-05-04T17:00:00.000Z', KHAN, { ...elsewhere, setting: 'walk-in-centre' }), // 18:00 in London
  record('2026-05-09T11:00:00.000Z', KHAN), // a Saturday
  (({ nhsNumber: _number, ...rest }) => rest)(record('2026-05-04T10:00:00.000Z', KHAN, refused)),
  stop('2026-05-04T10:01:00.000Z', KHAN),
  record('2026-05-04T10:00:00.000Z', { ...KHAN, roleCode: 'R8000', roleProfileId: 'profile-3' }),
  record('2026-05-04T10:00:00.000Z', LEE, { entities: PLAN }),
  // in winter London is where UTC is
  record('2026-01-05T08:00:00.000Z', LEE),
  record('2026-01-05T07:59:00.000Z', LEE),
  // not checks, and not of people
  record('2026-05-04T10:00:00.000Z', LEE, { operation: 'birth-notified' }),
  auditRecord('nobody', {
    recorded: '2026-05-04T10:00:00.000Z',
    caller: { kind: 'nobody', clientId: '', tokenId: '' },
  }),
  auditRecord('summary', {
    recorded: '2026-05-04T12:00:00.000Z',
    caller: { kind: 'nobody', clientId: '', tokenId: '' },
    outcome: '4',
    status: 401,
    count: 7,
  }),
  auditRecord('turned', {
    recorded: '2026-05-04T13:00:00.000Z',
    interaction: 'update',
    caller: { kind: 'server', clientId: '', tokenId: '' },
  }),
]
const MAY = { from: '2026-04-30T23:00:00.000Z', before: '2026-05-31T23:00:00.000Z', workingHours: [8, 18] as const }

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
  for (const one of RECORDS) await opened.store.appendAudit(one)
})
afterAll(() => opened.close())

describe('use of the register', () => {
  test('by person and job role, those with most checks first; refusals and alerts are no checks', async () => {
    const alone = {
      refused: 0,
      outOfHours: 0,
      stopped: 0,
      missAlerts: 0,
      children: 1,
      mostOfOneChild: 1,
      organizations: 1,
      settings: 1,
    }
    expect(await opened.store.read.usage(MAY)).toEqual([
      {
        user: KHAN,
        checks: 5,
        hits: 1,
        misses: 4,
        refused: 1,
        outOfHours: 3,
        stopped: 1,
        missAlerts: 0,
        children: 2,
        mostOfOneChild: 4,
        organizations: 2,
        settings: 2,
      },
      { user: { ...KHAN, roleCode: 'R8000', roleProfileId: 'profile-3' }, checks: 1, hits: 0, misses: 1, ...alone },
      { user: LEE, checks: 1, hits: 1, misses: 0, ...alone },
    ])
  })

  test('the first instant of a time is in it, the last is not', async () => {
    const query = {
      workingHours: [8, 18] as const,
      from: '2026-05-04T07:00:00.000Z',
      before: '2026-05-04T16:59:59.999Z',
      user: 'khan',
    }
    const found = await opened.store.read.usage(query)
    expect(found.map(({ checks, refused }) => [checks, refused]).sort()).toEqual([
      [1, 0],
      [1, 1],
    ])
  })

  test.each([
    ['khan', 2],
    ['profile-1', 1],
    ['profile-3', 1],
    ['nobody-of-this-name', 0],
  ])('of one person by SDS user id or role profile: %s', async (user, roles) => {
    expect(await opened.store.read.usage({ ...MAY, user })).toHaveLength(roles)
  })

  test.each([
    [
      '2026-01-01T00:00:00.000Z',
      '2026-02-01T00:00:00.000Z',
      [
        ['2026-01-05', 7, 1],
        ['2026-01-05', 8, 1],
      ],
    ],
    ['2026-05-01T00:00:00.000Z', '2026-06-01T00:00:00.000Z', [['2026-05-04', 11, 1]]],
  ] as const)('by the hour of London, in winter and in summer: from %s', async (from, before, hours) => {
    const found = await opened.store.read.usageByHour({ ...MAY, from, before, user: 'lee' })
    expect(found.map(({ day, hour, hits, misses }) => [day, hour, hits + misses])).toEqual(hours)
  })

  test('refusals have their hour too', async () => {
    const found = await opened.store.read.usageByHour({ ...MAY, user: 'profile-1' })
    expect(found.find(({ hour }) => hour === 11)).toEqual({
      day: '2026-05-04',
      hour: 11,
      hits: 0,
      misses: 0,
      refused: 1,
    })
  })

  test('an operator in place of a name finds nobody', async () => {
    const user = { $ne: '' } as unknown as string
    expect(await opened.store.read.usage({ ...MAY, user })).toEqual([])
  })
})

describe('alerts', () => {
  const idsOf = (records: readonly AuditRecord[]): readonly string[] => records.map(({ id }) => id)

  test('are what the server raised and what was summed up, newest first; its work of the day is none', async () => {
    const found = await opened.store.read.alerts({ limit: 10 })
    expect(found.map(({ operation, count }) => count ?? operation)).toEqual([7, 'numbers-in-sequence'])
  })

  test('in pages, and from an instant on', async () => {
    const [first] = await opened.store.read.alerts({ limit: 1 })
    const rest = await opened.store.read.alerts({ limit: 5, after: [first?.recorded ?? '', first?.id ?? ''] })
    expect(rest).toHaveLength(1)
    expect(idsOf(await opened.store.read.alerts({ limit: 5, from: '2026-05-04T11:00:00.000Z' }))).toEqual(['summary'])
  })
})

describe('a claim', () => {
  test('is forgotten once, and may be made again', async () => {
    const until = new Date('2026-06-01T00:00:00.000Z')
    expect(await opened.store.claim('kind', 'text', until)).toBe(true)
    expect([await opened.store.unclaim('kind', 'text'), await opened.store.unclaim('kind', 'text')]).toEqual([
      true,
      false,
    ])
    expect(await opened.store.claims('kind')).toEqual([])
    expect(await opened.store.claim('kind', 'text', until)).toBe(true)
  })
})
