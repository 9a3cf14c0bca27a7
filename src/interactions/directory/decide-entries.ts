/** What becomes of each Organization that an administrator sends, against what the directory holds: each stands alone, but for the organisation that a site is of. Pure. */
import type { Organization } from '@medplum/fhirtypes'
import type { ResourceId } from '../../domain/brands.ts'
import { mergeIssues } from '../../domain/upload/merge-issues.ts'
import { completeAuthority, parseListedAuthority } from '../../domain/upload/parse-listed-authority.ts'
import { parseSite, type SiteDraft } from '../../domain/upload/parse-site.ts'
import { isSameContent } from '../../domain/upload/same-content.ts'
import { PROFILE, SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, isError, issue, underPlace } from '../../fhir/outcome.ts'
import type { Profiles } from '../../fhir/validate.ts'
import type { Row, RowIndex, Token } from '../../store/store.ts'
import type { PreparedEntry } from './prepare-entry.ts'

type OrganizationRow = Row<'Organization'>

/** What the directory holds of all that the entries name. */
export interface DirectoryFacts {
  /** By id: what the entries are about, and the organisations that their sites are of. */
  readonly held: ReadonlyMap<string, OrganizationRow>
  /** All rows that carry one of the codes sent. */
  readonly holders: readonly OrganizationRow[]
  readonly profiles: Profiles
  readonly at: Date
  /** A closed site that is sent without `active` stays closed; else that opens it (R4: an update replaces). */
  readonly keepsClosed: boolean
}

export interface DecidedEntry {
  readonly entry: PreparedEntry
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'refused'
  /** The version that now stands; absent when refused. */
  readonly row?: OrganizationRow
  /** Places as the caller sent them. */
  readonly issues: readonly Issue[]
}

/** In the order of the entries. Pure. */
export function decideEntries(entries: readonly PreparedEntry[], facts: DirectoryFacts): readonly DecidedEntry[] {
  const drafts = refuseDoubles(
    entries.map((entry) => draftOf(entry, facts)),
    facts.holders,
  )
  const standing = withoutOrphans(drafts, facts.held)
  const names = namesIn(standing, facts)
  return standing.map((one) => decide(one, names, facts))
}

/** An entry whose content is known, or all that is wrong with it. */
interface Drafted {
  readonly entry: PreparedEntry
  readonly issues: readonly Issue[]
  readonly draft?: Draft
}

interface Draft {
  readonly id: ResourceId
  readonly owner: OrganizationRow['owner']
  readonly resource: Organization
  readonly index: RowIndex
}

function draftOf(entry: PreparedEntry, facts: DirectoryFacts): Drafted {
  if (entry.sent === undefined) return { entry, issues: entry.issues }
  const held = entry.id === undefined ? undefined : facts.held.get(entry.id)?.resource
  const { draft, issues } =
    entry.kind === 'site'
      ? siteDraft({ ...entry, sent: entry.sent }, held, facts)
      : authorityDraft(entry.sent, held, facts)
  const all = [...entry.issues, ...issues]
  return { entry, issues: all, ...(draft === undefined || all.some(isError) ? {} : { draft }) }
}

interface Parsed {
  readonly draft?: Draft
  readonly issues: readonly Issue[]
}

function siteDraft(
  { sent, ofProfile }: Pick<PreparedEntry, 'ofProfile'> & { readonly sent: Organization },
  held: Organization | undefined,
  facts: DirectoryFacts,
): Parsed {
  const staysClosed = facts.keepsClosed && sent.active === undefined && held?.active === false
  const { site, issues: ofRules } = parseSite(staysClosed ? { ...sent, active: false } : sent)
  const issues = mergeIssues(ofProfile, ofRules)
  if (site === undefined) return { issues }
  return {
    issues,
    draft: {
      id: site.ods as string as ResourceId,
      owner: 'directory',
      resource: site.resource,
      index: siteIndex(site),
    },
  }
}

function siteIndex({ ods, name, orgType, partOf }: SiteDraft): RowIndex {
  const identifiers = [{ system: SYSTEM.ods, value: ods }]
  return { identifiers, unique: identifiers, orgType, name, ...(partOf === undefined ? {} : { partOf }) }
}

function authorityDraft(sent: Organization, held: Organization | undefined, facts: DirectoryFacts): Parsed {
  const complete = completeAuthority(sent, held)
  const { authority, issues: ofRules } = parseListedAuthority(complete)
  const issues = mergeIssues(facts.profiles.check(complete, PROFILE.authority), ofRules)
  if (authority === undefined) return { issues }
  const { gss, resource, name, identifiers, unique } = authority
  const index = { identifiers, unique, orgType: 'authority', name }
  return { issues, draft: { id: gss as string as ResourceId, owner: gss, resource, index } }
}

