/** Two databases that differ only in what a caller may not see give it equal answers, byte for byte (security.md "Table of access"): status, headers and bodies, less ids, cursors and the child's incident numbers. WORLDS_RUNS sets how many traces are tried (12; try 500 over night). */
import { randomUUID } from 'node:crypto'
import { env } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { LA_SYSTEM, NHS, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { checkOf, type TestRequest } from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'
import { DERBYSHIRE, LUTON, subscriptionOf } from './access-world.ts'
import { ask, comparable, openTwoWorlds, type TwoWorlds, type World } from './two-worlds.ts'

const CHILDREN = unrelatedNumbers(8)
const child = (at: number): string => CHILDREN[at % CHILDREN.length] ?? ''
const RUNS = Number(env['WORLDS_RUNS'] ?? 12)
const PATIENCE_MS = 120_000 + RUNS * 10_000
const STEPS = 40
const TYPES = ['CPP', 'LAC', 'UCPP'] as const
const STARTS = ['2026-01-05', '2025-03-01', '2026-04-30', '2026-05-03', '2026-06-01']

/** One step of a trace: numbers choose what, about whom and how. */
interface Step {
  readonly what: number
  readonly who: number
  readonly how: number
}
const STEP: fc.Arbitrary<Step> = fc.record({
  what: fc.nat({ max: 999 }),
  who: fc.nat({ max: 999 }),
  how: fc.nat({ max: 999 }),
})

/** A request to a world; what was made there before is named by its place. */
type Asking = (step: Step, world: World, requestId: string) => TestRequest

const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(1, all.length)]
const own = (world: World, type: string, at: number): string => pick(world.made.get(type) ?? [], at) ?? 'nothing'

/** Ids that exist in the full world and belong to another, and ids that exist nowhere: sent to both worlds alike. */
const foreign: Record<string, string[]> = { EpisodeOfCare: [], Patient: [], Flag: [], Subscription: [], AuditEvent: [] }
const strange = (type: string, at: number): string =>
  pick([...(foreign[type] ?? []), '00000000-0000-4000-8000-00000000dead'], at) ?? ''

const planFor = ({ who, how }: Step): ReturnType<typeof planOf> =>
  planOf({
    identifier: `plan-${who % 12}`,
    type: pick(TYPES, how) ?? 'CPP',
    start: pick(STARTS, how) ?? '2026-01-05',
    ...(how % 5 === 0 ? { end: '2026-05-01' } : {}),
    ...(how % 7 === 0 ? {} : { nhsNumber: child(who) }),
    ...(how % 11 === 0 ? { status: 'entered-in-error' as const } : {}),
  })
const childFor = ({ who, how }: Step) =>
  patientOf({ nhsNumber: child(who), local: `child-${how % 6}`, birthDate: '2018-02-03', family: 'Same' })

const SEARCHES: readonly (readonly [string, Record<string, string>])[] = [
  ['EpisodeOfCare', {}],
  ['EpisodeOfCare', { _total: 'accurate', _count: '2' }],
  ['EpisodeOfCare', { _summary: 'count' }],
  ['EpisodeOfCare', { status: 'active', _sort: '-date', _total: 'accurate' }],
  ['EpisodeOfCare', { 'nhs-number:missing': 'true', _total: 'accurate' }],
  ['EpisodeOfCare', { _include: 'EpisodeOfCare:patient', _revinclude: 'Flag:detail' }],
  ['EpisodeOfCare', { organization: `Organization/${LUTON}` }],
  ['Flag', { _total: 'accurate', _count: '3' }],
  ['Flag', { status: 'inactive' }],
  ['Patient', { birthdate: '2018-02-03', _total: 'accurate' }],
  ['Patient', { _sort: '_lastUpdated' }],
  ['Subscription', { _total: 'accurate' }],
  ['AuditEvent', { _count: '20', _total: 'accurate' }],
  ['AuditEvent', { subtype: 'cpis-check', _total: 'accurate' }],
  ['AuditEvent', { acknowledged: 'false', _count: '3', _total: 'accurate' }],
  ['AuditEvent', { acknowledged: 'true', _total: 'accurate' }],
  ['AuditEvent', { date: 'ge2026-05-03', outcome: '4', _total: 'accurate' }],
  ['Organization', { _count: '5', _total: 'accurate' }],
]

