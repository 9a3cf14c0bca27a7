/** `_include` and `_revinclude` (R4 search.html#include): resources that the matches refer to, or that refer to them, of the same authority. */
import type { ResourceId } from '../../domain/brands.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { OwnedType, Row } from '../../store/store.ts'
import type { ReadingFor } from '../owned-rows.ts'

/** What may be asked for: `Type:parameter` → how it is followed. */
const INCLUDES = {
  'EpisodeOfCare:patient': { of: 'EpisodeOfCare', to: 'Patient' },
  'EpisodeOfCare:organization': { of: 'EpisodeOfCare', to: 'Organization' },
  'Flag:subject': { of: 'Flag', to: 'Patient' },
  'Flag:patient': { of: 'Flag', to: 'Patient' },
  'Flag:author': { of: 'Flag', to: 'Organization' },
} as const satisfies Record<string, { of: OwnedType; to: OwnedType }>

const REVINCLUDES = {
  'Flag:detail': { of: 'EpisodeOfCare', to: 'EpisodeOfCare' },
} as const satisfies Record<string, { of: OwnedType; to: OwnedType }>

export type Inclusion = keyof typeof INCLUDES | keyof typeof REVINCLUDES

/** Names of the inclusions of a type, for the CapabilityStatement. Pure. */
export function inclusionsOf(type: OwnedType): {
  readonly include: readonly string[]
  readonly revinclude: readonly string[]
} {
  const named = (table: Readonly<Record<string, { of: OwnedType }>>) =>
    Object.entries(table).flatMap(([name, row]) => (row.of === type ? [name] : []))
  return { include: named(INCLUDES), revinclude: named(REVINCLUDES) }
}

/** One inclusion; a target type behind a second colon is understood. An issue when it is not offered for the type. Pure. */
export function parseInclusion(name: string, value: string, type: OwnedType): Inclusion | Issue {
  const [source = '', parameter = '', target] = value.split(':')
  const key = `${source}:${parameter}`
  const offered = name === '_include' ? inclusionsOf(type).include : inclusionsOf(type).revinclude
  const isOffered = offered.includes(key) && (target === undefined || target === '' || isTarget(key, target))
  if (isOffered) return key as Inclusion
  return issue('INVALID_PARAMETER', undefined, `${name} takes, for ${type}: ${offered.join(', ') || 'nothing'}.`)
}

function isTarget(key: string, target: string): boolean {
  const table: Readonly<Record<string, { to: OwnedType } | undefined>> = { ...INCLUDES, ...REVINCLUDES }
  return table[key]?.to === target
}

/** Far more than the Flags of one page. */
const MOST_INCLUDED = 1000

/** The rows to include for these matches, each once. One read for each inclusion. */
export async function findIncluded(
  matches: readonly Row<OwnedType>[],
  inclusions: readonly Inclusion[],
  reading: ReadingFor,
): Promise<readonly Row<OwnedType>[]> {
  const found = new Map<string, Row<OwnedType>>()
  for (const inclusion of inclusions) {
    for (const row of await findOne(matches, inclusion, reading)) found.set(`${row.type}/${row.id}`, row)
  }
  return [...found.values()]
}

async function findOne(
  matches: readonly Row<OwnedType>[],
  inclusion: Inclusion,
  reading: ReadingFor,
): Promise<readonly Row<OwnedType>[]> {
  if (matches.length === 0) return []
  if (inclusion === 'Flag:detail') {
    const planIds = matches.map((row) => row.id)
    return reading.rows('Flag').search({ criteria: [{ field: 'planId', anyOf: planIds }], limit: MOST_INCLUDED })
  }
  if (INCLUDES[inclusion].to === 'Organization') return reading.ownOrganization()
  const ids = [...new Set(matches.map((row) => row.index.patientId).filter((id): id is ResourceId => id !== undefined))]
  if (ids.length === 0) return []
  return reading.rows('Patient').search({ criteria: [{ field: 'id', anyOf: ids }], limit: MOST_INCLUDED })
}
