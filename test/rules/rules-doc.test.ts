/** The worked examples of docs/rules.md, carried out line by line against the real server with the clock set: what the page says is what happens. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { RegisterEvent } from '../../src/domain/events.ts'
import { NHS, patientOf, transactionOf } from '../support/plans.ts'
import {
  type CouncilPlan,
  DERBYSHIRE,
  LUTON,
  openRulesWorld,
  type RulesWorld,
  resourceOfPlan,
  type SeenPlan,
} from '../support/rules-world.ts'
import { bundleOf, resourceOf, type TestAnswer } from '../support/server.ts'

interface Row {
  readonly when: string
  readonly happens: string
  readonly looks: string
  readonly see: string
  readonly told: string
}

const PAGE = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8')
const HEADER = '| when | what happens | who looks | they see | who is told |'
const NOTHING = '–'

let world: RulesWorld
beforeAll(async () => {
  world = await openRulesWorld()
})
afterAll(() => world.close())

/** Every table of the page with that header, under the heading it stands below. */
function readExamples(): { readonly heading: string; readonly rows: readonly Row[] }[] {
  let heading = ''
  const examples: { heading: string; rows: Row[] }[] = []
  for (const line of PAGE.split('\n')) {
    if (line.startsWith('## ')) heading = line.slice(3)
    else if (line === HEADER) examples.push({ heading, rows: [] })
    else if (line.startsWith('| ')) {
      const [, when = '', happens = '', looks = '', see = '', told = ''] = line.split('|').map((cell) => cell.trim())
      examples.at(-1)?.rows.push({ when, happens, looks, see, told })
    }
  }
  return examples
}

const COUNCILS: Readonly<Record<string, string>> = { Derbyshire: DERBYSHIRE, Luton: LUTON }
const TYPES = { 'child protection plan': 'CPP', 'looked-after plan': 'LAC', 'unborn child plan': 'UCPP' } as const
const PEOPLE: Readonly<Record<string, { as: string; setting: string }>> = {
  'emergency department': { as: 'ed-nurse', setting: 'emergency-department' },
  '111': { as: 'call-handler-111', setting: 'nhs-111' },
  ambulance: { as: 'paramedic', setting: 'ambulance' },
  ward: { as: 'paediatric-ward-nurse', setting: 'paediatric-ward' },
  dentist: { as: 'dental-nurse', setting: 'dental' },
}
const MONTHS = 'January February March April May June July August September October November December'.split(' ')

/** `3 May 2026` → `2026-05-03`. */
function dayOf(words: string): string {
  const [day = '', month = '', year = ''] = words.split(' ')
  const nth = MONTHS.indexOf(month) + 1
  if (nth === 0 || !/^\d{4}$/.test(year)) throw new Error(`no day: ${words}`)
  return `${year}-${String(nth).padStart(2, '0')}-${day.padStart(2, '0')}`
}

const DAY = String.raw`(\d+ \w+ \d{4})`
const FILES = new RegExp(
  String.raw`^(\w+) files an? (child protection plan|looked-after plan|unborn child plan) from ${DAY}(?: to ${DAY})?(?:, due on ${DAY})?(?:, on section (\d+))?(, without an NHS number)?(, for the baby)?(: refused)?$`,
)