const AS = `la-${DERBYSHIRE}`
const answered = ({ how }: Step): object => ({
  resourceType: 'Parameters',
  parameter: [
    { name: 'code', valueCode: how % 2 === 0 ? 'seen' : 'acting' },
    { name: 'by', valueString: 'duty worker' },
  ],
})
const json = { 'Content-Type': 'application/json-patch+json' }
const validated = (resource: object): object => ({
  resourceType: 'Parameters',
  parameter: [{ name: 'resource', resource }],
})

/** What an authority's system does. */
const OF_AUTHORITY: readonly Asking[] = [
  (step) => ({ path: 'EpisodeOfCare', body: planFor(step) }),
  (step) => ({ path: 'EpisodeOfCare', body: planFor(step) }),
  (step) => ({ path: 'Patient', body: childFor(step) }),
  (step) => ({
    body: transactionOf([
      {
        fullUrl: 'urn:uuid:7f0c9c7a-3b60-4f6e-9d3d-4b8a5f1c1001',
        resource: childFor(step),
        url: 'Patient',
        more: { ifNoneExist: `identifier=${NHS}|${child(step.who)}` },
      },
      {
        resource: planOf({
          identifier: `plan-${step.how % 12}`,
          patient: 'urn:uuid:7f0c9c7a-3b60-4f6e-9d3d-4b8a5f1c1001',
        }),
        url: 'EpisodeOfCare',
      },
    ]),
  }),
  (step) => ({
    body: {
      ...transactionOf([
        { resource: planFor(step), method: 'PUT', url: `EpisodeOfCare?identifier=${LA_SYSTEM}|plan-${step.who % 12}` },
        { method: 'GET', url: 'EpisodeOfCare?_total=accurate' },
      ]),
      type: 'batch',
    },
  }),
  (step) => ({
    method: 'PUT',
    path: `EpisodeOfCare?identifier=${encodeURIComponent(`${LA_SYSTEM}|plan-${step.who % 12}`)}`,
    body: planFor(step),
  }),
  (step) => ({
    path: 'Patient',
    body: childFor(step),
    headers: { 'If-None-Exist': `identifier=${NHS}|${child(step.who)}` },
  }),
  (step, world) => ({ path: `EpisodeOfCare/${own(world, 'EpisodeOfCare', step.who)}` }),
  (step, world) => ({ path: `EpisodeOfCare/${own(world, 'EpisodeOfCare', step.who)}/_history` }),
  (step, world) => ({ path: `Patient/${own(world, 'Patient', step.who)}/_history/${(step.how % 3) + 1}` }),
  (step, world) => ({
    method: 'PUT',
    path: `Patient/${own(world, 'Patient', step.who)}`,
    body: { ...childFor(step), id: own(world, 'Patient', step.who) },
    headers: step.how % 2 === 0 ? {} : { 'If-Match': 'W/"1"' },
  }),
  (step, world) => ({
    method: 'PATCH',
    path: `EpisodeOfCare/${own(world, 'EpisodeOfCare', step.who)}`,
    body: [{ op: 'replace', path: '/period', value: { start: '2026-02-02' } }],
    headers: json,
  }),
  (step, world) => ({ method: 'DELETE', path: `EpisodeOfCare/${own(world, 'EpisodeOfCare', step.who)}` }),
  (step, world) => ({ method: 'DELETE', path: `Patient/${own(world, 'Patient', step.who)}` }),
  (step) => ({
    method: 'DELETE',
    path: `EpisodeOfCare?identifier=${encodeURIComponent(`${LA_SYSTEM}|plan-${step.who % 12}`)}`,
  }),
  (step) => ({ path: `EpisodeOfCare/${strange('EpisodeOfCare', step.who)}` }),
  (step) => ({ path: `Patient/${strange('Patient', step.who)}/_history` }),
  (step) => ({ path: `AuditEvent/${strange('AuditEvent', step.who)}` }),
  (step) => ({ path: `AuditEvent/${strange('AuditEvent', step.who)}/$acknowledge`, body: answered(step) }),
  (step, world) => ({
    path: `AuditEvent/${own(world, 'AuditEvent', step.who)}/$acknowledge`,
    body: answered(step),
  }),
  (step) => ({ path: `Flag/${strange('Flag', step.who)}/_history/1` }),
  (step) => ({
    method: 'PUT',
    path: `EpisodeOfCare/${strange('EpisodeOfCare', step.who)}`,
    body: { ...planFor(step), id: strange('EpisodeOfCare', step.who) },
  }),
  (step) => ({ method: 'DELETE', path: `Patient/${strange('Patient', step.who)}` }),
  (step) => ({ method: 'PATCH', path: `Subscription/${strange('Subscription', step.who)}`, body: [], headers: json }),
  (step) => ({
    path: 'EpisodeOfCare',
    body: planOf({ identifier: `plan-${step.who}`, patient: `Patient/${strange('Patient', step.how)}` }),
  }),
  (step) => ({
    path: 'EpisodeOfCare/_search',
    form: { patient: `Patient/${strange('Patient', step.who)}`, _total: 'accurate' },
  }),
  (step) => ({
    path: 'AuditEvent/_search',
    form: { entity: `EpisodeOfCare/${strange('EpisodeOfCare', step.who)}`, _total: 'accurate' },
  }),
  (step) => ({ path: 'AuditEvent/_search', form: { 'patient:identifier': child(step.who), _total: 'accurate' } }),
  (step) => ({ path: 'EpisodeOfCare/_search', form: { 'patient:identifier': child(step.who), _total: 'accurate' } }),
  (step) => ({
    path: 'Patient/_search',
    form: { identifier: `https://derbyshire.example/child|child-${step.how % 6}`, _total: 'accurate' },
  }),
  (step) => ({ path: `EpisodeOfCare/_history?_count=${(step.how % 4) + 1}` }),
  (step) => ({ path: 'EpisodeOfCare/$validate', body: validated(planFor(step)) }),
  (step) => ({
    path: 'EpisodeOfCare/$reconcile',
    body: { resourceType: 'Bundle', type: 'collection', entry: [{ resource: planFor(step) }] },
  }),
  () => ({ path: 'Patient/$cpis-check', body: checkOf(child(0)) }),
  ...SEARCHES.map(
    ([type, form]): Asking =>
      () => ({ path: `${type}/_search`, form }),
  ),
]

