/** A resource as one authority may see it, for what is sent to its endpoints (delivery.md "Bundle", full-resource). */
import type { Resource } from '@medplum/fhirtypes'
import type { Context } from '../context.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import { londonDayOf } from '../domain/london-day.ts'
import { loadAuditView } from './audit/audit-view.ts'
import { fhirBase } from './fhir-base.ts'
import { isOwnedType, parseId, renderRow } from './owned-rows.ts'
import { renderAuditEvent } from './render-audit-event.ts'

/** The resource behind `Type/id`, by the same rules as a read with that authority's token; undefined where that would be 404 or 410. One or two reads. */
export async function readForAuthority(
  context: Context,
  authority: AuthorityCode,
  reference: string,
): Promise<Resource | undefined> {
  const [type, text] = reference.split('/')
  const id = parseId(text)
  if (id === undefined) return undefined
  if (type === 'AuditEvent') return readAudit(context, authority, id)
  if (!isOwnedType(type) || type === 'Organization') return undefined
  const row = await context.store.read.of(authority, type).find(id)
  return row === undefined || row.deleted ? undefined : renderRow(row, londonDayOf(context.clock()))
}

async function readAudit(context: Context, authority: AuthorityCode, id: string): Promise<Resource | undefined> {
  const [record] = await context.store.read.audits({ authority, ids: [id], limit: 1 })
  if (record === undefined) return undefined
  const view = await loadAuditView([record], { read: context.store.read, fhirBase: fhirBase(context), authority })
  return renderAuditEvent(record, view)
}
