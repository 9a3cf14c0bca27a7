/** A batch: each entry stands alone, in the order sent; good ones are stored, bad ones returned each with its place and code (R16). */
import type { Bundle, BundleEntry as ReplyEntry } from '@medplum/fhirtypes'
import { type Issue, isError, issue, underPlace } from '../../fhir/outcome.ts'
import { StoreError, type Unit } from '../../store/store.ts'
import { inTurns, slicesOf } from '../../turns.ts'
import { auditRecord } from '../build-audit-record.ts'
import type { FhirResponse } from '../interaction.ts'
import { asFhirError } from '../run-interaction.ts'
import { type BundleWork, buildEntryPreparer, type EntryPreparer, REPLY_KEPT_MS } from '../transaction.ts'
import { applyChanges } from '../write/apply-changes.ts'
import type { Applied, Change, WriteFacts } from '../write/change.ts'
import { type ChunkUnit, openChunkUnit } from '../write/chunk-unit.ts'
import { auditOf, writeFacts } from '../write/commit-changes.ts'
import { answerResent, type MaybeResent } from '../write/resent-plan.ts'
import { buildEntry, buildRefusedEntry, wrap } from './build-reply.ts'
import type { BundleEntry } from './bundle-entries.ts'
import { answerRead, type EntryRead, parseEntryRead } from './read-entry.ts'
import { replyToStore } from './stored-reply.ts'

/** Entries that share one transaction: few enough to stay short, many enough to be fast. */
const ENTRIES_A_TRANSACTION = 250
/** After so many entries the event loop is let go on: a check must not wait for a batch. */
const ENTRIES_A_TURN = 8

/** Answers are made quicker. */
const REPLIES_A_TURN = 32

/** What became of an entry; a reading one is answered when those before it are stored. */
export type Done = { readonly applied: Applied } | { readonly issues: readonly Issue[] } | EntryRead
/** An entry that can be carried out, or why it cannot. */
type Ready = Change | readonly Issue[] | EntryRead
/** A plan that may be sent again as it was: looked at only when it is not. */
interface Unopened {
  readonly resent: MaybeResent
  readonly open: () => Ready
}
/** An entry before its transaction. */
export type Prepared = Ready | Unopened

/** Carries out a batch. Always 200 with one answer for each entry; each stored part is committed with its audit record. */
export async function runBatch(work: BundleWork): Promise<FhirResponse> {
  const facts = writeFacts(work.request, work.caller, work.context)
  const parts = slicesOf(work.bundle.entries, ENTRIES_A_TRANSACTION)
  const prepare = await buildAlonePreparer(work)
  const entries: ReplyEntry[] = []
  const stored: Done[] = []
  let coming = prepareAll(prepare, parts[0] ?? [])
  for (const next of [...parts.slice(1), []]) {
    const part = await coming
    // where most is new, the next part is opened while the database commits this one
    const looked = Promise.withResolvers<boolean>()
    coming = looked.promise.then((isMostlyNew) => prepareAll(prepare, next, isMostlyNew))
    coming.catch(() => undefined)
    const done = await commitPart({ work, facts, onLooked: looked.resolve }, part).finally(() => looked.resolve(false))
    await inTurns(done, REPLIES_A_TURN, async (one) => {
      entries.push(await replyOf(one, work, facts))
    })
    stored.push(...done)
    work.context.wakeDelivery()
  }
  const resource = wrap('batch-response', entries)
  await keepReply(work, stored, resource)
  return { status: 200, resource, audited: true }
}

/** Remembers the identifier of the Bundle; its reply only when all of it was stored, for a refused entry may be good the next time. */
async function keepReply(
  { bundle, request, caller, context, bodyHash }: BundleWork,
  done: readonly Done[],
  body: Bundle,
): Promise<void> {
  const { identifier } = bundle
  if (identifier === undefined) return
  const applied = done.flatMap((one) => ('applied' in one ? [one.applied] : []))
  const reply = replyToStore(bodyHash(), applied, applied.length === done.length ? body : undefined)
  const expiresAt = new Date(request.at.getTime() + REPLY_KEPT_MS)
  await context.store.transact((unit) => unit.saveBundleReply(caller.authority, identifier, reply, expiresAt))
}

async function replyOf(one: Done, { request, caller, context }: BundleWork, facts: WriteFacts): Promise<ReplyEntry> {
  if ('applied' in one) return buildEntry(one.applied, { request, facts })
  if ('issues' in one) return buildRefusedEntry(one.issues)
  return answerRead(one, caller, { context, reader: context.store.read }).catch((error: unknown) => {
    const { issues, kind } = asFhirError(error)
    if (kind === 'transient' || kind === 'exception') throw error
    return buildRefusedEntry(issues)
  })
}

/** Looks entries through one by one, letting other requests have their turn. */
export async function prepareAll(
  prepare: AlonePreparer,
  entries: readonly BundleEntry[],
  opensAll = false,
): Promise<readonly Prepared[]> {
  const prepared: Prepared[] = []
  await inTurns(entries, ENTRIES_A_TURN, (entry) => {
    const one = prepare(entry)
    prepared.push(opensAll && isUnopened(one) ? one.open() : one)
  })
  return prepared
}

export type AlonePreparer = (entry: BundleEntry) => Prepared

/** A reference to another entry cannot be resolved in a batch, so such an entry is refused alone. Reads the authority's own Organization. */
export async function buildAlonePreparer(work: BundleWork): Promise<AlonePreparer> {
  const urls = new Set(work.bundle.entries.flatMap((entry) => entry.fullUrl ?? []))
  const prepareOne = await buildEntryPreparer(work)
  return (entry) => {
    if (entry.method === 'GET') {
      const read = parseEntryRead(entry, work.request, work.caller)
      return 'code' in read ? [read] : read
    }
    if (refersToOthers(entry, urls)) return [notAlone(entry)]
    const resent = prepareOne.maybeResent(entry)
    const open = (): Ready => openAlone(prepareOne, entry, resent)
    return resent === undefined ? open() : { resent, open }
  }
}