const TWICE = 'This code stands in an earlier entry already. Send it once.'
const ELSEWHERE = 'Another organisation of the directory has this code. Correct one of them.'

/** One code may name one organisation: in the list, and in the directory. */
function refuseDoubles(drafts: readonly Drafted[], holders: readonly OrganizationRow[]): readonly Drafted[] {
  const byToken = Map.groupBy(
    holders.flatMap(({ id, index }) => index.identifiers.map((token) => ({ id, key: keyOf(token) }))),
    ({ key }) => key,
  )
  const seen = new Set<string>()
  return drafts.map((one) => {
    const { draft } = one
    if (draft === undefined) return one
    const faults = draft.index.identifiers.flatMap((token, at) => {
      const key = keyOf(token)
      const place = `Organization.identifier[${at}].value`
      if (seen.has(key)) return [issue('DUPLICATE_IDENTIFIER', place, TWICE)]
      seen.add(key)
      const isElsewhere = byToken.get(key)?.some(({ id }) => id !== draft.id) === true
      return isElsewhere ? [issue('DUPLICATE_IDENTIFIER', place, ELSEWHERE)] : []
    })
    return faults.length === 0 ? one : refusedFor(one, faults)
  })
}

const keyOf = ({ system, value }: Token): string => JSON.stringify([system, value])

function refusedFor({ entry, issues }: Drafted, faults: readonly Issue[]): Drafted {
  return { entry, issues: [...issues, ...faults] }
}

/** A site whose organisation is neither held nor in the list is refused, and so is what is part of that one. */
function withoutOrphans(drafts: readonly Drafted[], held: DirectoryFacts['held']): readonly Drafted[] {
  const known = new Set(drafts.flatMap(({ draft }) => (draft?.owner === 'directory' ? [String(draft.id)] : [])))
  const isOrphan = ({ draft }: Drafted): boolean => {
    const parent = draft?.index.partOf
    return parent !== undefined && !known.has(parent) && held.get(parent)?.owner !== 'directory'
  }
  const orphans = drafts.filter(isOrphan)
  if (orphans.length === 0) return drafts
  return withoutOrphans(
    drafts.map((one) =>
      isOrphan(one) ? refusedFor(one, [issue('INVALID_REFERENCE', 'Organization.partOf', NO_PARENT)]) : one,
    ),
    held,
  )
}

const NO_PARENT = 'The organisation that it is part of is not in the directory. Load that one too.'

/** Names of the organisations that sites are of. */
function namesIn(drafts: readonly Drafted[], { held }: DirectoryFacts): ReadonlyMap<string, string | undefined> {
  return new Map([
    ...[...held].map(([id, row]) => [id, row.resource?.name] as const),
    ...drafts.flatMap(({ draft }) => (draft === undefined ? [] : [[String(draft.id), draft.index.name] as const])),
  ])
}

function decide(
  { entry, draft, issues }: Drafted,
  names: ReadonlyMap<string, string | undefined>,
  facts: DirectoryFacts,
): DecidedEntry {
  const placed = entry.resourcePlace === '' ? issues : issues.map((one) => underPlace(entry.resourcePlace, one))
  if (draft === undefined) return { entry, outcome: 'refused', issues: placed }
  const resource = withParent(draft, names)
  const before = facts.held.get(draft.id)
  if (before?.resource !== undefined && isSameContent(before.resource, resource))
    return { entry, outcome: 'unchanged', row: before, issues: placed }
  const row: OrganizationRow = {
    type: 'Organization',
    id: draft.id,
    version: (before?.version ?? 0) + 1,
    lastUpdated: facts.at.toISOString(),
    owner: draft.owner,
    method: before === undefined ? 'POST' : 'PUT',
    deleted: false,
    resource,
    index: draft.index,
  }
  return { entry, outcome: before === undefined ? 'created' : 'updated', row, issues: placed }
}

/** The organisation of a site as it is always referred to, however it was sent. */
function withParent({ resource, index }: Draft, names: ReadonlyMap<string, string | undefined>): Organization {
  const { partOf } = index
  if (partOf === undefined) return resource
  const name = names.get(partOf)
  return {
    ...resource,
    partOf: {
      reference: `Organization/${partOf}`,
      type: 'Organization',
      identifier: { system: SYSTEM.ods, value: partOf },
      ...(name === undefined ? {} : { display: name }),
    },
  }
}
