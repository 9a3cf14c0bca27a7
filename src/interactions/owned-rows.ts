/** From a caller and a route to the rows it may touch: the one place where interactions name an owner. */
import type { Resource } from '@medplum/fhirtypes'
import type { AuthorityCaller, Caller } from '../auth/caller.ts'
import type { LondonDay, ResourceId } from '../domain/brands.ts'
import { maskHeaders } from '../domain/subscription-header.ts'
import { PROFILE } from '../fhir/canonicals.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { type Issue, issue } from '../fhir/outcome.ts'
import type { OwnedResources, OwnedType, Reader, Row, Rows } from '../store/store.ts'
import { remarksOn } from './plan-remarks.ts'

export const OWNED_TYPES: readonly OwnedType[] = ['EpisodeOfCare', 'Flag', 'Patient', 'Organization', 'Subscription']

export function isOwnedType(type: string | undefined): type is OwnedType {
  return OWNED_TYPES.some((one) => one === type)
}

const CLAIMED: Record<OwnedType, string> = {
  EpisodeOfCare: PROFILE.plan,
  Flag: PROFILE.flag,
  Patient: PROFILE.patient,
  Organization: PROFILE.authority,
  Subscription: PROFILE.subscription,
}

const ID = /^[A-Za-z0-9\-.]{1,64}$/

/** An id of R4's form; undefined else. Pure. */
export function parseId(text: string | undefined): ResourceId | undefined {
  return text !== undefined && ID.test(text) ? (text as ResourceId) : undefined
}

/** The caller as an authority's system; NOT_PERMITTED for anyone else. */
export function requireAuthority(caller: Caller | undefined): AuthorityCaller {
  if (caller !== undefined && 'authority' in caller) return caller
  throw fhirError('NOT_PERMITTED')
}

/** Whether this caller sees the rows of this type whoever owns them (the access table's `any`): Organizations all callers, Subscriptions the administrator. Pure. */
export function seesAll(caller: Caller | undefined, type: OwnedType): boolean {
  return type === 'Organization' || (type === 'Subscription' && caller?.kind === 'administrator')
}

/** The rows of a type that this caller may see: its own; Organizations are public, and the administrator sees all Subscriptions. */
export function rowsFor<T extends OwnedType>(reader: Reader, caller: Caller | undefined, type: T): Rows<T> {
  if (seesAll(caller, type)) {
    const all: Rows<OwnedType> = type === 'Organization' ? reader.organizations : reader.subscriptions
    return all as Rows<T>
  }
  return reader.of(requireAuthority(caller).authority, type)
}

/** Reading within one authority. */
export interface ReadingFor {
  rows<T extends OwnedType>(type: T): Rows<T>
  ownOrganization(): Promise<readonly Row<'Organization'>[]>
}

/** The reading of a caller that is an authority's system. */
export function readingFor(reader: Reader, caller: AuthorityCaller): ReadingFor {
  return {
    rows: (type) => rowsFor(reader, caller, type),
    ownOrganization: () => reader.authorities([caller.authority]),
  }
}

/** A row as its authority reads it: with id, meta.versionId, meta.lastUpdated and the profile; with `today`, a plan also says what its number lacks. A deletion has no resource. Pure. */
export function renderRow<T extends OwnedType>(row: Row<T>, today?: LondonDay): Resource {
  if (row.resource === undefined) throw fhirError('GONE')
  const { resourceType, ...rest } = presentable(row.resource)
  const claimed = row.type === 'Organization' && row.owner === 'directory' ? PROFILE.site : CLAIMED[row.type]
  const remarks = today === undefined ? [] : remarksOn(row, today)
  return {
    resourceType,
    id: row.id,
    meta: { versionId: String(row.version), lastUpdated: row.lastUpdated, profile: [claimed] },
    ...rest,
    ...(remarks.length === 0 ? {} : { extension: [...(('extension' in rest && rest.extension) || []), ...remarks] }),
  } as Resource
}

/** Header values of a Subscription are never shown again. */
function presentable(resource: OwnedResources[OwnedType]): OwnedResources[OwnedType] {
  return resource.resourceType === 'Subscription' ? maskHeaders(resource) : resource
}

/** ETag, Last-Modified and, for writes, Location of a version (R4 http.html "versioning"). Pure. */
export function versionHeaders(row: Row<OwnedType>, fhirBase?: string): Record<string, string> {
  return {
    ETag: `W/"${row.version}"`,
    'Last-Modified': new Date(row.lastUpdated).toUTCString(),
    ...(fhirBase === undefined ? {} : { Location: locationOf(row, fhirBase) }),
  }
}

/** `[base]/[type]/[id]/_history/[version]`. Pure. */
export function locationOf(row: Row<OwnedType>, fhirBase: string): string {
  return `${fhirBase}/${row.type}/${row.id}/_history/${row.version}`
}

/**
 * Whether a version fulfils If-Match (RFC 9110 §13.1.1): `*`, one ETag or a list of them, weak or strong; undefined when the
 * header is none of these. Pure.
 */
function fitsIfMatch(header: string, version: number): boolean | undefined {
  if (header.trim() === '*') return true
  const versions = header.split(',').map(parseVersion)
  return versions.includes(undefined) ? undefined : versions.includes(version)
}

/** Why a write that says If-Match may not go on: it names no version, or one that is no longer current. Pure. */
export function findStaleness(ifMatch: string | undefined, version: number): Issue | undefined {
  const fits = ifMatch === undefined || fitsIfMatch(ifMatch, version)
  if (fits === undefined) return issue('INVALID_HEADER', undefined, 'If-Match must name a version, as in W/"3".')
  return fits ? undefined : issue('VERSION_CONFLICT')
}

/** Version number of an ETag-like text: `W/"3"`, `"3"` or `3`; undefined when it is none. Pure. */
export function parseVersion(text: string): number | undefined {
  const found = /^(?:W\/)?"?(\d{1,9})"?$/.exec(text.trim())?.[1]
  return found === undefined ? undefined : Number(found)
}
