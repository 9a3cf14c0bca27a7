/** One event about a plan that no access made (register.md R17, R23, R24), as a social worker reads it. */
import type { EpisodeOfCare, Patient } from '@medplum/fhirtypes'
import { londonDayOf } from '../domain/london-day.ts'
import { type AlertSources, childName, planWords } from './alert.ts'
import { type NotificationEvent, relativeReference } from './notification.ts'
import { parseResource } from './parse-answer.ts'
import { sendFhir } from './server-client.ts'
import { sayTime } from './words.ts'

export interface PlanAlert {
  readonly plan: EpisodeOfCare
  readonly patients: readonly Patient[]
}

/** Whether an event is about a plan alone: then its focus is the plan. Pure. */
export function isAboutPlan(event: NotificationEvent): boolean {
  return relativeReference(event.focus ?? '')?.startsWith('EpisodeOfCare/') === true
}

/** Reads the plan and its child. Throws CliError when the server refuses. */
export async function readPlanAlert(event: NotificationEvent, sources: AlertSources): Promise<PlanAlert> {
  const read = async (reference: string): Promise<unknown> =>
    (await sendFhir(sources.origin, { method: 'GET', path: `/${reference}`, token: await sources.token() })).body
  const plan = parseResource(await read(relativeReference(event.focus ?? '') ?? ''), 'EpisodeOfCare')
  const patient = relativeReference(plan.patient.reference ?? '')
  return { plan, patients: patient === undefined ? [] : [parseResource(await read(patient), 'Patient')] }
}

/** What is to be done, by topic. */
const TO_DO: Readonly<Record<string, string>> = {
  'nhs-number-missing': 'has no NHS number: the NHS cannot see it until one is filed',
  'nhs-number-superseded': 'is filed under a replaced NHS number: file the new one',
  'baby-born': 'the baby was born: file a plan under the baby’s own number',
}

/** `08:00 A. Example — plan open since 3 May: has no NHS number …`. Pure. */
export function planAlertLine({ plan, patients }: PlanAlert, topic: string, at: string): string {
  const when = new Date(at)
  const plans = [plan]
  return `${sayTime(when)} ${childName({ plans, patients })} — ${planWords(plan, londonDayOf(when))}: ${TO_DO[topic] ?? topic}`
}
