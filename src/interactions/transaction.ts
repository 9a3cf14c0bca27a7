/** POST [base]: transaction, all or nothing, and batch, each entry alone (R4 http.html#transaction; R15, R16). */
import type { Bundle, BundleEntry as ReplyEntry } from '@medplum/fhirtypes'
import type { AuthorityCaller } from '../auth/caller.ts'
import { decideAccess } from '../auth/policy.ts'
import type { Context } from '../context.ts'
import { FhirError } from '../fhir/fhir-error.ts'
import { type Issue, issue } from '../fhir/outcome.ts'
import { inTurns } from '../turns.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { requireAuthority } from './owned-rows.ts'
import { hashOf } from './transaction/body-hash.ts'
import { buildEntry, type ReplyFacts, wrap } from './transaction/build-reply.ts'
import { type BundleEntry, type ParsedBundle, parseBundle } from './transaction/bundle-entries.ts'
import { LARGE_BUNDLE } from './transaction/bundle-turns.ts'
import { parseEntryChange } from './transaction/entry-change.ts'
import { checkReadCost } from './transaction/read-cost.ts'
import { answerRead, type EntryRead, parseEntryRead } from './transaction/read-entry.ts'
import { runBatch } from './transaction/run-batch.ts'
import { findReply, replyToStore } from './transaction/stored-reply.ts'
import type { Applied, Change } from './write/change.ts'
import { commitChanges, writeFacts } from './write/commit-changes.ts'
import { filingFacts } from './write/filing-facts.ts'
import { prepareChange } from './write/prepare-change.ts'
import { type MaybeResent, maybeResent } from './write/resent-plan.ts'

/** Looked through before the event loop is let go on: a check must not wait for a Bundle. */
const ENTRIES_A_TURN = 8

/** How long a Bundle identifier is remembered (R15). */
export const REPLY_KEPT_MS = 24 * 60 * 60 * 1000

/** Carries out a posted Bundle. A transaction that fails is one OperationOutcome with every fault and its place, and changed nothing. */
export const handleTransaction: Handler = async (request, caller, context) => {
  const authority = requireAuthority(caller)
  const parsed = parseBundle(request.body)
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  const costly = checkReadCost(parsed.bundle.entries)
  if (costly.length > 0) throw new FhirError(costly)
  const work: BundleWork = {
    request,
    caller: authority,
    context,
    bundle: parsed.bundle,
    bodyHash: () => hashOf(request.body, context),
  }
  if (parsed.bundle.entries.length <= LARGE_BUNDLE) return runBundle(work)
  return context.bundleTurns.take(authority.authority, () => runBundle(work))
}

async function runBundle(work: BundleWork): Promise<FhirResponse> {
  const repeated = await findReply(work)
  if (repeated !== undefined) return repeated
  return work.bundle.type === 'batch' ? runBatch(work) : runTransaction(work)
}

export interface BundleWork {
  readonly request: FhirRequest
  readonly caller: AuthorityCaller
  readonly context: Context
  readonly bundle: ParsedBundle
  /** Keyed: the body holds numbers that could be guessed from a plain hash. */
  readonly bodyHash: () => string
}

/** Writes first, then the reads, which see what was written: one transaction (R4 http.html#trules). */
async function runTransaction(work: BundleWork): Promise<FhirResponse> {
  const { request, caller, context, bundle } = work
  const prepared = await prepareEntries(work, bundle.entries.filter(isWriting))
  const reads = parseReads(work, bundle.entries)
  const issues = [...('issues' in prepared ? prepared.issues : []), ...reads.issues]
  if ('issues' in prepared || issues.length > 0) throw new FhirError(issues)
  const facts = writeFacts(request, caller, context)
  let answers: ReadonlyMap<string, ReplyEntry> = new Map()
  const replyTo = (applied: readonly Applied[]): Bundle =>
    wrap('transaction-response', inOrder(bundle.entries, applied, { answers, reply: { request, facts } }))
  const applied = await commitChanges(prepared.changes, {
    request,
    caller,
    context,
    status: () => 200,
    isAlone: reads.reads.length > 0,
    also: async (unit, done) => {
      answers = await answerReads(reads.reads, caller, { context, reader: unit })
      if (bundle.identifier === undefined) return
      // what was read may be other at the next time
      const body = reads.reads.length === 0 ? replyTo(done) : undefined
      const expiresAt = new Date(request.at.getTime() + REPLY_KEPT_MS)
      await unit.saveBundleReply(
        caller.authority,
        bundle.identifier,
        replyToStore(work.bodyHash(), done, body),
        expiresAt,
      )
    },
  })
  return { status: 200, resource: replyTo(applied), audited: true }
}

