/** A batch: each entry stands alone, in the order sent; good ones are stored, bad ones returned with place and code (R16). */
import type { BundleEntry as ReplyEntry } from '@medplum/fhirtypes'
import { type Issue, isError, issue, underPlace } from '../../fhir/outcome.ts'
import type { Unit } from '../../store/store.ts'
import { auditRecord } from '../build-audit-record.ts'
import type { FhirResponse } from '../interaction.ts'
import { type BundleWork, prepareEntries } from '../transaction.ts'
import { applyChanges } from '../write/apply-changes.ts'
import type { Applied, Change, WriteFacts } from '../write/change.ts'
import { auditOf, writeFacts } from '../write/commit-changes.ts'
import { buildEntry, buildRefusedEntry, wrap } from './build-reply.ts'
import type { BundleEntry } from './bundle-entries.ts'

/** Entries that share one transaction: few enough to stay short, many enough to be fast. */
const ENTRIES_A_TRANSACTION = 50

type Done = { readonly applied: Applied } | { readonly issues: readonly Issue[] }

/** Carries out a batch. Always 200 with one answer for each entry; each stored part is committed with its audit record. */
export async function runBatch(work: BundleWork): Promise<FhirResponse> {
  const facts = writeFacts(work.request, work.caller, work.context)
  const urls = new Set(work.bundle.entries.flatMap((entry) => entry.fullUrl ?? []))
  const prepared = await Promise.all(work.bundle.entries.map((entry) => prepareAlone(work, entry, urls)))
  const done: Done[] = []
  for (let from = 0; from < prepared.length; from += ENTRIES_A_TRANSACTION) {
    done.push(...(await commitPart(work, facts, prepared.slice(from, from + ENTRIES_A_TRANSACTION))))
  }
  const entries = done.map(
    (one): ReplyEntry =>
      'applied' in one ? buildEntry(one.applied, { request: work.request, facts }) : buildRefusedEntry(one.issues),
  )
  return { status: 200, resource: wrap('batch-response', entries), audited: true }
}

/** A reference to another entry cannot be resolved in a batch, so such an entry is refused alone. */
async function prepareAlone(
  work: BundleWork,
  entry: BundleEntry,
  urls: ReadonlySet<string>,
): Promise<Change | readonly Issue[]> {
  const references = JSON.stringify(entry.resource ?? null).matchAll(/"reference":"([^"]+)"/g)
  if ([...references].some(([, url]) => url !== undefined && url !== entry.fullUrl && urls.has(url))) {
    return [
      issue(
        'INVALID_REFERENCE',
        entry.place,
        'An entry of a batch cannot refer to another entry. Name the child by identifier, or send a transaction.',
      ),
    ]
  }
  const prepared = await prepareEntries(work, [entry])
  if ('issues' in prepared) return prepared.issues
  return prepared.changes[0] ?? [issue('INVALID_BUNDLE', entry.place)]
}

async function commitPart(
  work: BundleWork,
  facts: WriteFacts,
  part: readonly (Change | readonly Issue[])[],
): Promise<readonly Done[]> {
  const { request, caller, context } = work
  const auditId = context.newId()
  return context.store.transact(async (unit) => {
    const done: Done[] = []
    for (const one of part) done.push('issues' in one ? await applyAlone(unit, one, facts) : { issues: one })
    const applied = done.flatMap((one) => ('applied' in one ? [one.applied] : []))
    const refused = done.flatMap((one) => ('issues' in one ? one.issues.map((fault) => fault.code) : []))
    const stored = auditOf(applied)
    const audit = { ...stored, codes: [...new Set([...(stored.codes ?? []), ...refused])] }
    await unit.appendAudit(auditRecord(request, caller, { id: auditId, status: 200, audit }))
    return done
  })
}

async function applyAlone(unit: Unit, change: Change, facts: WriteFacts): Promise<Done> {
  if (change.issues.some(isError))
    return { issues: change.issues.map((one) => underPlace(`${change.place}.resource`, one)) }
  const outcome = await applyChanges(unit, [change], facts)
  if ('issues' in outcome) return outcome
  const [applied] = outcome.applied
  return applied === undefined ? { issues: [issue('INTERNAL', change.place)] } : { applied }
}
