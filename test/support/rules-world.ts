/** A server for tests of the rules: fresh numbers, plans filed as a council does, what the NHS sees of a number, and the events that came of it. */
import { randomUUID } from 'node:crypto'
import type { AuditEvent, EpisodeOfCare, Flag, OperationOutcome } from '@medplum/fhirtypes'
import { MongoClient } from 'mongodb'
import type { RegisterEvent } from '../../src/domain/events.ts'
import { type PlanParts, planOf } from './plans.ts'
import {
  bundleOf,
  codesOf,
  resourceOf,
  sendCheck,
  startTestServer,
  type TestAnswer,
  type TestServer,
} from './server.ts'

export const DERBYSHIRE = 'E10000007'
export const LUTON = 'E06000032'
const EXTENSION = 'https://cpis.example/fhir/StructureDefinition/'

export interface CouncilPlan extends PlanParts {
  /** GSS of the council; Derbyshire unless told otherwise. */
  readonly by?: string
  readonly legalBasis?: string
  readonly due?: string
}

/** A plan as NHS staff see it. */
export interface SeenPlan {
  readonly id: string
  readonly type: 'CPP' | 'LAC' | 'UCPP'
  readonly authority: string
  readonly start: string
  readonly end?: string
  readonly status: string
  readonly shownUntil?: string
  readonly caseStatus: string
}

export interface Seen {
  readonly text: string
  readonly auditId: string
  readonly total: number
  /** In the order of the answer. */
  readonly plans: readonly SeenPlan[]
  readonly history: readonly AuditEvent[]
  readonly words: readonly string[]
  readonly codes: readonly (string | undefined)[]
}

export interface RulesWorld {
  readonly server: TestServer
  /** A number that no one used before. */
  newNumber(): string
  /** Moves the clock to a London wall-clock time, e.g. `2026-05-03 12:00`. */
  at(londonTime: string): void
  file(plan: CouncilPlan): Promise<TestAnswer>
  /** Files a plan that must be taken; its id. */
  filed(plan: CouncilPlan): Promise<string>
  /** Replaces a plan by its id. */
  change(id: string, plan: CouncilPlan): Promise<TestAnswer>
  /** A resource of a council. */
  send(resource: { readonly resourceType?: string; readonly id?: string | undefined }, by?: string): Promise<TestAnswer>
  /** What the NHS sees under a number; from a scheduled setting unless told otherwise, so that looking tells no one. */
  look(nhsNumber: string, options?: Parameters<typeof sendCheck>[2]): Promise<Seen>
  /** A check from an emergency department. */
  check(nhsNumber: string, options?: Parameters<typeof sendCheck>[2]): Promise<Seen>
  /** Events of plans with these ids, oldest first. */
  events(...planIds: readonly string[]): Promise<readonly RegisterEvent[]>
  /** Events that a check made, by its AuditEvent. */
  eventsOfCheck(auditId: string): Promise<readonly RegisterEvent[]>
  /** Current version of a plan as its council reads it. */
  plan(id: string, by?: string): Promise<EpisodeOfCare>
  flag(planId: string, by?: string): Promise<Flag>
  close(): Promise<void>
}

export async function openRulesWorld(env: Readonly<Record<string, string>> = {}): Promise<RulesWorld> {
  const server = await startTestServer({ env })
  const { mongodbUrl = '', mongodbDatabase } = server.context.config
  const client = await MongoClient.connect(mongodbUrl)
  const eventDocs = client.db(mongodbDatabase).collection<{ event: RegisterEvent }>('events')
  const newNumber = numberMaker()
  const send: RulesWorld['send'] = (resource, by = DERBYSHIRE) =>
    server.send({
      as: `la-${by}`,
      method: resource.id === undefined ? 'POST' : 'PUT',
      path: resource.id === undefined ? `${resource.resourceType}` : `${resource.resourceType}/${resource.id}`,
      body: resource,
    })
  const world: RulesWorld = {
    server,
    newNumber,
    at: (londonTime) => server.setNow(instantOf(londonTime)),
    file: (plan) => send(resourceOfPlan(plan), plan.by),
    async filed(plan) {
      const answer = await world.file(plan)
      if (answer.status !== 201) throw new Error(`not filed: ${answer.status} ${answer.text}`)
      return resourceOf(answer, 'EpisodeOfCare').id ?? ''
    },
    change: (id, plan) => send({ ...resourceOfPlan(plan), id }, plan.by),
    send,
    async look(nhsNumber, options = {}) {
      return seenOf(await sendCheck(server, nhsNumber, { as: 'dental-nurse', setting: 'dental', ...options }))
    },
    async check(nhsNumber, options = {}) {
      return seenOf(await sendCheck(server, nhsNumber, options))
    },
    async events(...planIds) {
      const found = await eventDocs
        .find({ 'event.plans.id': { $in: [...planIds] } })
        .sort({ 'event.at': 1 })
        .toArray()
      return found.map((one) => one.event)
    },
    async eventsOfCheck(auditId) {
      const found = await eventDocs.find({ 'event.auditId': auditId }).toArray()
      return found.map((one) => one.event)
    },
    async plan(id, by = DERBYSHIRE) {
      return resourceOf(await server.send({ as: `la-${by}`, path: `EpisodeOfCare/${id}` }), 'EpisodeOfCare')
    },
    async flag(planId, by = DERBYSHIRE) {
      const form = { detail: `EpisodeOfCare/${planId}` }
      const found = bundleOf(await server.send({ as: `la-${by}`, path: 'Flag/_search', form }))
      const flag = found.entry?.[0]?.resource
      if (flag?.resourceType !== 'Flag') throw new Error(`no Flag of EpisodeOfCare/${planId}`)
      return flag
    },
    async close() {
      await client.close()
      await server.close()
    },
  }
  return world
}

