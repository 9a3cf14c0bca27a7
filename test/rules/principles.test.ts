/** The over-riding principles through real HTTP (register.md P1, P2, P4): what happens when something is wrong. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Db, MongoClient } from 'mongodb'
import { DERBYSHIRE, openRulesWorld, type RulesWorld, resourceOfPlan } from '../support/rules-world.ts'
import { issuesOf, sendCheck } from '../support/server.ts'

let world: RulesWorld
let client: MongoClient
let database: Db
beforeAll(async () => {
  world = await openRulesWorld()
  const { mongodbUrl = '', mongodbDatabase } = world.server.context.config
  client = await MongoClient.connect(mongodbUrl)
  database = client.db(mongodbDatabase)
})
afterAll(async () => {
  await client.close()
  await world.close()
})

describe('P1 no false "no"', () => {
  test('P1 a check that begins after a plan was acknowledged shows it, also while others are filed and checked', async () => {
    world.at('2026-05-03 10:00')
    const numbers = Array.from({ length: 24 }, () => world.newNumber())
    const totals = await Promise.all(
      numbers.map(async (nhsNumber) => {
        await world.filed({ nhsNumber })
        return (await world.check(nhsNumber)).total
      }),
    )
    expect(totals).toEqual(numbers.map(() => 1))
  })

  test('P1 a stored plan that cannot be understood is 503 with Retry-After, never "nothing known"', async () => {
    world.at('2026-05-03 10:00')
    const nhsNumber = world.newNumber()
    const id = await world.filed({ nhsNumber })
    await plans().updateOne({ _id: id }, { $unset: { start: '' } })
    const answer = await sendCheck(world.server, nhsNumber)
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([503, 'UNAVAILABLE'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.text).not.toMatch(/NOTHING_KNOWN|assurance/)
    await plans().updateOne({ _id: id }, { $set: { start: '2026-04-01' } })
    expect((await world.check(nhsNumber)).total).toBe(1)
  })
})

const plans = () => database.collection<{ _id: string }>('episodesOfCare')

describe('P2 nothing is disclosed that is not recorded', () => {
  test.each(['auditEvents', 'events', 'accesses'])(
    'P2 when the database refuses what belongs into %s, nothing leaves and nothing of the check stays',
    async (collection) => {
      world.at('2026-05-03 10:00')
      const nhsNumber = world.newNumber()
      const id = await world.filed({ nhsNumber, identifier: `p2-${collection}` })
      const before = await counts()
      await database.command({ collMod: collection, validator: { never: true } })
      const answer = await sendCheck(world.server, nhsNumber)
      await database.command({ collMod: collection, validator: {} })
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(answer.text).not.toContain(id)
      expect(answer.text).not.toContain('Derbyshire')
      const after = await counts()
      expect([after.events, after.accesses]).toEqual([before.events, before.accesses])
      const seen = await world.check(nhsNumber)
      expect([seen.total, seen.history]).toEqual([1, []])
    },
  )

  async function counts(): Promise<{ events: number; accesses: number }> {
    const [events, accesses] = ['events', 'accesses'].map((one) => database.collection(one).countDocuments())
    return { events: (await events) ?? 0, accesses: (await accesses) ?? 0 }
  }
})

test('P4 a small mistake makes no child invisible: what is plain is taken, and each gap is said', async () => {
  world.at('2026-05-03 10:00')
  const nhsNumber = world.newNumber()
  const plan = resourceOfPlan({
    nhsNumber: nhsNumber.replace(/(...)(...)(....)/, '$1 $2 $3'),
    type: 'LAC',
    status: 'planned',
    start: '2026-04-30T23:30:00Z',
  })
  const answer = await world.server.send({
    as: `la-${DERBYSHIRE}`,
    path: 'EpisodeOfCare',
    body: {
      ...plan,
      meta: { profile: ['https://example.org/another'] },
      text: { status: 'empty', div: '<div xmlns="http://www.w3.org/1999/xhtml"/>' },
    },
    headers: { Prefer: 'return=OperationOutcome' },
  })
  expect(answer.status).toBe(201)
  const said = issuesOf(answer)
  expect(said.every((one) => one.severity !== 'error')).toBe(true)
  expect(said.map((one) => one.code)).toEqual(
    expect.arrayContaining(['STATUS_CORRECTED', 'LEGAL_BASIS_MISSING', 'BIRTH_DATE_MISSING', 'NOT_HELD']),
  )
  expect((await world.look(nhsNumber)).plans).toMatchObject([{ type: 'LAC', start: '2026-05-01', caseStatus: 'open' }])
})
