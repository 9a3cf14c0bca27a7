/** Children as a council files them: the Bundles of the upload and of the children that checks then find. */
import type { Random } from './random.ts'

/** Systems of identifiers and codes in what is sent. */
export const SYSTEM = {
  nhs: 'https://fhir.nhs.uk/Id/nhs-number',
  child: 'https://bench.example/Id/child',
  plan: 'https://bench.example/Id/plan',
  snomed: 'http://snomed.info/sct',
}
const CHILD_PROTECTION_PLAN = '342191000000101'
const MOST_ENTRIES = 1000

export interface Child {
  readonly nhsNumber: string
  /** The council's own number. */
  readonly local: string
  /** Day the plan starts. */
  readonly start: string
}

/** Children with numbers of their own, none of which is in `taken`; their numbers are added there. */
export function buildChildren(count: number, random: Random, taken: Set<string>): Child[] {
  const children: Child[] = []
  while (children.length < count) {
    const nhsNumber = random.nhsNumber()
    if (taken.has(nhsNumber)) continue
    taken.add(nhsNumber)
    children.push({ nhsNumber, local: `B-${random.uuid()}`, start: dayBeforeToday(1 + random.below(300)) })
  }
  return children
}

/** A transaction of one child: Patient and plan. */
export function buildTransaction(child: Child, random: Random): string {
  const fullUrl = `urn:uuid:${random.uuid()}`
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { fullUrl, resource: buildPatient(child), request: { method: 'POST', url: 'Patient' } },
      {
        fullUrl: `urn:uuid:${random.uuid()}`,
        resource: buildPlan(child, { reference: fullUrl }),
        request: { method: 'POST', url: 'EpisodeOfCare' },
      },
    ],
  })
}

/** Nightly batches of at most 1,000 entries: each child's plan, by the council's own identifier, naming the child by number. */
export function buildBatches(children: readonly Child[]): string[] {
  const batches: string[] = []
  for (let from = 0; from < children.length; from += MOST_ENTRIES) {
    const entry = children.slice(from, from + MOST_ENTRIES).map((child) => ({
      resource: buildPlan(child, { type: 'Patient', identifier: { system: SYSTEM.nhs, value: child.nhsNumber } }),
      request: {
        method: 'PUT',
        url: `EpisodeOfCare?identifier=${encodeURIComponent(`${SYSTEM.plan}|${child.local}`)}`,
      },
    }))
    batches.push(JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry }))
  }
  return batches
}

function buildPatient({ nhsNumber, local }: Child): object {
  return {
    resourceType: 'Patient',
    identifier: [
      { system: SYSTEM.nhs, value: nhsNumber },
      { system: SYSTEM.child, value: local },
    ],
    name: [{ family: 'Bench', given: ['Beatrice'] }],
    birthDate: '2019-08-14',
  }
}

function buildPlan({ local, start }: Child, patient: object): object {
  return {
    resourceType: 'EpisodeOfCare',
    identifier: [{ system: SYSTEM.plan, value: local }],
    status: 'active',
    type: [{ coding: [{ system: SYSTEM.snomed, code: CHILD_PROTECTION_PLAN }] }],
    patient,
    period: { start },
  }
}

function dayBeforeToday(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
}
