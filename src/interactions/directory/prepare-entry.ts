/** One Organization as an administrator sent it → what it claims to be: a site by its ODS code, or an authority by its GSS code. CPU only. */

import type { Organization } from '@medplum/fhirtypes'
import type { ResourceId } from '../../domain/brands.ts'
import { codeOf } from '../../domain/organization-code.ts'
import { dropNotHeld } from '../../domain/upload/not-held.ts'
import { isAuthorityCode } from '../../domain/upload/parse-listed-authority.ts'
import { isOdsCode } from '../../domain/upload/parse-site.ts'
import { listOf } from '../../domain/upload/tolerant.ts'
import { PROFILE, SYSTEM } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Profiles } from '../../fhir/validate.ts'
import { inTurns } from '../../turns.ts'
import type { ListedEntry } from '../listed-entries.ts'

export interface PreparedEntry {
  readonly place: string
  /** Before which places inside the resource stand; empty for a single request. */
  readonly resourcePlace: string
  readonly kind: 'site' | 'authority'
  /** The key as id; absent when it names none that can be. */
  readonly id?: ResourceId
  /** Without what is not held; absent when it is no Organization. */
  readonly sent?: Organization
  /** Remarks and faults so far, with places below the resource. */
  readonly issues: readonly Issue[]
  /** What the profile says of a site; an authority is completed first by what is held. */
  readonly ofProfile: readonly Issue[]
}

/** After so many entries the event loop is let go on: a check must not wait for a list. */
const ENTRIES_A_TURN = 20

/** All of them, in their order. */
export async function prepareEntries(entries: readonly ListedEntry[], profiles: Profiles): Promise<PreparedEntry[]> {
  const prepared: PreparedEntry[] = []
  await inTurns(entries, ENTRIES_A_TURN, (entry) => void prepared.push(prepareEntry(entry, profiles)))
  return prepared
}

/** Pure. */
export function prepareEntry({ place, resourcePlace, value, fault }: ListedEntry, profiles: Profiles): PreparedEntry {
  const at = { place, resourcePlace, ofProfile: [] }
  if (fault !== undefined) return { ...at, kind: 'site', issues: [fault] }
  if (!isOrganization(value)) {
    return { ...at, kind: 'site', issues: [issue('INVALID_RESOURCE', undefined, 'It must be one Organization.')] }
  }
  const kind = kindOf(value)
  const isHeld = kind === 'site' || value.active === false
  const { resource, issues } = dropNotHeld(value, isHeld ? { held: ['active'] } : {})
  const id = keyOf(value, kind)
  const wrongId = value.id !== undefined && value.id !== id
  const faults = wrongId ? [issue('ID_MISMATCH', 'Organization.id', 'The id is the GSS or ODS code. Correct it.')] : []
  const ofProfile = kind === 'site' ? profiles.check(resource, PROFILE.site) : []
  return {
    ...at,
    kind,
    sent: resource,
    issues: [...faults, ...issues],
    ofProfile,
    ...(id === undefined ? {} : { id }),
  }
}

function isOrganization(value: unknown): value is Organization {
  return isObject(value) && value['resourceType'] === 'Organization'
}

function kindOf(value: Organization): PreparedEntry['kind'] {
  const hasGss = listOf(value.identifier).some(({ item }) => item.system === SYSTEM.gss)
  return hasGss ? 'authority' : 'site'
}

function keyOf(value: Organization, kind: PreparedEntry['kind']): ResourceId | undefined {
  const identifier = listOf(value.identifier).map(({ item }) => item)
  const code: unknown = codeOf({ resourceType: 'Organization', identifier }, kind === 'site' ? SYSTEM.ods : SYSTEM.gss)
  if (typeof code !== 'string') return undefined
  return (kind === 'site' ? isOdsCode(code) : isAuthorityCode(code)) ? (code as string as ResourceId) : undefined
}