/** One example: a child of its own, a mother, a baby, and what was filed. */
function openExample() {
  const numbers = { old: world.newNumber(), new: world.newNumber(), baby: world.newNumber() }
  const filed: { id: string; plan: CouncilPlan }[] = []
  const told = new Set<string>()
  const local = randomUUID()

  async function happen(words: string): Promise<void> {
    const files = FILES.exec(words)
    if (files !== null) return file(files)
    const [, council = '', what = ''] = /^(\w+) (.*)$/.exec(words) ?? []
    const by = COUNCILS[council]
    const last = filed.at(-1)
    if (by === undefined) return hear(words)
    const ends = new RegExp(`^ends the plan on ${DAY}$`).exec(what)
    if (ends?.[1] !== undefined) return change({ end: dayOf(ends[1]) })
    if (what === 'withdraws the plan') return change({ status: 'entered-in-error' })
    if (what === 'files the plan under the new number') return change({ nhsNumber: numbers.new })
    if (what === 'sends everything again') return again(by)
    if (what === 'sends the NHS number') return numberArrives(by)
    const born = /^sends the birth date ([\d-]+)$/.exec(what)
    if (born?.[1] !== undefined) return taken(world.send(patientOf({ nhsNumber: numbers.old, birthDate: born[1] }), by))
    throw new Error(`not understood: ${words} ${last?.id}`)
  }

  async function file(found: RegExpExecArray): Promise<void> {
    const [, council = '', kind = '', start = '', end, due, section, unnumbered, forBaby, refused] = found
    const parts: CouncilPlan = {
      by: COUNCILS[council] ?? '',
      identifier: randomUUID(),
      type: TYPES[kind as keyof typeof TYPES],
      start: dayOf(start),
      ...(end === undefined ? {} : { end: dayOf(end) }),
      ...(due === undefined ? {} : { due: dayOf(due) }),
      ...(section === undefined ? {} : { legalBasis: `s${section}` }),
    }
    const plan =
      unnumbered === undefined ? { ...parts, nhsNumber: forBaby === undefined ? numbers.old : numbers.baby } : parts
    const answer = await world.send(bodyOf(plan), plan.by)
    expect([answer.text, answer.status >= 400]).toEqual([answer.text, refused !== undefined])
    if (refused === undefined) filed.push({ id: resourceOf(answer, 'EpisodeOfCare').id ?? '', plan })
  }

  /** A plan without a number names its child by the council's own identifier. */
  function bodyOf(plan: CouncilPlan) {
    const resource = resourceOfPlan(plan)
    const own = { type: 'Patient', identifier: { system: 'https://derbyshire.example/child', value: local } } as const
    return plan.nhsNumber === undefined ? { ...resource, patient: own } : resource
  }

  async function change(parts: Partial<CouncilPlan>): Promise<void> {
    const last = filed.at(-1)
    if (last === undefined) throw new Error('nothing was filed')
    last.plan = { ...last.plan, ...parts }
    await taken(world.send({ ...bodyOf(last.plan), id: last.id }, last.plan.by))
  }

  const numberArrives = (by: string) => taken(world.send(patientOf({ nhsNumber: numbers.old, local }), by))

  async function again(by: string): Promise<void> {
    const own = filed.filter((one) => one.plan.by === by)
    const entries = own.map(({ id, plan }) => ({
      method: 'PUT',
      url: `EpisodeOfCare/${id}`,
      resource: { ...bodyOf(plan), id },
    }))
    const body = { ...transactionOf(entries), type: 'batch' }
    const before = await Promise.all(own.map(({ id }) => world.plan(id, by)))
    const answer = bundleOf(await world.server.send({ as: `la-${by}`, body }))
    const etags = before.map((one) => `W/"${one.meta?.versionId}"`)
    expect(answer.entry?.map((one) => one.response?.etag)).toEqual(etags)
  }

  function hear(words: string): Promise<void> {
    const [from, to, baby] = [numbers.old, numbers.new, numbers.baby].map((value) => ({ system: NHS, value }))
    const reason = (valueCode: string) => ({ name: 'reason', valueCode })
    const parts = (given: object) => Object.entries(given).map(([name, valueIdentifier]) => ({ name, valueIdentifier }))
    const today = world.server.context.clock().toISOString().slice(0, 10)
    const notices: Readonly<Record<string, readonly [string, readonly object[]]>> = {
      'the NHS replaces the number': ['number-changed', [...parts({ from, to }), reason('superseded')]],
      'the NHS takes the number out of use': ['number-changed', [...parts({ from }), reason('invalid')]],
      'the baby is born': [
        'birth-notified',
        [...parts({ mother: from, baby }), { name: 'birthDate', valueDate: today }],
      ],
    }
    const [operation, parameter] = notices[words] ?? []
    if (operation === undefined) throw new Error(`not understood: ${words}`)
    const body = { resourceType: 'Parameters', parameter }
    return taken(world.server.send({ as: 'number-feed', path: `Patient/$${operation}`, body }))
  }

  async function look(words: string): Promise<string> {
    const [who = '', under = 'old number'] = words.split(', ')
    const names: Readonly<Record<string, string>> = {
      'old number': numbers.old,
      "mother's number": numbers.old,
      'new number': numbers.new,
      "baby's number": numbers.baby,
    }
    const [person, number] = [PEOPLE[who], names[under]]
    if (person === undefined || number === undefined) throw new Error(`not understood: ${words}`)
    const { plans } = await world.check(number, person)
    return plans.length === 0 ? 'nothing known' : plans.map(describePlan).join('; ')
  }

  /** Who was told since the line before, in two forms: with and without the incident. */
  async function news(): Promise<readonly [string, string]> {
    const fresh = (await world.events(...filed.map((one) => one.id))).filter((one) => !told.has(one.id))
    for (const one of fresh) told.add(one.id)
    const shown = fresh.filter((one) => one.topic !== 'incident-opened')
    const inOrder = [...shown].sort((a, b) => (inWords(a) < inWords(b) ? -1 : 1))
    const plain = inOrder.map(inWords)
    const long = inOrder.map(
      (one) => `${inWords(one)} (incident ${one.incident?.inSixMonths} in six months, look ${one.incident?.leg})`,
    )
    return [plain.join(' and ') || 'no one', long.join(' and ') || 'no one']
  }

  return { happen, look, news }
}

