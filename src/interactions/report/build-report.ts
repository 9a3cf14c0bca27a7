/** What `AuditEvent/$report` answers, as Parameters: counts of people, and who stands out; never anything of a child. */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import type { UsageHour, UserUsage } from '../../domain/audit-usage.ts'
import type { LondonDay } from '../../domain/brands.ts'
import { type Finding, findUnusual, METHOD, type UnusualUser } from '../../domain/unusual-users.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'

export interface Period {
  /** Both included. */
  readonly from: LondonDay
  readonly until: LondonDay
}

/** Most people that are named as unusual: the first of them are what is looked at. */
const MOST_NAMED = 500

/** Who stands out, and against how many. Pure. */
export function buildUnusualReport(period: Period, usages: readonly UserUsage[]): Parameters {
  const unusual = findUnusual(usages)
  return parameters(period, usages, [
    { name: 'method', valueString: METHOD },
    { name: 'unusual-users', valueInteger: unusual.length },
    ...unusual.slice(0, MOST_NAMED).map(unusualPart),
  ])
}

/** One person in each of their roles, and hour by hour. Pure. */
export function buildUserReport(period: Period, usages: readonly UserUsage[], hours: readonly UsageHour[]): Parameters {
  return parameters(period, usages, [
    ...usages.map((usage) => ({ name: 'user', part: [...userParts(usage), ...countParts(usage)] })),
    ...hours.map(hourPart),
  ])
}

function parameters({ from, until }: Period, usages: readonly UserUsage[], rest: ParametersParameter[]): Parameters {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'from', valueDate: from },
      { name: 'until', valueDate: until },
      { name: 'users', valueInteger: new Set(usages.map(({ user }) => user.id)).size },
      { name: 'checks', valueInteger: usages.reduce((sum, { checks }) => sum + checks, 0) },
      ...rest,
    ],
  }
}

function unusualPart({ usage, findings, compared }: UnusualUser): ParametersParameter {
  const peers = { name: 'compared-with', valueInteger: compared.users }
  const group = { name: 'compared-group', valueCode: compared.with }
  return {
    name: 'unusual',
    part: [...userParts(usage), ...countParts(usage), group, peers, ...findings.map(findingPart)],
  }
}

function findingPart({ measure, value, median, limit }: Finding): ParametersParameter {
  return {
    name: 'finding',
    part: [
      { name: 'measure', valueCode: measure },
      { name: 'value', valueDecimal: rounded(value) },
      ...(median === undefined ? [] : [{ name: 'median', valueDecimal: rounded(median) }]),
      ...(limit === undefined ? [] : [{ name: 'limit', valueDecimal: rounded(limit) }]),
    ],
  }
}

/** Three places tell any two ratios of a month apart that matter. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000

function userParts({ user }: UserUsage): ParametersParameter[] {
  return [
    { name: 'user-id', valueIdentifier: { system: SYSTEM.sdsUser, value: user.id } },
    { name: 'role-profile', valueIdentifier: { system: SYSTEM.sdsRoleProfile, value: user.roleProfileId } },
    { name: 'name', valueString: user.name },
    { name: 'role', valueCoding: { system: SYSTEM.jobRole, code: user.roleCode, display: user.roleName } },
  ]
}

/** Names of the counts, as the OperationDefinition has them. */
export const COUNTS = [
  ['checks', 'checks', 'Checks that were answered.'],
  ['hits', 'hits', 'Those that found a plan.'],
  ['misses', 'misses', 'Those that found nothing.'],
  ['refused', 'refused', 'Checks that were refused or not answered.'],
  ['out-of-hours', 'outOfHours', 'Answered checks outside Monday to Friday, 08:00 to 18:00 in London.'],
  ['children', 'children', 'Different children asked about.'],
  ['one-child', 'mostOfOneChild', 'Checks of the one child that was asked about most.'],
  ['organizations', 'organizations', 'Different organisations.'],
  ['settings', 'settings', 'Different care settings.'],
  ['stopped', 'stopped', 'Times that the person was stopped for numbers in sequence.'],
  ['miss-alerts', 'missAlerts', 'Alerts about unusually many misses.'],
] as const satisfies readonly (readonly [string, Exclude<keyof UserUsage, 'user'>, string])[]

function countParts(usage: UserUsage): ParametersParameter[] {
  return COUNTS.map(([name, field]) => ({ name, valueInteger: usage[field] }))
}

function hourPart({ day, hour, hits, misses, refused }: UsageHour): ParametersParameter {
  return {
    name: 'hour',
    part: [
      { name: 'day', valueDate: day },
      { name: 'hour', valueInteger: hour },
      { name: 'hits', valueInteger: hits },
      { name: 'misses', valueInteger: misses },
      { name: 'refused', valueInteger: refused },
    ],
  }
}
