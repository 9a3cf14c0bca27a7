/** An AuditEvent as a privacy officer reads it: when, who, where, why, and what was shown. */
import type { AuditEvent, AuditEventAgent, AuditEventEntity } from '@medplum/fhirtypes'
import { EXTENSION, SYSTEM } from '../../fhir/canonicals.ts'
import { sayDay, sayInstant } from '../words.ts'

export interface ShownPlan {
  readonly id: string
  readonly version: string
  readonly type?: string
  /** Name of the authority that filed it. */
  readonly authority?: string
  readonly start?: string
  readonly end?: string
}

/** Texts are empty where the record has none. */
export interface AuditedAccess {
  readonly id: string
  /** Instant, ISO 8601 UTC. */
  readonly recorded: string
  /** `cpis-check`, or another operation or interaction. */
  readonly what: string
  readonly name: string
  readonly userId: string
  readonly role: string
  readonly roleProfile: string
  readonly organisation: string
  readonly site: string
  readonly setting: string
  readonly purpose: string
  readonly incident: string
  readonly outcome: string
  readonly plans: readonly ShownPlan[]
  readonly requestId: string
}

const CHECK = 'cpis-check'
const OUTCOMES: Readonly<Record<string, string>> = { '0': 'answered', '4': 'refused', '8': 'failed', '12': 'failed' }

/** What a person reads of it. Pure. */
export function readAccess(event: AuditEvent): AuditedAccess {
  const requestor = event.agent.find(({ requestor }) => requestor)
  const [interaction, operation] = event.subtype ?? []
  return {
    id: event.id ?? '',
    recorded: event.recorded,
    what: plain(operation?.code ?? interaction?.code),
    ...personOf(requestor),
    organisation: organisationOf(event.agent),
    site: namedBy(requestor?.location),
    setting: plain(detailOf(event, 'setting-display')),
    purpose: plain(event.purposeOfEvent?.[0]?.coding?.[0]?.display),
    incident: incidentOf(event),
    outcome: [OUTCOMES[event.outcome ?? ''] ?? '', plain(event.outcomeDesc)].filter((one) => one !== '').join(', '),
    // what others touched was shown to no one
    plans: operation?.code === CHECK && event.outcome === '0' ? (event.entity ?? []).flatMap(planOf) : [],
    requestId: plain(requestIdOf(event.entity ?? [])),
  }
}

/** Lines of a report for one access. Pure. */
export function accessLines(access: AuditedAccess, plans: readonly ShownPlan[]): readonly string[] {
  const who = [access.name === '' ? 'a system' : access.name, access.role].filter((one) => one !== '').join(', ')
  const ids = [
    ...(access.userId === '' ? [] : [`user ${access.userId}`]),
    ...(access.roleProfile === '' ? [] : [`role profile ${access.roleProfile}`]),
  ]
  const where = [access.organisation, access.site, access.setting].filter((one) => one !== '')
  return [
    `${sayInstant(access.recorded)}  ${who}${ids.length === 0 ? '' : ` (${ids.join(', ')})`}`,
    ...(where.length === 0 ? [] : [`    where    ${where.join('; ')}`]),
    `    what     ${[access.what, access.purpose === '' ? '' : `for ${access.purpose}`, access.outcome].filter((one) => one !== '').join('; ')}`,
    ...(access.what === CHECK && access.outcome === 'answered' ? shownLines(plans) : []),
    ...(access.incident === '' ? [] : [`    incident ${access.incident}`]),
    `    record   AuditEvent/${access.id}, request ${access.requestId}`,
  ]
}

function shownLines(plans: readonly ShownPlan[]): readonly string[] {
  if (plans.length === 0) return ['    shown    nothing known']
  return plans.map((plan) => `    shown    ${planInWords(plan)}`)
}

/** `Subject to child protection plan, Derbyshire, since 3 May 2026 (EpisodeOfCare/… version 2)`. Pure. */
export function planInWords({ id, version, type, authority, start, end }: ShownPlan): string {
  const days = start === undefined ? [] : [`since ${sayDay(start)}${end === undefined ? '' : ` until ${sayDay(end)}`}`]
  const words = [type, authority, ...days].filter((one) => one !== undefined).map(plain)
  return `${words.join(', ')} (EpisodeOfCare/${id} version ${version})`.trim()
}

/** Columns of the CSV, in the order of accessCells. */
export const ACCESS_COLUMNS = [
  'recorded',
  'what',
  'name',
  'user_id',
  'role',
  'role_profile',
  'organisation',
  'site',
  'setting',
  'purpose',
  'incident',
  'outcome',
  'shown',
  'request_id',
  'audit_event',
] as const

/** One record of the CSV. Pure. */
export function accessCells(access: AuditedAccess, plans: readonly ShownPlan[]): readonly string[] {
  const { recorded, what, name, userId, role, roleProfile, organisation, site, setting } = access
  const isAnswered = what === CHECK && access.outcome === 'answered'
  const shown = plans.length === 0 && isAnswered ? 'nothing known' : plans.map(planInWords).join('; ')
  const who = [recorded, what, name, userId, role, roleProfile, organisation, site, setting]
  return [...who, access.purpose, access.incident, access.outcome, shown, access.requestId, access.id]
}

/** A text of the log without what would move a cursor or turn the direction of a line. Pure. */
export function plain(text: string | undefined): string {
  return (text ?? '').replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
}

function personOf(agent: AuditEventAgent | undefined): Pick<AuditedAccess, 'name' | 'userId' | 'role' | 'roleProfile'> {
  const role = agent?.role?.[0]?.coding?.[0]
  const isPerson = agent?.altId !== undefined
  const words = role === undefined ? '' : `${plain(role.display)} (${plain(role.code)})`
  return {
    name: plain(isPerson ? agent.name : (agent?.who?.identifier?.value ?? agent?.who?.display)),
    userId: plain(agent?.altId),
    role: words,
    roleProfile: isPerson ? plain(agent.who?.identifier?.value) : '',
  }
}

function organisationOf(agents: readonly AuditEventAgent[]): string {
  return namedBy(agents.find(({ who }) => who?.type === 'Organization')?.who)
}

/** `Royal Hospital (RCU)`. */
function namedBy(reference: AuditEventAgent['who'] | AuditEventAgent['location']): string {
  const code = plain(reference?.identifier?.value)
  const name = plain(reference?.display)
  return name === '' || name === code ? code : `${name} (${code})`
}

function detailOf(event: AuditEvent, type: string): string | undefined {
  const details = (event.entity ?? []).flatMap((one) => one.detail ?? [])
  return details.find((one) => one.type === type)?.valueString
}

function incidentOf(event: AuditEvent): string {
  const parts = event.extension?.find(({ url }) => url === EXTENSION.incident)?.extension ?? []
  const id = parts.find(({ url }) => url === 'id')?.valueString
  const leg = parts.find(({ url }) => url === 'leg')?.valuePositiveInt
  return id === undefined ? '' : `${plain(id)} leg ${leg}`
}

function planOf({ what }: AuditEventEntity): ShownPlan[] {
  const [, id, version] = /^EpisodeOfCare\/([A-Za-z0-9\-.]+)\/_history\/(\d+)$/.exec(what?.reference ?? '') ?? []
  return id === undefined || version === undefined ? [] : [{ id, version }]
}

function requestIdOf(entities: readonly AuditEventEntity[]): string | undefined {
  return entities.find(({ type, what }) => type?.code === 'XrequestId' && what?.identifier?.system !== SYSTEM.nhsNumber)
    ?.what?.identifier?.value
}
