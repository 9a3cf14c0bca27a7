/** `cpis listen --recover` against a whole server and a way that loses notifications: what never came is asked for and stands in its place. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildGuardedFetch, type GuardedFetch } from '../../src/delivery/guarded-fetch.ts'
import { consoleOf } from '../support/console.ts'
import { patientOf, planOf, transactionOf } from '../support/plans.ts'
import { sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

/** Numbers of events that something on the way takes with a 200 and loses. */
const LOST = new Set<number>()
const through = buildGuardedFetch({ mode: 'sandbox' })
const losing: GuardedFetch = (request) => {
  const number = Number(/"event-number","valueString":"(\d+)"/.exec(String(request.body))?.[1])
  return LOST.has(number) ? Promise.resolve({ status: 200, headers: {}, body: '' }) : through(request)
}

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ overrides: { fetch: losing } })
  await fileChild('9998450055', 'Sample')
})
const stops: (() => void)[] = []
afterAll(async () => {
  for (const stop of stops) stop()
  await server.close()
})

async function fileChild(nhsNumber: string, family: string): Promise<void> {
  const child = 'urn:uuid:6d1f9a3e-0a77-4e8b-9f5e-0d8c6d1b2a11'
  const entries = [
    { fullUrl: child, resource: patientOf({ nhsNumber, family, birthDate: '2018-02-03' }), url: 'Patient' },
    { resource: planOf({ patient: child }), url: 'EpisodeOfCare' },
  ]
  const answer = await server.send({ as: 'la-E10000007', body: transactionOf(entries) })
  expect(answer.status).toBe(200)
}

async function listen(...more: readonly string[]) {
  const console = consoleOf(server)
  stops.push(console.stop)
  const ended = console.run('listen', '--authority', 'E10000007', ...more)
  await waitFor('the listener', () => console.err().includes('Listening for'))
  return { ...console, ended }
}
/** Unscheduled settings: each is told. */
const ASKERS = ['ed-nurse', 'call-handler-111', 'paramedic', 'gp-out-of-hours', 'paediatric-ward-nurse'] as const
const SETTINGS = ['emergency-department', 'nhs-111', 'ambulance', 'gp-out-of-hours', 'paediatric-ward']

async function checkAll(): Promise<void> {
  for (const [nth, as] of ASKERS.entries()) {
    const answer = await sendCheck(server, '9998450055', { as, setting: SETTINGS[nth] ?? '' })
    expect([as, answer.status]).toEqual([as, 200])
  }
}
const linesOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')

describe('of five events the second, third and fourth are lost', () => {
  test('without --recover they are only missed', async () => {
    for (const number of [2, 3, 4]) LOST.add(number)
    const listening = await listen()
    await checkAll()
    await waitFor('the last', () => linesOf(listening.out()).length === 2)
    expect(listening.err()).toContain('Events 2 to 4 never came: look for them, or listen with --recover.')
    listening.stop()
    expect(await listening.ended).toBe(0)
  })

  test('with --recover they are printed in their place and marked', async () => {
    server.setNow('2026-05-10T11:00:00.000Z')
    const listening = await listen('--recover')
    await checkAll()
    await waitFor('all five', () => linesOf(listening.out()).length === 5)
    const lines = linesOf(listening.out())
    expect(lines.map((line) => /\(event (\d), recovered\)$/.exec(line)?.[1])).toEqual([
      undefined,
      '2',
      '3',
      '4',
      undefined,
    ])
    for (const [nth, name] of ['R. Khan', 'S. Begum', 'J. Pritchard', 'F. Rahman', 'T. Okafor'].entries()) {
      expect(lines[nth]).toContain(name)
    }
    expect(listening.err()).toContain('Events 2 to 4 never came: asking for them.')
    listening.stop()
    expect(await listening.ended).toBe(0)
  })

  test('as JSON each says whether it was recovered', async () => {
    server.setNow('2026-05-17T11:00:00.000Z')
    const listening = await listen('--recover', '--json')
    await checkAll()
    await waitFor('all five', () => linesOf(listening.out()).length === 5)
    const told = linesOf(listening.out()).map((line) => JSON.parse(line) as { event: number; recovered?: boolean })
    expect(told.map((one) => [one.event, one.recovered === true])).toEqual([
      [1, false],
      [2, true],
      [3, true],
      [4, true],
      [5, false],
    ])
    listening.stop()
    expect(await listening.ended).toBe(0)
  })
})

test('an event about a plan alone is a line as well', async () => {
  LOST.clear()
  const listening = await listen('--topic', 'nhs-number-missing')
  const made = await server.send({
    as: 'la-E10000007',
    path: 'Patient',
    body: patientOf({ local: 'c7', family: 'Parked' }),
  })
  const patient = `Patient/${(made.json as { id: string }).id}`
  await server.send({ as: 'la-E10000007', path: 'EpisodeOfCare', body: planOf({ patient }) })
  await waitFor('the line', () => listening.out() !== '')
  expect(listening.out()).toMatch(/^12:00 A\. Parked — plan open since 1 April: has no NHS number: .+\n$/)
  listening.stop()
  expect(await listening.ended).toBe(0)
})
