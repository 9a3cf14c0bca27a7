/** `$number-changed` through real HTTP and a real database: refusals first, then who finds what under which number, who is told, and that one child has one history (R23). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { AuditEvent, EpisodeOfCare } from '@medplum/fhirtypes'
import { MongoClient } from 'mongodb'
import type { AuthorityCode, NhsNumber } from '../../src/domain/brands.ts'
import {
  identifierPart,
  numberChangedOf,
  parametersOf,
  type Reason,
  sendNumberChanged,
} from '../support/number-notices.ts'
import { patientOf } from '../support/plans.ts'
import {
  DERBYSHIRE,
  LUTON,
  openRulesWorld,
  type RulesWorld,
  resourceOfPlan,
  type Seen,
} from '../support/rules-world.ts'
import { bundleOf, issuesOf, resourceOf, type TestAnswer } from '../support/server.ts'

const NEW_NUMBER = 'https://cpis.example/fhir/StructureDefinition/cpis-new-number'
const PATH = 'Patient/$number-changed'
const DONE = [{ code: 'SUCCESS', at: undefined, severity: 'information' }]

let world: RulesWorld
beforeAll(async () => {
  world = await openRulesWorld()
})
afterAll(() => world.close())
beforeEach(() => world.at('2026-05-03 12:00'))

const change = (from: string, reason: Reason, to?: string): Promise<TestAnswer> =>
  sendNumberChanged(world.server, { from, reason, ...(to === undefined ? {} : { to }) })

/** A notice that must be taken. */
async function changed(from: string, reason: Reason, to?: string): Promise<void> {
  const answer = await change(from, reason, to)
  expect([answer.status, issuesOf(answer)]).toEqual([200, DONE])
}

const numbers = (count: number): string[] => Array.from({ length: count }, () => world.newNumber())
const idsOf = (seen: Seen): string[] => seen.plans.map((one) => one.id).sort()
const found = async (number: string): Promise<string[]> => idsOf(await world.look(number))
const newNumberOf = (plan: EpisodeOfCare): string | undefined =>
  plan.extension?.find((one) => one.url === NEW_NUMBER)?.valueIdentifier?.value
const told = async (...ids: string[]): Promise<readonly (readonly [AuthorityCode, string | undefined])[]> =>
  (await world.events(...ids))
    .filter((one) => one.topic === 'nhs-number-superseded')
    .map((one) => [one.authority, one.plans[0]?.id])
const legsOf = (seen: Seen): (readonly [string | undefined, number | undefined])[] =>
  seen.history.map((one: AuditEvent) => {
    const parts = one.extension?.find((extension) => extension.url.endsWith('cpis-incident'))?.extension ?? []
    return [
      parts.find((part) => part.url === 'id')?.valueString ?? parts.find((part) => part.url === 'id')?.valueId,
      parts.find((part) => part.url === 'leg')?.valuePositiveInt,
    ]
  })
const audits = () => world.server.context.store.read.audits({ from: '2026-01-01T00:00:00Z', limit: 500 })