/** What NHS staff do. */
const OF_NURSE: readonly Asking[] = [
  (step) => ({ path: 'Patient/$cpis-check', body: checkOf(child(step.who)) }),
  (step) => ({ path: 'Patient/$cpis-check', body: checkOf(child(step.who), 'dental') }),
  (step) => ({
    path: 'Patient/$cpis-check',
    body: checkOf(child(step.who), 'emergency-department', {
      birthDate: step.how % 2 === 0 ? '2018-02-03' : '2017-01-01',
    }),
  }),
  (step) => ({
    path: 'Patient/$cpis-check',
    body: checkOf(child(step.who), 'emergency-department', { site: 'RCUEF' }),
  }),
  (step) => ({
    path: 'Patient/$cpis-check',
    body: checkOf(child(step.who)),
    headers: { 'X-Request-ID': `7f0c9c7a-3b60-4f6e-9d3d-00000000000${step.how % 6}` },
  }),
  (step) => ({ path: `EpisodeOfCare/${strange('EpisodeOfCare', step.who)}` }),
  (step) => ({ path: 'Patient/_search', form: { identifier: child(step.who) } }),
  (step) => ({ path: 'AuditEvent/_search', form: { 'patient:identifier': child(step.who), date: 'ge2026-01-01' } }),
  () => ({ path: 'Organization/_search', form: { name: 'L', _total: 'accurate' } }),
  () => ({ path: `Organization/${LUTON}` }),
]

/** Sends a step to both worlds, the links of its pages too, and compares. */
async function step(worlds: TwoWorlds, as: string, request: (world: World) => TestRequest): Promise<void> {
  const { bare, full } = worlds
  let [asked, other] = [
    { as, ...request(bare) },
    { as, ...request(full) },
  ]
  for (let page = 0; page < 4; page += 1) {
    const answers = [await ask(bare, asked), await ask(full, other)] as const
    expect(comparable(answers[1], full)).toBe(comparable(answers[0], bare))
    const [next, otherNext] = answers.map((answer) => nextOf(answer.json))
    if (next === undefined || otherNext === undefined) return
    asked = { as, path: next.replace(`${bare.server.base}/`, '') }
    other = { as, path: otherNext.replace(`${full.server.base}/`, '') }
  }
}

