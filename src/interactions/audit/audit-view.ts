/** Through whose eyes audit records are rendered (security.md "Audit"; R19), and the names that make them readable without looking anything up. */
import type { Organization } from '@medplum/fhirtypes'
import type { Acknowledgement } from '../../domain/acknowledgement.ts'
import type { AuditRecord } from '../../domain/audit-record.ts'
import type { AuthorityCode, OdsCode } from '../../domain/brands.ts'
import type { Reader } from '../../store/store.ts'

export interface AuditView {
  /** The local authority that reads; absent for an auditor, who sees all. */
  readonly authority?: AuthorityCode
  /** `[origin]/FHIR/R4`. */
  readonly fhirBase: string
  /** Organizations by ODS or GSS code. */
  readonly organizations: ReadonlyMap<string, Organization>
  /** What the authority that reads has itself answered to accesses, in order, by the id of the record; empty for anyone else. */
  readonly acknowledgements: ReadonlyMap<string, readonly Acknowledgement[]>
}

/** Looks up the organisations that these records name (cached), and what the authority that reads has answered. Store I/O. */
export async function loadAuditView(
  records: readonly AuditRecord[],
  reader: { readonly read: Reader; readonly authority?: AuthorityCode; readonly fhirBase: string },
): Promise<AuditView> {
  const { read, authority, fhirBase } = reader
  const organizations = await loadOrganizations(records, read)
  if (authority === undefined) return { fhirBase, organizations, acknowledgements: new Map() }
  const accesses = records.filter(({ incident }) => incident !== undefined).map(({ id }) => id)
  const given = accesses.length === 0 ? [] : await read.acknowledgements(authority, accesses)
  return { fhirBase, organizations, authority, acknowledgements: Map.groupBy(given, ({ auditEvent }) => auditEvent) }
}

/** Whether this record is of another than the authority that reads: then only its own resources in it are shown. Pure. */
export function isForeign(record: AuditRecord, view: Pick<AuditView, 'authority'>): boolean {
  return view.authority !== undefined && record.caller.authority !== view.authority
}

async function loadOrganizations(records: readonly AuditRecord[], read: Reader): Promise<Map<string, Organization>> {
  const ods = unique<OdsCode>(records.flatMap(({ caller, site }) => [caller.organization, site]))
  const gss = unique<AuthorityCode>(records.map(({ caller }) => caller.authority))
  const sites = await Promise.all(ods.map(async (code) => [code, (await read.site(code))?.resource] as const))
  const authorities = gss.length === 0 ? [] : await read.authorities(gss)
  const named = [...sites, ...authorities.map((row) => [row.owner as string, row.resource] as const)]
  return new Map(named.flatMap(([code, resource]) => (resource === undefined ? [] : [[code, resource] as const])))
}

function unique<T>(values: readonly (T | undefined)[]): T[] {
  return [...new Set(values.filter((one) => one !== undefined))]
}