async function taken(answer: Promise<TestAnswer>): Promise<void> {
  const { status, text } = await answer
  if (status >= 300) throw new Error(`${status} ${text}`)
}

const councilOf = (code: string): string => Object.entries(COUNCILS).find(([, one]) => one === code)?.[0] ?? code

function describePlan(plan: SeenPlan): string {
  const kind = Object.entries(TYPES).find(([, one]) => one === plan.type)?.[0]
  if (plan.caseStatus === 'born-plan-of-mother') return `${kind} of the mother, ${councilOf(plan.authority)}`
  return `${kind}, ${councilOf(plan.authority)}, ${plan.caseStatus}`
}

const TOPICS: Readonly<Record<string, string>> = {
  'child-checked': '',
  'nhs-number-missing': ': no NHS number',
  'nhs-number-superseded': ': new number',
  'baby-born': ': baby born',
}

const inWords = (event: RegisterEvent): string => `${councilOf(event.authority)}${TOPICS[event.topic]}`
/** The words of the column in one order. */
const inOrder = (told: string): string => told.split(' and ').sort().join(' and ')

describe('docs/rules.md', () => {
  const examples = readExamples().map((one, nth) => [`${nth + 1}: ${one.heading}`, one.rows] as const)

  test.each(examples)('example %s', async (_name, rows) => {
    expect(rows.length).toBeGreaterThan(0)
    const example = openExample()
    for (const row of rows) {
      const [day = '', time = ''] = row.when.split(', ')
      world.at(`${dayOf(day)} ${time}`)
      if (row.happens !== NOTHING) await example.happen(row.happens)
      const seen = row.looks === NOTHING ? NOTHING : await example.look(row.looks)
      await world.server.runDaily()
      const [plain, long] = await example.news()
      const told = row.told.includes('(') ? row.told : inOrder(row.told)
      expect({ ...row, see: seen, told: row.told.includes('(') ? long : inOrder(plain) }).toEqual({ ...row, told })
    }
  })

  test('explains every rule and principle, and has an example for most', () => {
    const rules = [...Array.from({ length: 25 }, (_, nth) => `R${nth + 1}`), 'R14a', 'P1', 'P2', 'P3', 'P4', 'P5']
    const named = new Set(PAGE.match(/\b[RP]\d+a?\b/g))
    expect(rules.filter((rule) => !named.has(rule))).toEqual([])
    expect(examples.length).toBeGreaterThan(15)
  })
})