function nextOf(body: unknown): string | undefined {
  const links = (body as { readonly link?: readonly { relation: string; url: string }[] } | undefined)?.link
  return Array.isArray(links) ? links.find((one) => one.relation === 'next')?.url : undefined
}

/** What the trace of another sees and does is there in both worlds, and is not compared. */
async function both(worlds: TwoWorlds, request: TestRequest): Promise<void> {
  await worlds.bare.server.send(request)
  await worlds.full.server.send(request)
}

/** The request that a step chooses of these, sent to both worlds under one id. */
async function askOneOf(
  worlds: TwoWorlds,
  { as, askings }: { readonly as: string; readonly askings: readonly Asking[] },
  one: Step,
): Promise<void> {
  const requestId = randomUUID()
  const asking = pick(askings, one.what)
  await step(worlds, as, (world) => {
    const request = asking?.(one, world, requestId) ?? { path: 'metadata' }
    return { ...request, headers: { 'X-Request-ID': requestId, ...request.headers } }
  })
}

/** A property that holds for every step of every trace. */
const onTraces = (play: (one: Step) => Promise<void>) => async (): Promise<void> => {
  const traces = fc.array(STEP, { minLength: STEPS, maxLength: STEPS })
  const property = fc.asyncProperty(traces, async (trace) => {
    for (const one of trace) await play(one)
  })
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
}

describe('a local authority', () => {
  let worlds: TwoWorlds
  beforeAll(async () => {
    worlds = await openTwoWorlds()
    await fillWithOthers(worlds.full)
  }, 60_000)
  afterAll(() => worlds.close())

  test('is compared where there is a difference: the other authority is answered otherwise', async () => {
    for (const type of ['EpisodeOfCare', 'Flag', 'Patient', 'Subscription', 'AuditEvent']) {
      const request = { as: `la-${LUTON}`, path: `${type}/_search`, form: { _total: 'accurate' } }
      // Not by ask: what another authority sees is not what the caller made
      const answers = [await worlds.bare.server.send(request), await worlds.full.server.send(request)] as const
      expect(comparable(answers[1], worlds.full)).not.toBe(comparable(answers[0], worlds.bare))
    }
  })

  test(
    'learns nothing of what other authorities hold of the same children',
    onTraces(async (one) => {
      worlds.advance(1)
      if (one.what % 10 === 0) {
        await both(worlds, {
          as: 'ed-nurse',
          path: 'Patient/$cpis-check',
          body: checkOf(child(one.who)),
          headers: { 'X-Request-ID': randomUUID() },
        })
        return
      }
      if (one.what % 10 === 1) await answerNewest(worlds.full, LUTON, answered(one))
      await askOneOf(worlds, { as: AS, askings: OF_AUTHORITY }, one)
    }),
    PATIENCE_MS,
  )
})

describe('NHS staff', () => {
  let worlds: TwoWorlds
  beforeAll(async () => {
    worlds = await openTwoWorlds()
    await fillForStaff(worlds)
  }, 60_000)
  afterAll(() => worlds.close())

  test(
    'learn nothing of what authorities keep to themselves',
    onTraces(async (one) => {
      worlds.advance(60)
      if (one.what % 10 === 0) {
        for (const authority of [DERBYSHIRE, LUTON]) await answerNewest(worlds.full, authority, answered(one))
      }
      await askOneOf(worlds, { as: 'ed-nurse', askings: OF_NURSE }, one)
    }),
    PATIENCE_MS,
  )
})

/** An authority answers the newest access that it has not answered. */
async function answerNewest({ server }: World, authority: string, body: object): Promise<void> {
  const as = `receiver-${authority}`
  const found = await server.send({ as, path: 'AuditEvent?acknowledged=false&_count=1' })
  const [first] = (found.json as { entry?: { resource: { id: string } }[] }).entry ?? []
  if (first !== undefined) await server.send({ as, path: `AuditEvent/${first.resource.id}/$acknowledge`, body })
}

