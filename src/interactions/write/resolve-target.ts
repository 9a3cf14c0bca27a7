/** Which row a change means (R4 http.html#create, #update, #delete, #cond-update; R15). */
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Criterion, OwnedType, Row, Token } from '../../store/store.ts'
import { findStaleness } from '../owned-rows.ts'
import { parseCondition } from '../search/condition.ts'
import type { Change } from './change.ts'
import { identifierOfCondition } from './foresee-reads.ts'
import { say, type Target, type Workspace } from './workspace.ts'

/** Finds the target of a change, or notes why there is none. Takes the locks that make conditional writes exact under concurrency. */
export async function resolveTarget(work: Workspace, change: Change): Promise<void> {
  const target = await findTarget(work, change)
  if ('how' in target) {
    work.targets.set(change, target)
    if (change.fullUrl !== undefined) work.byFullUrl.set(change.fullUrl, target)
  } else say(work, change, target)
}

function findTarget(work: Workspace, change: Change): Promise<Target | Issue> {
  if (change.method === 'POST') return targetOfCreate(work, change)
  return change.condition === undefined ? targetById(work, change) : targetByCondition(work, change)
}

async function targetOfCreate(work: Workspace, change: Change): Promise<Target | Issue> {
  const fresh: Target = { change, id: change.freshId, how: 'new' }
  if (change.condition !== undefined) {
    const matches = await matchesOf(work, change, change.condition)
    if (!Array.isArray(matches)) return matches as Issue
    const [only] = matches
    if (matches.length > 1) return issue('MULTIPLE_MATCHES')
    if (only !== undefined) return { change, id: only.id, before: only, how: 'matched' }
  }
  const held = await findHeld(work, change)
  return held === undefined ? fresh : { change, id: held.id, before: held, how: 'held' }
}

/** The live row of this LA that holds a unique identifier of the draft already (R15). */
async function findHeld(work: Workspace, change: Change): Promise<Row<OwnedType> | undefined> {
  const tokens = identifyingTokens(change)
  if (tokens.length === 0) return undefined
  await work.unit.lock(
    tokens.map((one) => ({
      kind: 'condition',
      owner: work.facts.owner,
      text: identityText(change.type, one),
    })),
  )
  const holder = await findHolder(work, change.type, tokens)
  if (holder !== undefined || change.draft?.kind !== 'EpisodeOfCare' || !change.draft.withdrawn) return holder
  // a withdrawn plan sent again as withdrawn is a repetition, not a second plan
  const rows = await work.unit
    .of(work.facts.owner, change.type)
    .search({ criteria: [{ field: 'identifier', tokens }], limit: MOST_FILINGS })
  return [...rows].sort((a, b) => (a.lastUpdated < b.lastUpdated ? 1 : -1))[0]
}

/** Far more often than one identifier is withdrawn and filed anew. */
const MOST_FILINGS = 500

/** A condition that names one identifier and the creation of a resource with it take the same lock. */
function identityText(type: OwnedType, one: Token): string {
  return `${type} ${one.system ?? ''}|${one.value ?? ''}`
}

/** A live row of this LA and type with one of these identifiers; withdrawn plans have freed theirs. */
export async function findHolder(
  work: Workspace,
  type: OwnedType,
  tokens: readonly Token[],
): Promise<Row<OwnedType> | undefined> {
  const rows = await work.unit
    .of(work.facts.owner, type)
    .search({ criteria: [{ field: 'identifier', tokens }], limit: MOST_FILINGS })
  return rows.find((row) => row.index.withdrawn !== true)
}

/** An update must not take an identifier that another live resource of this LA and type holds (R15). */
export async function refuseSecondHolder(work: Workspace, { change, id, how }: Target): Promise<void> {
  const tokens = uniqueTokens(change)
  if (how !== 'update' || tokens.length === 0) return
  const holder = await findHolder(work, change.type, tokens)
  if (holder !== undefined && holder.id !== id)
    say(work, change, issue('DUPLICATE_IDENTIFIER', `${change.type}.identifier`))
}

/** The identifiers that may stand only once in an LA; a withdrawn plan frees its own (R15). Pure. */
function uniqueTokens(change: Change): readonly Token[] {
  return change.draft !== undefined && 'unique' in change.draft ? change.draft.unique : []
}

