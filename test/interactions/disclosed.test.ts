/** AuditEvent/[id]/$disclosed over real HTTP: what the NHS saw at a time is told after everything has changed, to an auditor alone, and that is recorded. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, BundleEntry, EpisodeOfCare } from '@medplum/fhirtypes'
import { MongoClient } from 'mongodb'
import { planOf } from '../support/plans.ts'
import {
  bundleOf,
  issuesOf,
  resourceOf,
  sendCheck,
  startTestServer,
  type TestAnswer,
  type TestServer,
} from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'

const LA = 'la-E10000007'
let server: TestServer
const numbers = [...unrelatedNumbers(20)]
beforeAll(async () => {
  server = await startTestServer()
}, 60_000)
afterAll(() => server.close())

const nextNumber = (): string => numbers.pop() ?? ''
const file = async (nhsNumber: string, as = LA, type?: 'UCPP'): Promise<EpisodeOfCare> => {
  const body = planOf({ nhsNumber, identifier: randomUUID(), ...(type === undefined ? {} : { type }) })
  return resourceOf(await server.send({ as, path: 'EpisodeOfCare', body }), 'EpisodeOfCare')
}
const auditIdOf = (bundle: Bundle): string => (bundle.identifier?.value ?? '').replace('urn:uuid:', '')
const disclosed = (id: string, as = 'auditor'): Promise<TestAnswer> =>
  server.send({ as, path: `AuditEvent/${id}/$disclosed` })
/** All but the history of accesses and the words, which the operation leaves out or may say anew. */
const shown = (bundle: Bundle): readonly BundleEntry[] =>
  (bundle.entry ?? []).filter(
    ({ resource }) => resource?.resourceType === 'Flag' || resource?.resourceType === 'EpisodeOfCare',
  )

test('what was shown then is told after the plan was changed, ended, withdrawn and deleted', async () => {
  const number = nextNumber()
  const plan = await file(number)
  const other = await file(number, 'la-E10000024')
  const first = bundleOf(await sendCheck(server, number))
  const path = `EpisodeOfCare/${plan.id}`
  const ended = { ...plan, period: { ...plan.period, end: '2026-05-01' }, status: 'finished' }
  expect((await server.send({ as: LA, method: 'PUT', path, body: ended })).status).toBe(200)
  server.setNow('2026-05-04T11:00:00.000Z')
  const second = bundleOf(await sendCheck(server, number))
  expect(
    (await server.send({ as: LA, method: 'PUT', path, body: { ...ended, status: 'entered-in-error' } })).status,
  ).toBe(200)
  const third = bundleOf(await sendCheck(server, number))
  expect((await server.send({ as: LA, method: 'DELETE', path })).status).toBe(204)
  expect((await server.send({ as: 'la-E10000024', method: 'DELETE', path: `EpisodeOfCare/${other.id}` })).status).toBe(
    204,
  )
  server.setNow('2026-09-01T11:00:00.000Z')
  const nothing = bundleOf(await sendCheck(server, number))
  for (const [then, total] of [
    [first, 2],
    [second, 2],
    [third, 1],
    [nothing, 0],
  ] as const) {
    const now = bundleOf(await disclosed(auditIdOf(then)))
    expect(now.total).toBe(total)
    expect(shown(now)).toEqual(shown(then))
    expect([now.identifier, now.timestamp, now.type]).toEqual([then.identifier, then.timestamp, then.type])
  }
})

test('R23 R24 a plan under a replaced number, and the plan of the mother, are told as they were shown: never her number', async () => {
  const [old, fresh, mother, baby] = [nextNumber(), nextNumber(), nextNumber(), nextNumber()]
  server.setNow('2026-05-03T11:00:00.000Z')
  await file(old)
  await file(mother, LA, 'UCPP')
  const parameter = (name: string, value: string): object => ({
    name,
    valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value },
  })
  const notify = (operation: string, ...parameters: readonly object[]): Promise<TestAnswer> =>
    server.send({
      as: 'number-feed',
      path: `Patient/$${operation}`,
      body: { resourceType: 'Parameters', parameter: parameters },
    })
  await notify('number-changed', parameter('from', old), parameter('to', fresh), {
    name: 'reason',
    valueCode: 'superseded',
  })
  await notify('birth-notified', parameter('mother', mother), parameter('baby', baby), {
    name: 'birthDate',
    valueDate: '2026-05-01',
  })
  for (const [number, strange] of [
    [fresh, old],
    [baby, mother],
  ] as const) {
    const then = bundleOf(await sendCheck(server, number))
    const answer = await disclosed(auditIdOf(then))
    expect(shown(bundleOf(answer))).toEqual(shown(then))
    expect(shown(then)).toHaveLength(2)
    expect(answer.text).not.toContain(strange)
  }
})

/** What a retention command of the database may do one day. */
async function forget(id: string): Promise<number> {
  const { mongodbUrl = '', mongodbDatabase } = server.context.config
  const client = new MongoClient(mongodbUrl)
  try {
    return (await client.db(mongodbDatabase).collection('episodesOfCareHistory').deleteMany({ id })).deletedCount
  } finally {
    await client.close()
  }
}

describe('refused', () => {
  test.each(['ed-nurse', 'midwife', LA, 'receiver-E10000007', 'number-feed', 'administrator'])('%s', async (as) => {
    const id = auditIdOf(bundleOf(await sendCheck(server, nextNumber())))
    const answer = await disclosed(id, as)
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([403, 'NOT_PERMITTED'])
  })

  test('an unknown record, one of no check, and parameters', async () => {
    const absent = await disclosed(randomUUID())
    const plan = await file(nextNumber())
    const found = bundleOf(
      await server.send({ as: 'auditor', path: `AuditEvent?date=ge2026-01-01&entity=EpisodeOfCare/${plan.id}` }),
    )
    const write = await disclosed(found.entry?.[0]?.resource?.id ?? '')
    const asked = await server.send({ as: 'auditor', path: `AuditEvent/${randomUUID()}/$disclosed?at=2026` })
    expect([absent, write, asked].map((one) => [one.status, issuesOf(one)[0]?.code])).toEqual([
      [404, 'NOT_FOUND'],
      [422, 'NOTHING_TO_SHOW'],
      [400, 'UNKNOWN_PARAMETER'],
    ])
  })

  test('a version that is no longer held: nothing in place of a part', async () => {
    const number = nextNumber()
    const plan = await file(number)
    await file(number, 'la-E10000024')
    const id = auditIdOf(bundleOf(await sendCheck(server, number)))
    expect(await forget(plan.id ?? '')).toBe(1)
    const answer = await disclosed(id)
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([410, 'GONE'])
  })
})

test('each time is recorded with the child, and found by its number', async () => {
  const number = nextNumber()
  const id = auditIdOf(bundleOf(await sendCheck(server, number)))
  await disclosed(id)
  const form = {
    'patient:identifier': `https://fhir.nhs.uk/Id/nhs-number|${number}`,
    date: 'ge2026-01-01',
    subtype: 'disclosed',
  }
  const found = bundleOf(await server.send({ as: 'auditor', path: 'AuditEvent/_search', form }))
  expect(found.entry).toHaveLength(1)
  expect(found.entry?.[0]?.resource).toMatchObject({
    outcome: '0',
    agent: expect.arrayContaining([expect.objectContaining({ altId: expect.any(String), requestor: true })]),
  })
})