/** Whether an entry asks for a change; a GET only reads. Pure. */
export function isWriting(entry: BundleEntry): boolean {
  return entry.method !== 'GET'
}

/** The reading entries, or what is wrong with them. Pure. */
export function parseReads(
  { request, caller }: BundleWork,
  entries: readonly BundleEntry[],
): { readonly reads: readonly EntryRead[]; readonly issues: readonly Issue[] } {
  const parsed = entries.filter((entry) => !isWriting(entry)).map((entry) => parseEntryRead(entry, request, caller))
  return {
    reads: parsed.flatMap((one) => ('code' in one ? [] : [one])),
    issues: parsed.flatMap((one) => ('code' in one ? [one] : [])),
  }
}

async function answerReads(
  reads: readonly EntryRead[],
  caller: AuthorityCaller,
  within: Parameters<typeof answerRead>[2],
): Promise<ReadonlyMap<string, ReplyEntry>> {
  const answers = new Map<string, ReplyEntry>()
  for (const read of reads) answers.set(read.place, await answerRead(read, caller, within))
  return answers
}

/** Answers in the order of the entries. */
function inOrder(
  entries: readonly BundleEntry[],
  applied: readonly Applied[],
  { answers, reply }: { readonly answers: ReadonlyMap<string, ReplyEntry>; readonly reply: ReplyFacts },
): ReplyEntry[] {
  const written = new Map(applied.map((one) => [one.change.place, buildEntry(one, reply)]))
  return entries.flatMap(({ place }) => written.get(place) ?? answers.get(place) ?? [])
}

/** The changes of entries, each permitted by the access table, or all faults of their requests. */
export async function prepareEntries(
  work: BundleWork,
  entries: readonly BundleEntry[],
): Promise<{ readonly changes: readonly Change[] } | { readonly issues: readonly Issue[] }> {
  const prepareOne = await buildEntryPreparer(work)
  const faults = entries.flatMap((entry) => faultsOf(work, parseEntryChange(entry)))
  if (faults.length > 0) return { issues: faults }
  const changes: Change[] = []
  await inTurns(entries, ENTRIES_A_TURN, (entry) => {
    const prepared = prepareOne(entry)
    if (!('faults' in prepared)) changes.push(prepared)
  })
  return { changes }
}

/** Makes the change of one entry, or says why its request cannot be carried out. CPU only. */
export interface EntryPreparer {
  (entry: BundleEntry): Change | { readonly faults: readonly Issue[] }
  /** The same entry, when it may be a plan that is sent again: known by a hash before it is looked at. */
  maybeResent(entry: BundleEntry): MaybeResent | undefined
}

/** Reads the authority's own Organization once for all entries. */
export async function buildEntryPreparer(work: BundleWork): Promise<EntryPreparer> {
  const { context } = work
  const filing = await filingFacts(work.request, work.caller, context)
  const prepare = (entry: BundleEntry): ReturnType<EntryPreparer> => {
    const asked = parseEntryChange(entry)
    const faults = faultsOf(work, asked)
    return 'code' in asked || faults.length > 0 ? { faults } : prepareChange(asked.parts, { filing, context })
  }
  const maybe = (entry: BundleEntry): MaybeResent | undefined => {
    const asked = parseEntryChange(entry)
    if ('code' in asked || faultsOf(work, asked).length > 0) return undefined
    return maybeResent(asked.parts, context.store)
  }
  return Object.assign(prepare, { maybeResent: maybe })
}

type Asked = ReturnType<typeof parseEntryChange>

function faultsOf(work: BundleWork, asked: Asked): readonly Issue[] {
  return 'code' in asked ? [asked] : forbidden(work, asked)
}

/** Each entry is judged like a request of its own (security.md "Table of access"). */
function forbidden(work: BundleWork, entry: Exclude<Asked, Issue>): readonly Issue[] {
  const access = decideAccess(work.caller, { interaction: entry.interaction, type: entry.parts.type })
  return access.allowed ? [] : [issue(access.code, `${entry.parts.place}.request`, access.text)]
}