/** Another authority's plans of the same and of other children, parked ones, Patients with the same numbers and identifiers, Subscriptions, audits, accesses. */
async function fillWithOthers({ server }: World): Promise<void> {
  const as = `la-${LUTON}`
  const note = (answer: { readonly json: unknown }): void => {
    const { resourceType, id } = answer.json as { readonly resourceType: string; readonly id?: string }
    if (id !== undefined) foreign[resourceType]?.push(id)
  }
  for (const [at, number] of CHILDREN.entries()) {
    if (at % 4 === 3) continue
    note(
      await server.send({
        as,
        path: 'Patient',
        body: patientOf({ nhsNumber: number, local: `child-${at}`, birthDate: '2018-02-03', family: 'Same' }),
      }),
    )
    note(
      await server.send({
        as,
        path: 'EpisodeOfCare',
        body: planOf({
          identifier: `plan-${at}`,
          nhsNumber: number,
          type: TYPES[at % 3] ?? 'CPP',
          start: '2026-01-05',
        }),
      }),
    )
    await server.send({
      as: 'ed-nurse',
      path: 'Patient/$cpis-check',
      body: checkOf(number),
      headers: { 'X-Request-ID': randomUUID() },
    })
  }
  for (const at of [1, 2, 3]) {
    note(await server.send({ as, path: 'EpisodeOfCare', body: planOf({ identifier: `parked-${at}` }) }))
    note(await server.send({ as, path: 'Subscription', body: subscriptionOf() }))
  }
  for (const number of unrelatedNumbers(30).slice(10)) {
    await server.send({
      as,
      path: 'EpisodeOfCare',
      body: planOf({ identifier: `more-${number.slice(3)}`, nhsNumber: number }),
    })
  }
  for (const type of ['Flag', 'AuditEvent']) {
    const found = await server.send({ as, path: `${type}/_search`, form: { _count: '20' } })
    const entries =
      (found.json as { readonly entry?: readonly { readonly resource: { readonly id: string } }[] }).entry ?? []
    foreign[type]?.push(...entries.map((one) => one.resource.id))
  }
}

/** The same visible plans in both worlds; in the full one other names, identifiers, workers and reasons, and plans that no NHS user sees. */
async function fillForStaff({ bare, full }: TwoWorlds): Promise<void> {
  const basis = (valueCode: string): object => ({
    extension: [{ url: 'https://cpis.example/fhir/StructureDefinition/cpis-legal-basis', valueCode }],
  })
  for (const world of [bare, full]) {
    const isFull = world === full
    for (const [at, number] of CHILDREN.entries()) {
      if (at % 2 === 1) continue
      const as = `la-${at % 4 === 0 ? DERBYSHIRE : LUTON}`
      const visible = planOf({
        identifier: isFull ? `other-${at}` : `plan-${at}`,
        nhsNumber: number,
        type: at % 4 === 0 ? 'LAC' : 'CPP',
        start: '2026-01-05',
      })
      const care = isFull
        ? { careManager: { type: 'Practitioner', identifier: { system: 'https://worker.example', value: `w-${at}` } } }
        : {}
      await world.server.send({
        as,
        path: 'Patient',
        body: patientOf({ nhsNumber: number, birthDate: '2018-02-03', family: isFull ? 'Otherwise' : 'Same' }),
      })
      await world.server.send({
        as,
        path: 'EpisodeOfCare',
        body: { ...visible, ...care, ...(at % 4 === 0 ? basis(isFull ? 's31' : 's20') : {}) },
      })
    }
  }
  const hidden = [
    { start: '2026-09-01' },
    { start: '2020-01-01', end: '2024-01-01' },
    { start: '2025-01-01', status: 'entered-in-error' as const },
  ]
  for (const [at, number] of CHILDREN.entries()) {
    const parts = hidden[at % hidden.length]
    await full.server.send({
      as: `la-${LUTON}`,
      path: 'EpisodeOfCare',
      body: planOf({ identifier: `hidden-${at}`, nhsNumber: number, type: 'CPP', ...parts }),
    })
    await full.server.send({
      as: `la-${DERBYSHIRE}`,
      path: 'EpisodeOfCare',
      body: planOf({ identifier: `parked-${at}` }),
    })
    await full.server.send({ as: `la-${LUTON}`, path: 'Subscription', body: subscriptionOf() })
  }
}