describe('R23 refusals name code and place, repeat no number and change nothing', () => {
  const good = '9994579657'
  const other = '9997526694'
  const cases: readonly [string, unknown, number, string, string | undefined][] = [
    ['R1 a wrong check digit', numberChangedOf('9995973953', 'invalid'), 400, 'INVALID_NHS_NUMBER', '[0].value.value'],
    [
      'R1 a real number in a sandbox',
      numberChangedOf('9434765919', 'invalid'),
      400,
      'TEST_NUMBER_REQUIRED',
      '[0].value.value',
    ],
    [
      'R1 a wrong new number',
      numberChangedOf(good, 'superseded', '9990000000'),
      400,
      'INVALID_NHS_NUMBER',
      '[1].value.value',
    ],
    ['superseded by nothing', numberChangedOf(good, 'superseded'), 400, 'MISSING_PARAMETER', ''],
    ['invalid, with a new number', numberChangedOf(good, 'invalid', other), 400, 'INVALID_PARAMETER', '[1].value'],
    ['an unknown reason', numberChangedOf(good, 'whim', other), 400, 'INVALID_PARAMETER', '[2].value'],
    ['no reason', parametersOf(identifierPart('from', good)), 400, 'MISSING_PARAMETER', ''],
    ['no old number', parametersOf({ name: 'reason', valueCode: 'invalid' }), 400, 'MISSING_PARAMETER', ''],
    [
      'two old numbers',
      parametersOf(identifierPart('from', good), identifierPart('from', other), {
        name: 'reason',
        valueCode: 'invalid',
      }),
      400,
      'INVALID_PARAMETER',
      '[1]',
    ],
    [
      'a parameter of another operation',
      parametersOf(identifierPart('from', good), identifierPart('baby', other), {
        name: 'reason',
        valueCode: 'invalid',
      }),
      400,
      'UNKNOWN_PARAMETER',
      '[1].name',
    ],
    ['an operator in place of the number', operatorBody(), 400, 'UNKNOWN_ELEMENT', undefined],
    ['a number replaced by itself', numberChangedOf(good, 'superseded', good), 409, 'IDENTITY_LOOP', '[1].value'],
    ['a Patient', patientOf({ nhsNumber: good }), 400, 'INVALID_PARAMETER', undefined],
  ]
  test.each(cases)('%s', async (_name, body, status, code, place) => {
    const answer = await world.server.send({ as: 'number-feed', path: PATH, body })
    const [first] = issuesOf(answer)
    expect({ status: answer.status, code: first?.code }).toEqual({ status, code })
    if (place !== undefined) expect(first?.at).toBe(`Parameters.parameter${place}`)
    for (const number of [good, other, '9995973953', '9434765919']) expect(answer.text).not.toContain(number)
    const requestId = answer.headers.get('x-request-id')
    const record = (await audits()).find((one) => one.requestId === requestId)
    expect(record).toMatchObject({ status, codes: [code], outcome: '4' })
  })

  test('all faults at once', async () => {
    const answer = await world.server.send({
      as: 'number-feed',
      path: PATH,
      body: numberChangedOf('123', 'whim', '456'),
    })
    expect(issuesOf(answer).map((one) => one.at)).toEqual([
      'Parameters.parameter[0].value.value',
      'Parameters.parameter[1].value.value',
      'Parameters.parameter[2].value',
    ])
  })

  test.each([
    ['an NHS user', 'ed-nurse', 403],
    ['a midwife', 'midwife', 403],
    ['a council', `la-${DERBYSHIRE}`, 403],
    ['nobody', undefined, 401],
  ])('%s may not say so', async (_name, as, status) => {
    const body = numberChangedOf(good, 'invalid')
    const answer = await world.server.send({ path: PATH, body, ...(as === undefined ? {} : { as }) })
    expect(answer.status).toBe(status)
  })

  test('GET is 405', async () => {
    const answer = await world.server.send({ as: 'number-feed', path: PATH })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })
})

function operatorBody(): unknown {
  const from = { name: 'from', valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: { $gt: '' } } }
  return { resourceType: 'Parameters', parameter: [{ ...from, valueIdentifier: { ...from.valueIdentifier, $ne: 1 } }] }
}