/** The identifiers by which the LA knows what it filed: a plan's own, a Patient's NHS number. Pure. */
function identifyingTokens(change: Change): readonly Token[] {
  const { draft } = change
  return draft?.kind === 'EpisodeOfCare' ? draft.identifiers : draft?.kind === 'Patient' ? draft.unique : []
}

async function targetById(work: Workspace, change: Change): Promise<Target | Issue> {
  const before = change.id === undefined ? undefined : await work.unit.of(work.facts.owner, change.type).find(change.id)
  if (change.method === 'DELETE') return targetOfDelete(change, before)
  if (before === undefined) {
    return issue(
      'METHOD_NOT_ALLOWED',
      undefined,
      'There is nothing with this id to update, and callers do not choose ids. Create it with POST.',
    )
  }
  if (before.deleted) return issue('GONE')
  return findStaleness(change.ifMatch, before.version) ?? { change, id: before.id, before, how: 'update' }
}

function targetOfDelete(change: Change, before: Row<OwnedType> | undefined): Target | Issue {
  if (before === undefined) return issue('NOT_FOUND')
  return findStaleness(change.ifMatch, before.version) ?? { change, id: before.id, before, how: 'delete' }
}

async function targetByCondition(work: Workspace, change: Change): Promise<Target | Issue> {
  const matches = await matchesOf(work, change, change.condition ?? '')
  if (!Array.isArray(matches)) return matches as Issue
  const [only] = matches
  if (matches.length > 1) return issue('MULTIPLE_MATCHES')
  if (change.method === 'DELETE')
    return { change, id: only?.id ?? change.freshId, ...(only === undefined ? {} : { before: only }), how: 'delete' }
  if (only === undefined) return targetOfUnmatchedUpdate(work, change)
  if (change.bodyId !== undefined && change.bodyId !== only.id) return issue('ID_MISMATCH', `${change.type}.id`)
  return findStaleness(change.ifMatch, only.version) ?? { change, id: only.id, before: only, how: 'update' }
}

/** A conditional update that finds nothing creates; a body id would be update-as-create, which is not offered. */
async function targetOfUnmatchedUpdate(work: Workspace, change: Change): Promise<Target | Issue> {
  if (change.bodyId !== undefined)
    return issue('METHOD_NOT_ALLOWED', `${change.type}.id`, 'Callers do not choose ids. Leave the id out.')
  const held = await findHeld(work, change)
  return held === undefined
    ? { change, id: change.freshId, how: 'new' }
    : { change, id: held.id, before: held, how: 'held' }
}

async function matchesOf(work: Workspace, change: Change, query: string): Promise<readonly Row<OwnedType>[] | Issue> {
  const { owner, fhirBase, numberRange } = work.facts
  const parsed = parseCondition(query, { type: change.type, fhirBase, numberRange, authority: owner })
  if ('issue' in parsed) return parsed.issue
  const named = identifierOfCondition(query)
  const text = named === undefined ? `${change.type} ? ${query}` : identityText(change.type, named)
  await work.unit.lock([{ kind: 'condition', owner, text }])
  const rows = await work.unit
    .of(owner, change.type)
    .search({ criteria: parsed.criteria as readonly Criterion[], limit: MOST_MATCHES })
  return thoseMeant(change, rows)
}

/** More plans than one identifier has had, withdrawn ones included. */
const MOST_MATCHES = 20

/** A withdrawn plan has freed its identifier (R15): what stands is meant before it, and it is meant at all, the newest of several, only by who withdraws, deletes or patches it. */
function thoseMeant(change: Change, rows: readonly Row<OwnedType>[]): readonly Row<OwnedType>[] {
  const standing = rows.filter((row) => row.index.withdrawn !== true)
  if (standing.length > 0 || rows.length === 0) return standing
  const { draft, method } = change
  const isFiling = (method === 'POST' || method === 'PUT') && !(draft?.kind === 'EpisodeOfCare' && draft.withdrawn)
  return isFiling ? [] : rows.toSorted((a, b) => (a.lastUpdated < b.lastUpdated ? 1 : -1)).slice(0, 1)
}