function refersToOthers(entry: BundleEntry, urls: ReadonlySet<string>): boolean {
  if (urls.size === 0) return false
  const references = JSON.stringify(entry.resource ?? null).matchAll(/"reference":"([^"]+)"/g)
  return [...references].some(([, url]) => url !== undefined && url !== entry.fullUrl && urls.has(url))
}

function notAlone(entry: BundleEntry): Issue {
  const text = 'An entry of a batch cannot refer to another entry. Name the child by identifier, or send a transaction.'
  return issue('INVALID_REFERENCE', entry.place, text)
}

/** Content on which there was nothing to remark keeps its hash: sent again, it is known by it. */
function openAlone(prepareOne: EntryPreparer, entry: BundleEntry, resent: MaybeResent | undefined): Ready {
  const prepared = prepareOne(entry)
  if ('faults' in prepared) return prepared.faults
  const { issues, place } = prepared
  if (issues.some(isError)) return issues.map((one) => underPlace(`${place}.resource`, one))
  return resent === undefined || issues.length > 0 ? prepared : { ...prepared, sentAs: resent.sentAs }
}

function isUnopened(one: Prepared): one is Unopened {
  return 'open' in one
}

interface Committing {
  readonly work: BundleWork
  readonly facts: WriteFacts
  /** Told, once it is known, whether most of a part is new. */
  readonly onLooked?: (isMostlyNew: boolean) => void
}

async function commitPart(committing: Committing, part: readonly Prepared[]): Promise<readonly Done[]> {
  if (part.length === 0) return []
  try {
    return await commitTogether(committing, part)
  } catch (error) {
    const isOfOne = error instanceof StoreError && error.kind !== 'transient'
    if (!isOfOne || part.length === 1) throw error
  }
  // the database refused one of them for all: then each is a transaction of its own
  const done: Done[] = []
  for (const one of part) done.push(...(await commitAlone(committing, one)))
  return done
}

async function commitAlone(committing: Committing, one: Prepared): Promise<readonly Done[]> {
  try {
    return await commitTogether(committing, [one])
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind === 'transient') throw error
    const place = isUnopened(one) ? one.resent.place : 'place' in one ? one.place : undefined
    const { issues } = asFhirError(error)
    return [{ issues: place === undefined ? issues : issues.map((fault) => ({ ...fault, expression: place })) }]
  }
}

function commitTogether({ work, facts, onLooked }: Committing, part: readonly Prepared[]): Promise<readonly Done[]> {
  const { request, caller, context } = work
  const auditId = context.newId()
  return context.store.transact(async (unit) => {
    const done = await applyEach(unit, part, { facts, ...(onLooked === undefined ? {} : { onLooked }) })
    const applied = done.flatMap((one) => ('applied' in one ? [one.applied] : []))
    const refused = done.flatMap((one) => ('issues' in one ? one.issues.map((fault) => fault.code) : []))
    const stored = auditOf(applied)
    const audit = { entities: stored.entities ?? [], codes: [...new Set([...(stored.codes ?? []), ...refused])] }
    await unit.appendAudit(auditRecord(request, caller, { id: auditId, status: 200, audit }))
    return done
  })
}

/** Carries out entries one after the other, each seeing what those before it left; a refused one leaves nothing. Inside a transaction. */
export async function applyEach(
  unit: Unit,
  part: readonly Prepared[],
  { facts, onLooked }: Pick<Committing, 'facts' | 'onLooked'>,
): Promise<readonly Done[]> {
  const chunk = openChunkUnit(unit, facts.owner)
  const looked = await openChanged(chunk, part, facts)
  onLooked?.(looked.filter((one) => !isUnopened(one)).length * 2 > looked.length)
  await chunk.readAhead(looked.flatMap((one) => ('freshId' in one ? [one] : [])))
  const done: Done[] = []
  await inTurns(looked, ENTRIES_A_TURN, async (one) => {
    chunk.begin()
    done.push(await applyAlone(chunk, one, facts))
  })
  await chunk.flush()
  return done
}

/** Opens what is not as it was sent before. */
async function openChanged(
  chunk: ChunkUnit,
  part: readonly Prepared[],
  facts: WriteFacts,
): Promise<readonly Prepared[]> {
  await chunk.readPlans(part.flatMap((one) => (isUnopened(one) ? [one.resent.named] : [])))
  const looked: Prepared[] = []
  await inTurns(part, ENTRIES_A_TURN, (one) => {
    const isAsItWas = isUnopened(one) && answerResent(chunk.plansNamed(one.resent.named), one.resent, facts)
    looked.push(isUnopened(one) && !isAsItWas ? one.open() : one)
  })
  return looked
}

async function applyAlone(chunk: ChunkUnit, one: Prepared, facts: WriteFacts): Promise<Done> {
  if (isUnopened(one)) {
    // an entry before it may have changed the plan meanwhile
    const applied = answerResent(chunk.plansNamed(one.resent.named), one.resent, facts)
    return applied === undefined ? applyAlone(chunk, one.open(), facts) : { applied }
  }
  if ('handler' in one) return one
  if (!('freshId' in one)) return { issues: one }
  const outcome = await applyChanges(chunk.unit, [one], facts)
  if ('issues' in outcome) return outcome
  const [applied] = outcome.applied
  return applied === undefined ? { issues: [issue('INTERNAL', one.place)] } : { applied }
}