describe('R23 a number that was replaced', () => {
  test('finds under either number what is filed under either, of all authorities; an answer carries only the number sent', async () => {
    const [a = '', b = ''] = numbers(2)
    const old = await world.filed({ nhsNumber: a })
    const fresh = await world.filed({ nhsNumber: b, type: 'LAC', by: LUTON })
    expect([await found(a), await found(b)]).toEqual([[old], [fresh]])
    await changed(a, 'superseded', b)
    const under = [await world.look(a), await world.look(b)]
    expect(under.map(idsOf)).toEqual([[old, fresh].sort(), [old, fresh].sort()])
    expect(under.map(({ text }) => [text.includes(a), text.includes(b)])).toEqual([
      [true, false],
      [false, true],
    ])
  })

  const orders: readonly (readonly (readonly [number, number])[])[] = [
    [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
    [
      [2, 3],
      [1, 2],
      [0, 1],
    ],
    [
      [0, 1],
      [2, 3],
      [1, 2],
    ],
    [
      [1, 2],
      [0, 1],
      [2, 3],
    ],
  ]
  test.each(orders.map((order) => [JSON.stringify(order), order] as const))(
    'chains are followed, in whatever order they were notified: %s',
    async (_name, order) => {
      const chain = numbers(4)
      const plans: string[] = []
      for (const nhsNumber of chain) plans.push(await world.filed({ nhsNumber }))
      for (const [from, to] of order) await changed(chain[from] ?? '', 'superseded', chain[to] ?? '')
      for (const number of chain) expect(await found(number)).toEqual([...plans].sort())
      const said = await Promise.all(plans.map(async (id) => newNumberOf(await world.plan(id))))
      expect(said).toEqual([chain[3], chain[3], chain[3], undefined])
      // one child, whichever number is used
      const checks: Seen[] = []
      for (const [nth, number] of chain.entries()) {
        world.at(`2026-05-03 12:0${nth + 1}`)
        checks.push(await world.check(number))
      }
      const last = await world.check(chain[0] ?? '')
      expect(last.history.map((one) => one.id)).toEqual(checks.map((one) => one.auditId).reverse())
      expect(legsOf(last).map(([, leg]) => leg)).toEqual([4, 3, 2, 1])
      expect(new Set(legsOf(last).map(([id]) => id)).size).toBe(1)
    },
  )

  test('two numbers may be replaced by one', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const plans = [await world.filed({ nhsNumber: a }), await world.filed({ nhsNumber: b })]
    await changed(a, 'superseded', c)
    await changed(b, 'superseded', c)
    for (const number of [a, b, c]) expect(await found(number)).toEqual([...plans].sort())
  })

  test('a circle is refused, however long, and changes nothing', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    await changed(b, 'superseded', c)
    for (const from of [b, c]) {
      const answer = await change(from, 'superseded', a)
      expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([409, 'IDENTITY_LOOP'])
    }
    expect([await found(a), await found(b), await found(c)]).toEqual([[plan], [plan], [plan]])
  })

  test('circles that are notified at once: one notice is refused', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const answers = await Promise.all([
      change(a, 'superseded', b),
      change(b, 'superseded', c),
      change(c, 'superseded', a),
    ])
    expect(answers.map((one) => one.status).sort()).toEqual([200, 200, 409])
  })

  test('each authority with a visible plan under the old number is told at once, reads the new number, and its plan gets no new version', async () => {
    const [a = '', b = ''] = numbers(2)
    const open = await world.filed({ nhsNumber: a })
    const others = await world.filed({ nhsNumber: a, by: LUTON })
    const ended = await world.filed({ nhsNumber: a, type: 'LAC', start: '2020-01-01', end: '2024-01-01' })
    const fresh = await world.filed({ nhsNumber: b, type: 'LAC', by: LUTON })
    await changed(a, 'superseded', b)
    expect([...(await told(open, others, ended, fresh))].sort()).toEqual([
      [LUTON, others],
      [DERBYSHIRE, open],
    ])
    const read = await world.plan(open)
    expect([read.meta?.versionId, newNumberOf(read)]).toEqual(['1', b])
    expect(newNumberOf(await world.plan(fresh, LUTON))).toBeUndefined()
  })

  test('R21 R22 the incidents of both numbers are of one child: the later goes on, both count', async () => {
    const [a = '', b = ''] = numbers(2)
    await world.filed({ nhsNumber: a })
    await world.filed({ nhsNumber: b, by: LUTON })
    await world.check(a)
    world.at('2026-05-03 12:30')
    await world.check(b)
    await changed(a, 'superseded', b)
    world.at('2026-05-03 13:00')
    await world.check(a)
    const legs = legsOf(await world.look(b))
    expect(legs.map(([, leg]) => leg)).toEqual([2, 1, 1])
    expect(legs[0]?.[0]).toBe(legs[1]?.[0])
    const of = { nhsNumber: a as NhsNumber, from: '2026-05-03T12:00:00.000Z', limit: 1 }
    const [record] = await world.server.context.store.read.audits(of)
    expect(record?.incident).toMatchObject({ leg: 2, inSixMonths: 2 })
  })

  test('the same notice again changes nothing and tells nobody', async () => {
    const [a = '', b = ''] = numbers(2)
    const plan = await world.filed({ nhsNumber: a })
    for (let n = 0; n < 3; n++) await changed(a, 'superseded', b)
    expect(await told(plan)).toHaveLength(1)
  })

  test('a longer chain is told again, with its last number', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    await changed(b, 'superseded', c)
    expect(await told(plan)).toHaveLength(2)
    expect(newNumberOf(await world.plan(plan))).toBe(c)
  })

  test('a later notice takes the place of an earlier one', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    await changed(a, 'superseded', c)
    expect([await found(a), await found(b), await found(c)]).toEqual([[plan], [], [plan]])
    expect(newNumberOf(await world.plan(plan))).toBe(c)
  })

  test('the answer does not tell whether anything is known', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    await world.filed({ nhsNumber: a })
    const answers = [
      await change(a, 'superseded', b),
      await change(c, 'superseded', world.newNumber()),
      await change(a, 'superseded', b),
      await change(world.newNumber(), 'invalid'),
      await change(world.newNumber(), 'correction'),
    ]
    expect(new Set(answers.map((one) => `${one.status} ${one.text}`)).size).toBe(1)
  })

  test('numbers are taken in 3-3-4 form', async () => {
    const [a = '', b = ''] = numbers(2)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a.replace(/^(...)(...)/, '$1 $2 '), 'superseded', b.replace(/^(...)(...)/, '$1 $2 '))
    expect(await found(b)).toEqual([plan])
  })
})

