/** Read and search of AuditEvents (security.md "Audit"; interface.md "REST"): an authority sees the records that name it, an auditor all, bound by date; newest first. */
import type { Bundle } from '@medplum/fhirtypes'
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { type AuditPlan, parseAuditSearch } from './audit/audit-query.ts'
import { loadAuditView } from './audit/audit-view.ts'
import { openPage, type Place } from './cursor.ts'
import { fhirBase } from './fhir-base.ts'
import type { Handler } from './interaction.ts'
import { parseId } from './owned-rows.ts'
import { buildLinks } from './paging.ts'
import { renderAuditEvent } from './render-audit-event.ts'
import { parseReadShape, type Shape, shapeResource } from './search/shape.ts'

const TYPE = 'AuditEvent'

/** One record; NOT_FOUND for an unknown one and for one that does not name the caller's authority (the same). Store I/O. */
export const handleReadAudit: Handler = async (request, caller, context) => {
  const scope = scopeOf(caller)
  const shape = parseReadShape(request.parameters, request.prefer.handling === 'lenient')
  const id = parseId(request.id)
  const [record] = id === undefined ? [] : await context.store.read.audits({ ...scope, ids: [id], limit: 1 })
  if (record === undefined) throw fhirError('NOT_FOUND')
  const view = await loadAuditView([record], { read: context.store.read, fhirBase: fhirBase(context), ...scope })
  const resource = shapeResource(renderAuditEvent(record, view), shape)
  return { status: 200, resource, audit: { entities: [{ type: TYPE, id: record.id }] } }
}

/** A searchset, newest first. Throws FhirError with every fault of the parameters; MISSING_PARAMETER for an auditor without a date. Store I/O. */
export const handleSearchAudits: Handler = async (request, caller, context) => {
  const scope = scopeOf(caller)
  const holder = { caller, context }
  const { cursor, parameters } = openPage(request, TYPE, holder)
  const parsed = parseAuditSearch(parameters, {
    isLenient: request.prefer.handling === 'lenient',
    needsDate: scope.authority === undefined,
    hasWorklist: scope.authority !== undefined,
    numberRange: context.config.mode === 'sandbox' ? 'test' : 'real',
    fhirBase: fhirBase(context),
  })
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  const { plan } = parsed
  const found = await findRecords(plan, cursor?.places.at(-1), { scope, context })
  const shown = found.slice(0, plan.count)
  const last = shown.at(-1)
  const more: Place | undefined = found.length > plan.count && last !== undefined ? [last.recorded, last.id] : undefined
  const url = `${fhirBase(context)}/${TYPE}`
  const resource: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(plan.needsTotal ? { total: await countRecords(plan, { scope, context }) } : {}),
    link: buildLinks({ scope: TYPE, url, parameters: plan.used, cursor, more, ...holder }),
    ...(await entriesOf(shown, plan.shape, { scope, context })),
  }
  return { status: 200, resource, audit: { parameters: plan.used.map(([name]) => name) } }
}

interface Scope {
  /** Only records that name this authority; absent for an auditor. */
  readonly authority?: AuthorityCode
}

interface Search {
  readonly scope: Scope
  readonly context: Context
}

function scopeOf(caller: Caller | undefined): Scope {
  if (caller === undefined) throw fhirError('UNAUTHENTICATED')
  if ('authority' in caller) return { authority: caller.authority }
  if (caller.kind === 'auditor') return {}
  throw fhirError('NOT_PERMITTED')
}

async function findRecords(plan: AuditPlan, after: Place | undefined, search: Search): Promise<readonly AuditRecord[]> {
  if (plan.selection === undefined || plan.count === 0) return []
  const behind = after === undefined ? {} : { after: [String(after[0]), String(after[1])] as const }
  return await search.context.store.read.audits({
    ...plan.selection,
    ...search.scope,
    limit: plan.count + 1,
    ...behind,
  })
}

async function countRecords(plan: AuditPlan, { scope, context }: Search): Promise<number> {
  if (plan.selection === undefined) return 0
  return await context.store.read.countAudits({ ...plan.selection, ...scope })
}

async function entriesOf(
  records: readonly AuditRecord[],
  shape: Shape,
  { scope, context }: Search,
): Promise<Pick<Bundle, 'entry'>> {
  if (records.length === 0) return {}
  const view = await loadAuditView(records, { read: context.store.read, fhirBase: fhirBase(context), ...scope })
  const entry = records.map((record) => ({
    fullUrl: `${fhirBase(context)}/${TYPE}/${record.id}`,
    resource: shapeResource(renderAuditEvent(record, view), shape),
    search: { mode: 'match' as const },
  }))
  return { entry }
}
