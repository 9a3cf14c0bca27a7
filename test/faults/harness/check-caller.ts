/** Who checks: an emergency department, a crew, a surgery; each repeats under the same X-Request-ID until there is an answer, and now and then after it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from '@medplum/fhirtypes'
import { type Attempt, attempt, attemptOnce, type Details } from './attempt.ts'
import type { Came } from './caller.ts'
import type { Outcome } from './operation.ts'
import type { Part } from './world.ts'

const ASKERS = [
  ['ed-nurse', 'emergency-department'],
  ['paramedic', 'ambulance'],
  ['call-handler-111', 'nhs-111'],
  // a scheduled setting: audited, told to nobody (R18)
  ['gp', 'general-practice'],
] as const
const REPEATED = 0.15
const STRANGERS = 0.25
const MOST_PAUSE_MS = 30

/** Checks one child after the other until the run is over. */
export async function runChecker(part: Part): Promise<void> {
  const { world, random } = part
  while (!world.isOver()) {
    const numbers = random.fraction() < STRANGERS ? world.strangers : world.children
    const check = checkAttempt(part, numbers[random.below(numbers.length)] ?? '')
    const { outcome } = await attempt(part, check)
    if (outcome === 'ok' && random.fraction() < REPEATED) await attempt(part, check)
    await sleep(random.below(MOST_PAUSE_MS))
  }
}

/** Asks every so often whether checks are answered, without waiting for the last one, and tells when one was. */
export async function runProber(part: Part, onAnswer: (invokedAt: number, completedAt: number) => void): Promise<void> {
  const { world, random } = part
  const inFlight = new Set<Promise<void>>()
  while (!world.isOver()) {
    if (inFlight.size < MOST_PROBES) {
      const probe = attemptOnce(part, checkAttempt(part, world.strangers[random.below(world.strangers.length)] ?? ''))
        .then(({ outcome, came }) => {
          if (outcome === 'ok') onAnswer(came.invokedAt, came.completedAt)
        })
        .finally(() => inFlight.delete(probe))
      inFlight.add(probe)
    }
    await sleep(PROBE_MS)
  }
  await Promise.all(inFlight)
}

const MOST_PROBES = 12
const PROBE_MS = 150

const NHS = 'https://fhir.nhs.uk/Id/nhs-number'
const SETTINGS = 'https://cpis.example/fhir/CodeSystem/cpis-care-setting'

function checkOf(child: string, setting: string): object {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'nhsNumber', valueIdentifier: { system: NHS, value: child } },
      { name: 'setting', valueCoding: { system: SETTINGS, code: setting } },
    ],
  }
}

function checkAttempt({ random }: Part, child: string): Attempt {
  const [as, setting] = ASKERS[random.below(ASKERS.length)] ?? ASKERS[0]
  return {
    kind: 'check',
    requestId: random.uuid(),
    sent: { as, method: 'POST', path: 'Patient/$cpis-check', body: checkOf(child, setting) },
    details: (came, outcome) => detailsOf({ child, setting }, came, outcome),
  }
}

function detailsOf(asked: { child: string; setting: string }, { body }: Came, outcome: Outcome): Details {
  if (outcome !== 'ok') return { check: asked }
  const bundle = body as Bundle
  const plans = (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === 'EpisodeOfCare' ? [{ id: resource.id ?? '', start: resource.period?.start ?? '' }] : [],
  )
  const auditId = bundle.identifier?.value?.replace('urn:uuid:', '') ?? ''
  return { check: { ...asked, auditId, plans } }
}