describe('R23 filing under a replaced number', () => {
  test('warns, tells the authority, and ends with filing under the new one', async () => {
    const [a = '', b = ''] = numbers(2)
    await changed(a, 'superseded', b)
    const headers = { Prefer: 'return=OperationOutcome' }
    const sent = { identifier: `refiled-${a}`, nhsNumber: a }
    const answer = await world.server.send({
      as: `la-${DERBYSHIRE}`,
      path: 'EpisodeOfCare',
      body: resourceOfPlan(sent),
      headers,
    })
    expect(issuesOf(answer)).toContainEqual({
      code: 'NUMBER_SUPERSEDED',
      at: 'EpisodeOfCare.patient',
      severity: 'warning',
    })
    const id = /EpisodeOfCare\/([^/]+)/.exec(answer.headers.get('location') ?? '')?.[1] ?? ''
    expect(await told(id)).toEqual([[DERBYSHIRE, id]])
    // nothing new: not told again
    await world.change(id, { ...sent, end: '2026-12-01' })
    expect([await told(id), newNumberOf(await world.plan(id))]).toEqual([[[DERBYSHIRE, id]], b])
    // what it reads it may send back
    const read = await world.plan(id)
    const back = resourceOf(await world.send(read), 'EpisodeOfCare')
    expect([back.meta?.versionId, newNumberOf(back)]).toEqual(['2', b])
    const refiled = await world.change(id, { ...sent, nhsNumber: b })
    expect(newNumberOf(resourceOf(refiled, 'EpisodeOfCare'))).toBeUndefined()
    expect(newNumberOf(await world.plan(id))).toBeUndefined()
    expect([await found(a), await found(b)]).toEqual([[id], [id]])
    expect(await told(id)).toHaveLength(1)
  })

  test('R8 a number that arrives through the Patient is judged the same', async () => {
    const [a = '', b = ''] = numbers(2)
    await changed(a, 'superseded', b)
    const patient = resourceOf(await world.send(patientOf({ local: `local-${a}` })), 'Patient')
    const plan = await world.filed({ patient: `Patient/${patient.id}` })
    await world.send({ ...patientOf({ local: `local-${a}`, nhsNumber: a }), id: patient.id })
    expect([newNumberOf(await world.plan(plan)), await told(plan), await found(b)]).toEqual([
      b,
      [[DERBYSHIRE, plan]],
      [plan],
    ])
    await world.send({ ...patientOf({ local: `local-${a}`, nhsNumber: b }), id: patient.id })
    expect([newNumberOf(await world.plan(plan)), await found(a)]).toEqual([undefined, [plan]])
  })

  test('R13 is judged by the number as filed: linking never fails for it, nor does filing beside', async () => {
    const [a = '', b = ''] = numbers(2)
    const plans = [await world.filed({ nhsNumber: a }), await world.filed({ nhsNumber: b })]
    await changed(a, 'superseded', b)
    expect(await found(b)).toEqual([...plans].sort())
    expect((await world.file({ nhsNumber: b })).status).toBe(409)
  })

  test('R15 R16 a nightly batch is warned every night and told once', async () => {
    const [a = '', b = ''] = numbers(2)
    await changed(a, 'superseded', b)
    const identifier = `nightly-${a}`
    const url = `EpisodeOfCare?identifier=https://derbyshire.example/plan|${identifier}`
    const entry = [{ resource: resourceOfPlan({ identifier, nhsNumber: a }), request: { method: 'PUT', url } }]
    const batch = { resourceType: 'Bundle', type: 'batch', entry }
    const ids: string[] = []
    for (let night = 0; night < 2; night++) {
      const answer = await world.server.send({ as: `la-${DERBYSHIRE}`, path: '', body: batch })
      const reply = bundleOf(answer).entry?.[0]
      expect(JSON.stringify(reply?.response?.outcome)).toContain('NUMBER_SUPERSEDED')
      ids.push(reply?.response?.location ?? '')
    }
    expect(new Set(ids).size).toBe(1)
    const id = /EpisodeOfCare\/([^/]+)/.exec(ids[0] ?? '')?.[1] ?? ''
    expect([await told(id), newNumberOf(await world.plan(id))]).toEqual([[[DERBYSHIRE, id]], b])
  })

  test('a withdrawn plan that is filed anew under the old number is told', async () => {
    const [a = '', b = ''] = numbers(2)
    const sent = { identifier: `withdrawn-${a}`, nhsNumber: a }
    const id = await world.filed(sent)
    await world.change(id, { ...sent, status: 'entered-in-error' })
    await changed(a, 'superseded', b)
    expect([await told(id), await found(b)]).toEqual([[], []])
    const again = await world.filed({ ...sent, start: '2026-04-02' })
    expect([await told(again), await found(b)]).toEqual([[[DERBYSHIRE, again]], [again]])
  })
})

