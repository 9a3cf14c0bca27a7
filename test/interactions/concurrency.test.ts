/** Many callers at once on one thing: exactly one wins, nobody gets a 5xx while the line moves (R13, R15; R4 http.html#ccreate, #cond-update). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { LA_SYSTEM, NHS, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'
const ROUNDS = 50
const CALLERS = 16

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await server.token(LA)
})
afterAll(() => server.close())

const atOnce = (send: (caller: number) => Promise<TestAnswer>) =>
  Promise.all(Array.from({ length: CALLERS }, (_, caller) => send(caller)))

/** Statuses that no caller may get. */
const strangeIn = (answers: readonly TestAnswer[]): readonly number[] =>
  answers.map((one) => one.status).filter((one) => ![200, 201, 412].includes(one))

/** Ten digits of the test range with their check digit; numbers whose check value is 10 are passed over. */
function* numbers(): Generator<string> {
  for (let at = 0; ; at += 1) {
    const nine = `999${String(100_000 + at * 7)}`
    const sum = [...nine].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0)
    const check = (11 - (sum % 11)) % 11
    if (check < 10) yield `${nine}${check}`
  }
}
const fresh = numbers()
const nextNumber = (): string => fresh.next().value ?? ''

async function countOf(type: string, form: Record<string, string>): Promise<number | undefined> {
  return bundleOf(await server.send({ as: LA, path: `${type}/_search`, form: { ...form, _summary: 'count' } })).total
}

describe(`${ROUNDS} rounds of ${CALLERS} callers`, () => {
  test('R15 conditional creates of one plan: one is created, the others find it', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const plan = planOf({ identifier: `once-${round}`, nhsNumber: nextNumber() })
      const headers = { 'If-None-Exist': `identifier=${LA_SYSTEM}|once-${round}` }
      const answers = await atOnce(() => server.send({ as: LA, path: 'EpisodeOfCare', body: plan, headers }))
      const statuses = answers.map((one) => one.status)
      expect([round, statuses.filter((one) => one === 201).length]).toEqual([round, 1])
      expect(strangeIn(answers)).toEqual([])
      expect(await countOf('EpisodeOfCare', { identifier: `${LA_SYSTEM}|once-${round}` })).toBe(1)
    }
  }, 120_000)

  test('R15 conditional creates of one Patient, half of them inside transactions: one is created', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const nhsNumber = nextNumber()
      const patient = patientOf({ nhsNumber, birthDate: '2018-01-01' })
      const condition = `identifier=${NHS}|${nhsNumber}`
      const alone = () =>
        server.send({ as: LA, path: 'Patient', body: patient, headers: { 'If-None-Exist': condition } })
      const within = () =>
        server.send({
          as: LA,
          body: transactionOf([{ url: 'Patient', resource: patient, more: { ifNoneExist: condition } }]),
        })
      const answers = await atOnce((caller) => (caller % 2 === 0 ? alone() : within()))
      expect(strangeIn(answers)).toEqual([])
      expect(await countOf('Patient', { identifier: `${NHS}|${nhsNumber}` })).toBe(1)
    }
  }, 120_000)
})

test('updates of one plan without If-Match all succeed in some order; with the same If-Match exactly one does', async () => {
  const plan = planOf({ identifier: 'busy', nhsNumber: nextNumber() })
  const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: plan })
  const id = made.headers.get('location')?.split('/').at(-3)
  const put = (end: number, month: string, headers: Record<string, string> = {}) => {
    const period = { start: '2026-04-01', end: `2026-${month}-${String(10 + end)}` }
    return server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare/${id}`, body: { ...plan, id, period }, headers })
  }
  const free = await atOnce((caller) => put(caller, '05'))
  expect(free.map((one) => one.status)).toEqual(Array(CALLERS).fill(200))
  expect(new Set(free.map((one) => one.headers.get('etag'))).size).toBe(CALLERS)
  const bound = await atOnce((caller) => put(caller, '06', { 'If-Match': `W/"${CALLERS + 1}"` }))
  expect(bound.map((one) => one.status).sort()).toEqual([200, ...Array(CALLERS - 1).fill(412)])
})
