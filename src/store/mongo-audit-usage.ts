/** The audit summed up by person, inside the database (security.md "Audit"): children are told apart by their keys, and neither key nor number leaves. */
import type { Document } from 'mongodb'
import type { UsageHour, UserUsage } from '../domain/audit-usage.ts'
import { mapErrors } from './mongo-errors.ts'
import { auditsOf, type Scope } from './scope.ts'
import type { UsageQuery } from './store.ts'

/** A month of a country takes longer than a request of a caller may; it is asked for by hand. Shorter than the silence after which the server's door cuts a connection. */
export const REPORT_MS = 50_000
/** Away from the member that answers checks, where there is another; the database's disk in place of its memory. */
const OPTIONS = { allowDiskUse: true, maxTimeMS: REPORT_MS, readPreference: 'secondaryPreferred' } as const

const reportsOf = (scope: Scope): ReturnType<typeof auditsOf> => auditsOf({ ...scope, db: scope.slow ?? scope.db })

const CHECK = 'cpis-check'
const STOP = 'numbers-in-sequence'
const MISSES = 'unusual-misses'
const LONDON = 'Europe/London'

const when = (condition: Document): Document => ({ $sum: { $cond: [condition, 1, 0] } })
const is = (path: string, value: string): Document => ({ $eq: [path, value] })
const IS_ANSWERED = { $and: [is('$operation', CHECK), is('$outcome', '0')] }
const IS_HIT = { $and: [IS_ANSWERED, { $gt: [{ $size: '$entities' }, 0] }] }
const IS_MISS = { $and: [IS_ANSWERED, { $eq: [{ $size: '$entities' }, 0] }] }
const IS_REFUSED = { $and: [is('$operation', CHECK), { $ne: ['$outcome', '0'] }] }
/** 1 Monday to 7 Sunday. */
const isOutOfHours = ([opens, closes]: UsageQuery['workingHours']): Document => ({
  $and: [IS_ANSWERED, { $or: [{ $gte: ['$weekday', 6] }, { $lt: ['$hour', opens] }, { $gte: ['$hour', closes] }] }],
})

/** Checks and alerts of each person and job role in a time, those with most checks first. Database I/O. */
export async function sumUsage(scope: Scope, query: UsageQuery): Promise<readonly UserUsage[]> {
  const [counts, children] = await Promise.all([
    runReport<Omit<UserUsage, keyof Children>>(scope, [...inTime(query), byUser(query), { $project: SHOWN }]),
    runReport<Children & { readonly user: string; readonly role: string }>(scope, [...answered(query), ...BY_CHILD]),
  ])
  const found = new Map(children.map(({ user, role, ...one }) => [`${user} ${role}`, one]))
  return counts
    .map((one) => ({ ...one, ...(found.get(`${one.user.id} ${one.user.roleCode}`) ?? NO_CHILDREN) }))
    .sort((a, b) => b.checks - a.checks || nameOf(a).localeCompare(nameOf(b)))
}

/** Of a person in a job role: the order among equals. */
const nameOf = ({ user }: UserUsage): string => `${user.id} ${user.roleCode}`

type Children = Pick<UserUsage, 'children' | 'mostOfOneChild'>
const NO_CHILDREN: Children = { children: 0, mostOfOneChild: 0 }

function runReport<T extends Document>(scope: Scope, stages: readonly Document[]): Promise<T[]> {
  return mapErrors(
    reportsOf(scope)
      .aggregate<T>([...stages], OPTIONS)
      .toArray(),
  )
}

/** The same of one person, hour by hour. Database I/O. */
export async function sumHours(scope: Scope, query: UsageQuery): Promise<readonly UsageHour[]> {
  const stages = [
    ...inTime(query),
    { $match: { operation: CHECK } },
    {
      $group: {
        _id: { day: '$day', hour: '$hour' },
        hits: when(IS_HIT),
        misses: when(IS_MISS),
        refused: when(IS_REFUSED),
      },
    },
    { $sort: { '_id.day': 1, '_id.hour': 1 } },
    { $project: { _id: 0, day: '$_id.day', hour: '$_id.hour', hits: 1, misses: 1, refused: 1 } },
  ]
  return await runReport<UsageHour>(scope, stages)
}

/** Checks and alerts about people, with London's day, hour and weekday. */
function inTime(query: UsageQuery): Document[] {
  const at = { date: { $toDate: '$recorded' }, timezone: LONDON }
  return [
    matching(query, { operation: { $in: [CHECK, STOP, MISSES] } }),
    {
      $set: {
        hour: { $hour: at },
        weekday: { $isoDayOfWeek: at },
        ...(query.user === undefined ? {} : { day: { $dateToString: { ...at, format: '%Y-%m-%d' } } }),
      },
    },
  ]
}

/** Answered checks, no more of each than whose and of whom. */
function answered(query: UsageQuery): Document[] {
  const child = { operation: CHECK, outcome: '0', subjectKey: { $exists: true } }
  return [
    matching(query, child),
    { $project: { _id: 0, user: '$caller.user.id', role: '$caller.user.roleCode', subjectKey: 1 } },
  ]
}

function matching({ from, before, user }: UsageQuery, more: Document): Document {
  const person =
    user === undefined
      ? { 'caller.user': { $exists: true } }
      : { $or: [{ 'caller.user.id': String(user) }, { 'caller.user.roleProfileId': String(user) }] }
  return { $match: { recorded: { $gte: String(from), $lt: String(before) }, ...more, ...person } }
}

/** Many groups, so each is as small as can be. */
const BY_CHILD: readonly Document[] = [
  { $group: { _id: { user: '$user', role: '$role', child: '$subjectKey' }, count: { $sum: 1 } } },
  {
    $group: {
      _id: { user: '$_id.user', role: '$_id.role' },
      children: { $sum: 1 },
      mostOfOneChild: { $max: '$count' },
    },
  },
  { $project: { _id: 0, user: '$_id.user', role: '$_id.role', children: 1, mostOfOneChild: 1 } },
]

const byUser = ({ workingHours }: UsageQuery): Document => ({
  $group: {
    _id: { user: '$caller.user.id', role: '$caller.user.roleCode' },
    user: { $last: '$caller.user' },
    checks: when(IS_ANSWERED),
    hits: when(IS_HIT),
    misses: when(IS_MISS),
    refused: when(IS_REFUSED),
    outOfHours: when(isOutOfHours(workingHours)),
    stopped: when(is('$operation', STOP)),
    missAlerts: when(is('$operation', MISSES)),
    organizations: { $addToSet: '$caller.organization' },
    settings: { $addToSet: '$setting' },
  },
})

const SHOWN: Document = {
  _id: 0,
  user: 1,
  checks: 1,
  hits: 1,
  misses: 1,
  refused: 1,
  outOfHours: 1,
  stopped: 1,
  missAlerts: 1,
  organizations: { $size: '$organizations' },
  settings: { $size: '$settings' },
}