describe('R23 adoption: replaced by nothing', () => {
  test('the plan stays findable, each authority is told once, and no new number is revealed', async () => {
    const [a = ''] = numbers(1)
    const plan = await world.filed({ nhsNumber: a })
    const others = await world.filed({ nhsNumber: a, by: LUTON })
    for (let n = 0; n < 2; n++) await changed(a, 'invalid')
    expect(await found(a)).toEqual([plan, others].sort())
    expect([...(await told(plan, others))].sort()).toEqual([
      [LUTON, others],
      [DERBYSHIRE, plan],
    ])
    expect(newNumberOf(await world.plan(plan))).toBeUndefined()
    const due = await world.server.context.store.read.plansToTell('superseded', '2026-05-04' as never, { limit: 500 })
    expect(due.map((one) => one.id)).not.toContain(plan)
  })

  test('after a replacement it takes the new number back', async () => {
    const [a = '', b = ''] = numbers(2)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    await changed(a, 'invalid')
    expect([await found(a), await found(b), newNumberOf(await world.plan(plan))]).toEqual([[plan], [], undefined])
  })

  test('a plan filed under such a number is taken with a warning', async () => {
    const [a = ''] = numbers(1)
    await changed(a, 'invalid')
    const answer = await world.server.send({
      as: `la-${DERBYSHIRE}`,
      path: 'EpisodeOfCare',
      body: resourceOfPlan({ nhsNumber: a }),
      headers: { Prefer: 'return=OperationOutcome' },
    })
    expect([answer.status, issuesOf(answer).map((one) => one.code)]).toEqual([
      201,
      expect.arrayContaining(['NUMBER_SUPERSEDED']),
    ])
  })
})

describe('R23 correction', () => {
  test('undoes the link: each number finds its own again, the new number goes from the plan, each child its own history and incident', async () => {
    const [a = '', b = ''] = numbers(2)
    const plans = [await world.filed({ nhsNumber: a }), await world.filed({ nhsNumber: b, by: LUTON })]
    const first = await world.check(a)
    world.at('2026-05-03 13:00')
    const second = await world.check(b)
    await changed(a, 'superseded', b)
    world.at('2026-05-03 14:00')
    const third = await world.check(a)
    const joint = (await world.look(b)).history.map((one) => one.id)
    expect(joint).toEqual([third.auditId, second.auditId, first.auditId])
    await changed(a, 'correction', b)
    expect([await found(a), await found(b)]).toEqual([[plans[0]], [plans[1]]])
    expect(newNumberOf(await world.plan(plans[0] ?? ''))).toBeUndefined()
    world.at('2026-05-03 15:00')
    const ofA = await world.check(a)
    const ofB = await world.check(b)
    expect(ofA.history.map((one) => one.id)).toEqual([third.auditId, first.auditId])
    expect(ofB.history.map((one) => one.id)).toEqual([second.auditId])
    // no two accesses of one incident are one leg, not even those of before
    const legs = [...legsOf(await world.look(a)), ...legsOf(await world.look(b))].map(String)
    expect(new Set(legs).size).toBe(5)
  })

  test('of another link than the one that stands, or of none, does nothing', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    await changed(a, 'correction', c)
    await changed(b, 'correction', a)
    await changed(c, 'correction')
    expect(await found(b)).toEqual([plan])
  })

  test('in the middle of a chain parts it there', async () => {
    const [a = '', b = '', c = ''] = numbers(3)
    const plans = [await world.filed({ nhsNumber: a }), await world.filed({ nhsNumber: c })]
    await changed(a, 'superseded', b)
    await changed(b, 'superseded', c)
    await changed(b, 'correction')
    expect([await found(a), await found(b), await found(c)]).toEqual([[plans[0]], [plans[0]], [plans[1]]])
    expect(newNumberOf(await world.plan(plans[0] ?? ''))).toBe(b)
  })

  test('undoes an adoption, which may then be told anew', async () => {
    const [a = ''] = numbers(1)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'invalid')
    await changed(a, 'correction')
    await changed(a, 'invalid')
    expect(await told(plan)).toHaveLength(2)
  })
})

