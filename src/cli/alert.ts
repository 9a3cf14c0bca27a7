/** One event as a social worker reads it: the receiver looks up the AuditEvent and its own plan with the authority's token (delivery.md "Bundle"). */

import type { AuditEvent, EpisodeOfCare, Patient } from '@medplum/fhirtypes'
import { londonDayOf } from '../domain/london-day.ts'
import { PLAN_TYPES } from '../domain/plan.ts'
import { accessFacts } from './answer-text.ts'
import type { NotificationEvent } from './notification.ts'
import { relativeReference } from './notification.ts'
import { parseResource } from './parse-answer.ts'
import { sendFhir } from './server-client.ts'
import { sayDay, sayTime, shortName } from './words.ts'

export interface AlertSources {
  readonly origin: string
  /** A token of the authority's receiver, fresh enough to use. */
  readonly token: () => Promise<string>
}

export interface Alert {
  readonly audit: AuditEvent
  readonly plans: readonly EpisodeOfCare[]
  readonly patients: readonly Patient[]
}

/** Reads what an event points at. Throws CliError when the server refuses. */
export async function readAlert(event: NotificationEvent, sources: AlertSources): Promise<Alert> {
  const read = async (reference: string): Promise<unknown> => {
    const path = `/${relativeReference(reference) ?? ''}`
    return (await sendFhir(sources.origin, { method: 'GET', path, token: await sources.token() })).body
  }
  const audit = parseResource(await read(event.focus ?? ''), 'AuditEvent')
  const plans: EpisodeOfCare[] = []
  const patients: Patient[] = []
  for (const reference of event.context) {
    const plan = parseResource(await read(reference), 'EpisodeOfCare')
    plans.push(plan)
    const patient = plan.patient.reference
    if (patient !== undefined) patients.push(parseResource(await read(patient), 'Patient'))
  }
  return { audit, plans, patients }
}

/** `09:12 Emergency department, Sheffield Children's Hospital (RCUEF): R. Khan, nurse, looked at A. Example — plan open since 3 May`. Pure. */
export function alertLine(alert: Alert): string {
  const at = new Date(alert.audit.recorded ?? '')
  const { person, role, setting, place } = accessFacts(alert.audit)
  const where = [setting, place].filter((one) => one !== undefined).join(', ')
  const who = [shortName(person ?? 'someone'), role?.toLowerCase()].filter((one) => one !== undefined).join(', ')
  const plans = alert.plans.map((plan) => planWords(plan, londonDayOf(at))).join('; ')
  return `${sayTime(at)} ${where}: ${who}, looked at ${childName(alert)} — ${plans}`
}

/** The child by name; without one by the authority's own identifier of the plan. An unborn child's plan is the mother's. */
export function childName(alert: Pick<Alert, 'plans' | 'patients'>): string {
  const name = alert.patients.flatMap((patient) => patient.name ?? [])[0]
  const words = name?.text ?? [...(name?.given ?? []), name?.family].filter((one) => one !== undefined).join(' ')
  const [plan] = alert.plans
  const isUnborn = plan?.type?.some((type) => type.coding?.some((coding) => coding.code === PLAN_TYPES.UCPP.code))
  if (words !== '') return isUnborn ? `${shortName(words)} (unborn child)` : shortName(words)
  return `the ${isUnborn ? 'mother' : 'child'} of ${plan?.identifier?.[0]?.value ?? 'a plan'}`
}

/** `plan open since 3 May`. Pure. */
export function planWords(plan: EpisodeOfCare, today: string): string {
  const end = plan.period?.end
  if (end !== undefined && end < today) return `plan closed since ${sayDay(end, today)}`
  return `plan open since ${sayDay(plan.period?.start ?? '', today)}`
}
