/** A Bundle identifier that was seen before (R15): the stored reply while it is still true, else the Bundle is carried out anew. */
import type { Bundle } from '@medplum/fhirtypes'
import { fhirError } from '../../fhir/fhir-error.ts'
import type { BundleReply } from '../../store/store.ts'
import { slicesOf } from '../../turns.ts'
import type { FhirResponse } from '../interaction.ts'
import type { BundleWork } from '../transaction.ts'
import type { Applied } from '../write/change.ts'

/** The stored reply to this very Bundle; undefined when it is new, was refused in part, or when something it names has changed since. BUNDLE_ID_REUSED for other content. */
export async function findReply(work: BundleWork): Promise<FhirResponse | undefined> {
  const stored = await checkReply(work)
  if (stored?.body === undefined || !(await isStillTrue(work, stored))) return undefined
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

/** Whether everything the reply names is still at that version. One read for each type and page. */
async function isStillTrue(work: BundleWork, stored: BundleReply): Promise<boolean> {
  for (const [type, named] of Map.groupBy(stored.versions, (one) => one.type)) {
    const rows = work.context.store.read.of(work.caller.authority, type)
    for (const page of slicesOf(named, ROWS_A_READ)) {
      const found = await rows.search({
        criteria: [{ field: 'id', anyOf: page.map((one) => one.id) }],
        limit: page.length,
      })
      const versions = new Map(found.map((row) => [row.id, row.version]))
      // what was deleted is found no more: then the Bundle is carried out anew
      if (page.some((one) => versions.get(one.id) !== one.version)) return false
    }
  }
  return true
}

const ROWS_A_READ = 500

/** What is kept of a reply; without a body only that the identifier was used for this content. Pure. */
export function replyToStore(bodyHash: string, applied: readonly Applied[], body: Bundle | undefined): BundleReply {
  return {
    bodyHash,
    status: 200,
    ...(body === undefined ? {} : { body }),
    versions: applied.flatMap(({ row }) =>
      row === undefined ? [] : [{ type: row.type, id: row.id, version: row.version }],
    ),
  }
}