describe('R23 P2 the record', () => {
  test('names the plans and who said so, holds the old number sealed, and is for auditors alone', async () => {
    const [a = '', b = ''] = numbers(2)
    const plan = await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    const of = { nhsNumber: a as NhsNumber, from: '2026-01-01T00:00:00Z', limit: 9 }
    const [record] = (await world.server.context.store.read.audits(of)).filter(
      (one) => one.operation === 'number-changed',
    )
    expect(record).toMatchObject({
      status: 200,
      outcome: '0',
      caller: { kind: 'number-feed' },
      nhsNumber: a,
      entities: [{ type: 'EpisodeOfCare', id: plan, version: 1, owner: DERBYSHIRE }],
      authorities: [],
    })
    const raw = await rawRecord(record?.id ?? '')
    expect([raw.includes(a), raw.includes(b)]).toEqual([false, false])
    const read = await world.server.send({ as: `la-${DERBYSHIRE}`, path: `AuditEvent/${record?.id}` })
    expect(read.status).toBe(404)
    const auditor = await world.server.send({ as: 'auditor', path: `AuditEvent/${record?.id}` })
    expect(resourceOf(auditor, 'AuditEvent').subtype?.map((one) => one.code)).toContain('number-changed')
  })

  test('is kept of a notice that changed nothing too', async () => {
    const [a = '', b = ''] = numbers(2)
    for (let n = 0; n < 2; n++) await changed(a, 'superseded', b)
    const of = { nhsNumber: a as NhsNumber, from: '2026-01-01T00:00:00Z', limit: 9 }
    expect(await world.server.context.store.read.audits(of)).toHaveLength(2)
  })
})

describe('R21 R23 at once', () => {
  test('checks under both numbers give one incident with distinct legs', async () => {
    const [a = '', b = ''] = numbers(2)
    await world.filed({ nhsNumber: a })
    await changed(a, 'superseded', b)
    await Promise.all([a, b, a, b, a, b, a, b].map((number) => world.check(number)))
    const legs = legsOf(await world.look(b))
    expect(legs.map(([, leg]) => leg).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(new Set(legs.map(([id]) => id)).size).toBe(1)
  })

  test('a link that is made, undone and made while checks run loses none of them', async () => {
    const [a = '', b = ''] = numbers(2)
    await world.filed({ nhsNumber: a })
    await world.filed({ nhsNumber: b, by: LUTON })
    const checks: Promise<Seen>[] = []
    for (const [n, number] of Array.from({ length: 12 }, (_, nth) => (nth % 2 === 0 ? a : b)).entries()) {
      checks.push(world.check(number))
      if (n === 3 || n === 9) checks.push(change(a, 'superseded', b).then(() => world.check(a)))
      if (n === 6) checks.push(change(a, 'correction', b).then(() => world.check(b)))
    }
    const made = (await Promise.all(checks)).map((one) => one.auditId)
    await changed(a, 'superseded', b)
    const history = (await world.look(a)).history.map((one) => one.id)
    expect([...history].sort()).toEqual([...made].sort())
    const legs = legsOf(await world.look(a)).map(String)
    expect(new Set(legs).size).toBe(legs.length)
  })

  test('a plan filed while its number is being replaced learns of it', async () => {
    for (let round = 0; round < 5; round++) {
      const [a = '', b = ''] = numbers(2)
      const [plan] = await Promise.all([world.filed({ nhsNumber: a }), changed(a, 'superseded', b)])
      expect([newNumberOf(await world.plan(plan)), await told(plan)]).toEqual([b, [[DERBYSHIRE, plan]]])
    }
  })
})

async function rawRecord(id: string): Promise<string> {
  const { mongodbUrl = '', mongodbDatabase } = world.server.context.config
  const client = await MongoClient.connect(mongodbUrl)
  try {
    const document = await client.db(mongodbDatabase).collection<{ _id: string }>('auditEvents').findOne({ _id: id })
    return JSON.stringify(document)
  } finally {
    await client.close()
  }
}