/** The EpisodeOfCare that a council would send. */
export function resourceOfPlan(plan: CouncilPlan): EpisodeOfCare {
  const { by: _by, legalBasis, due, ...parts } = plan
  const extension = [
    ...(legalBasis === undefined ? [] : [{ url: `${EXTENSION}cpis-legal-basis`, valueCode: legalBasis }]),
    ...(due === undefined ? [] : [{ url: `${EXTENSION}cpis-expected-delivery-date`, valueDate: due }]),
  ]
  return {
    ...planOf({ identifier: randomUUID(), ...parts }),
    ...(extension.length === 0 ? {} : { extension }),
  }
}

/** What a 200 shows; throws for every other answer. */
export function seenOf(answer: TestAnswer): Seen {
  if (answer.status !== 200) throw new Error(`no answer: ${answer.status} ${answer.text}`)
  const bundle = bundleOf(answer)
  const resources = (bundle.entry ?? []).map((one) => one.resource)
  const plans = resources.filter((one) => one?.resourceType === 'EpisodeOfCare')
  const outcome = resources.at(-1) as OperationOutcome
  return {
    text: answer.text,
    auditId: (bundle.identifier?.value ?? '').replace('urn:uuid:', ''),
    total: bundle.total ?? -1,
    plans: plans.map(seenPlan),
    history: resources.filter((one) => one?.resourceType === 'AuditEvent'),
    words: outcome.issue.map((one) => one.details?.text ?? ''),
    codes: codesOf(outcome).map((one) => one.code),
  }
}

const TYPES = { '342191000000101': 'CPP', '764841000000100': 'LAC', '818901000000100': 'UCPP' } as const

function seenPlan(plan: EpisodeOfCare): SeenPlan {
  const extension = (name: string) => plan.extension?.find((one) => one.url === EXTENSION + name)
  const code = plan.type?.[0]?.coding?.[0]?.code as keyof typeof TYPES
  const shownUntil = extension('cpis-shown-until')?.valueDate
  return {
    id: plan.id ?? '',
    type: TYPES[code],
    authority: plan.managingOrganization?.identifier?.value ?? '',
    start: plan.period?.start ?? '',
    ...(plan.period?.end === undefined ? {} : { end: plan.period.end }),
    status: plan.status ?? '',
    ...(shownUntil === undefined ? {} : { shownUntil }),
    caseStatus: extension('cpis-case-status')?.valueCode ?? '',
  }
}

/** Numbers of the never-issued range with a right check digit, each once; apart from those of the sandbox's children. */
function numberMaker(): () => string {
  let next = 999_100_000
  return () => {
    for (;;) {
      const nine = String(next++)
      const sum = [...nine].reduce((so, digit, place) => so + Number(digit) * (10 - place), 0)
      const check = (11 - (sum % 11)) % 11
      if (check !== 10) return `${nine}${check}`
    }
  }
}

/** The instant at which a clock in London shows that time (`YYYY-MM-DD HH:MM[:SS[.mmm]]`), by Intl alone; the earlier of two. */
export function instantOf(londonTime: string): string {
  const [day = '', time = '12:00'] = londonTime.split(' ')
  const wall = `${day}T${time.length === 5 ? `${time}:00` : time}`
  const asUtc = Date.parse(`${wall}Z`)
  for (const offsetMs of [3_600_000, 0]) {
    const instant = new Date(asUtc - offsetMs)
    if (wallClockOf(instant) === wall.slice(0, 19)) return instant.toISOString()
  }
  throw new Error(`no clock in London shows ${londonTime}`)
}

function wallClockOf(instant: Date): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Europe/London',
    dateStyle: 'short',
    timeStyle: 'medium',
  })
  return format.format(instant).replace(' ', 'T')
}
