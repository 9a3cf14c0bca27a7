/** A Bundle identifier that was seen before (R15): the stored reply while it is still true, else the Bundle is carried out anew. */
import type { Bundle } from '@medplum/fhirtypes'
import { fhirError } from '../../fhir/fhir-error.ts'
import type { BundleReply } from '../../store/store.ts'
import type { FhirResponse } from '../interaction.ts'
import type { BundleWork } from '../transaction.ts'
import type { Applied } from '../write/change.ts'

/** The stored reply to this very Bundle; undefined when it is new, or when something it names has changed since. BUNDLE_ID_REUSED for other content. */
export async function findReply(work: BundleWork): Promise<FhirResponse | undefined> {
  const stored = await checkReply(work)
  if (stored === undefined || !(await isStillTrue(work, stored))) return undefined
  return { status: stored.status, resource: stored.body as Bundle }
}

/** What is kept of a Bundle with this identifier. Throws BUNDLE_ID_REUSED when it had other content. */
export async function checkReply(work: BundleWork): Promise<BundleReply | undefined> {
  const { identifier } = work.bundle
  if (identifier === undefined) return undefined
  const stored = await work.context.store.read.bundleReply(work.caller.authority, identifier)
  if (stored !== undefined && stored.bodyHash !== work.bodyHash())
    throw fhirError('BUNDLE_ID_REUSED', 'Bundle.identifier')
  return stored
}

async function isStillTrue(work: BundleWork, stored: BundleReply): Promise<boolean> {
  for (const { type, id, version } of stored.versions) {
    const row = await work.context.store.read.of(work.caller.authority, type).find(id)
    if (row?.version !== version) return false
  }
  return true
}

/** What is kept of a reply. Pure. */
export function replyToStore(bodyHash: string, applied: readonly Applied[], body: Bundle): BundleReply {
  return {
    bodyHash,
    status: 200,
    body,
    versions: applied.flatMap(({ row }) =>
      row === undefined ? [] : [{ type: row.type, id: row.id, version: row.version }],
    ),
  }
}
