/** Incidents (register.md R21) and the repeat count (R22). */
import { addCalendarMonths } from './london-day.ts'

const HOUR_MS = 3_600_000
/** R21: an access within this time of the child's previous access … */
export const BETWEEN_LEGS_MS = 12 * HOUR_MS
/** … and within this time of the incident's first belongs to it. */
export const INCIDENT_MS = 48 * HOUR_MS
/** R22 */
export const COUNTED_MONTHS = 6

/** The incident now open for a child. */
export interface IncidentState {
  readonly id: string
  readonly startedAt: string
  readonly lastAccessAt: string
  readonly legs: number
  /** Authorities that had their incident-opened for this incident. */
  readonly openedFor: readonly string[]
}

/** Incidents of a child, oldest first: id and instant of the first access. */
export type Incidents = readonly { readonly id: string; readonly at: string }[]

/** What is remembered of a child's incidents. */
export interface ChildIncidents {
  readonly incident?: IncidentState
  readonly incidents: Incidents
}

export interface DecidedIncident {
  readonly incident: IncidentState
  /** This access opens the incident. */
  readonly isFirst: boolean
  /** Place of this access in the incident, from 1. */
  readonly leg: number
}

/** The incident that an access belongs to: the one open now, or a new one with that id (R21). Both spans include their last instant; an instant of a clock that is a little behind counts as the last one known. Pure. */
export function decideIncident(state: IncidentState | undefined, at: Date, newId: string): DecidedIncident {
  if (state === undefined || !belongsTo(state, at)) {
    const instant = at.toISOString()
    const incident = { id: newId, startedAt: instant, lastAccessAt: instant, legs: 1, openedFor: [] }
    return { incident, isFirst: true, leg: 1 }
  }
  const leg = state.legs + 1
  const lastAccessAt = new Date(Math.max(at.getTime(), Date.parse(state.lastAccessAt))).toISOString()
  return { incident: { ...state, lastAccessAt, legs: leg }, isFirst: false, leg }
}

function belongsTo(state: IncidentState, at: Date): boolean {
  return (
    Math.abs(at.getTime() - Date.parse(state.lastAccessAt)) <= BETWEEN_LEGS_MS &&
    Math.abs(at.getTime() - Date.parse(state.startedAt)) <= INCIDENT_MS
  )
}

/** R22: how many of the incidents began within the six calendar months (London time) that end now. Pure. */
export function incidentsInSixMonths(incidents: Incidents, at: Date): number {
  const from = addCalendarMonths(at, -COUNTED_MONTHS).getTime()
  return incidents.filter((one) => Date.parse(one.at) >= from).length
}

/** What is to be remembered, and what the access, the events and the audit carry. */
export interface DecidedAccess extends DecidedIncident {
  readonly state: ChildIncidents & { readonly incident: IncidentState }
  readonly carried: { readonly id: string; readonly leg: number; readonly inSixMonths: number }
}

/** One access of a child: its incident, the repeat count with this incident included, and the child's state after it, pruned to what still counts. Pure. */
export function decideAccess(child: ChildIncidents, at: Date, newId: string): DecidedAccess {
  const decided = decideIncident(child.incident, at, newId)
  const { incident, isFirst, leg } = decided
  const known = isFirst ? [...child.incidents, { id: incident.id, at: incident.startedAt }] : child.incidents
  const incidents = pruneIncidents(known, at)
  // At least this one: a leg of an incident that began before a clock was set back is still of one incident.
  const inSixMonths = Math.max(1, incidentsInSixMonths(incidents, at))
  return { ...decided, state: { incident, incidents }, carried: { id: incident.id, leg, inSixMonths } }
}

/** Drops what no later count can include; a month is kept besides, for clocks that differ. Pure. */
export function pruneIncidents(incidents: Incidents, at: Date): Incidents {
  const from = addCalendarMonths(at, -COUNTED_MONTHS - 1).getTime()
  return incidents.filter((one) => Date.parse(one.at) >= from)
}

/** R23: linking two numbers merges what is remembered of the child; the later incident goes on. Pure. */
export function mergeIncidents(a: ChildIncidents, b: ChildIncidents): ChildIncidents {
  const byId = new Map([...a.incidents, ...b.incidents].map((one) => [one.id, one]))
  const incidents = [...byId.values()].sort((one, other) => Date.parse(one.at) - Date.parse(other.at))
  const incident = laterOf(a.incident, b.incident)
  return { incidents, ...(incident === undefined ? {} : { incident }) }
}

function laterOf(a: IncidentState | undefined, b: IncidentState | undefined): IncidentState | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Date.parse(a.lastAccessAt) >= Date.parse(b.lastAccessAt) ? a : b
}

/** An access as the incidents see it. */
export interface AccessOfIncident {
  readonly id: string
  readonly at: string
  readonly incident: { readonly id: string; readonly leg: number }
}

/** What rebuildIncidents needs beside the accesses. */
export interface RebuildFacts {
  /** What was remembered while the accesses were one child's with others, and those accesses. */
  readonly known: ChildIncidents
  readonly together: readonly AccessOfIncident[]
  readonly at: Date
  /** A new id for the incident that an access opens. */
  readonly incidentId: (accessId: string) => string
}

/**
 * R23: what is remembered of a child whose link to another was undone, from its own accesses alone (newest first, as they
 * are read). An incident that the other child's access had opened gets an id of its own, so that no two accesses to come
 * are one leg; its authorities are told of it anew. Pure.
 */
export function rebuildIncidents(accesses: readonly AccessOfIncident[], facts: RebuildFacts): ChildIncidents {
  let child: ChildIncidents = { incidents: [] }
  for (const access of accesses.toReversed()) {
    const opens = access.incident.leg === 1 ? access.incident.id : facts.incidentId(access.id)
    child = decideAccess(child, new Date(access.at), opens).state
  }
  const { known, together, at } = facts
  const incidents = pruneIncidents(child.incidents, at)
  const { incident } = child
  if (incident === undefined) return { incidents }
  const given = together.filter((one) => one.incident.id === incident.id).map((one) => one.incident.leg)
  const openedFor = known.incident?.id === incident.id ? known.incident.openedFor : []
  return { incident: { ...incident, openedFor, legs: Math.max(incident.legs, ...given) }, incidents }
}
