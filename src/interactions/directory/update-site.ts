/** `PUT Organization/[id]` by the administrator on an NHS organisation or site of the directory (security.md "Table of access"; profile cpis-site; R4 http.html#update). */
import type { Caller } from '../../auth/caller.ts'
import type { Context } from '../../context.ts'
import { FhirError, fhirError } from '../../fhir/fhir-error.ts'
import { buildOutcome, isError, issue } from '../../fhir/outcome.ts'
import type { Row } from '../../store/store.ts'
import { auditRecord } from '../build-audit-record.ts'
import { fhirBase } from '../fhir-base.ts'
import type { FhirRequest, FhirResponse } from '../interaction.ts'
import { findStaleness, parseId, renderRow, versionHeaders } from '../owned-rows.ts'
import { type DecidedEntry, decideEntries } from './decide-entries.ts'
import { type PreparedEntry, prepareEntry } from './prepare-entry.ts'
import { readDirectoryFacts } from './read-facts.ts'

export interface UpdatingSite {
  readonly request: FhirRequest
  readonly caller: Caller
  readonly context: Context
}

const NONE_HELD = 'There is nothing with this id to update. New organisations are loaded: POST /admin/directory.'

/** Whether the address names an NHS organisation or site; else an authority. Throws METHOD_NOT_ALLOWED when the directory holds neither. Store I/O. */
export async function isSite({ id }: Pick<FhirRequest, 'id'>, context: Context): Promise<boolean> {
  const parsed = parseId(id)
  const held = parsed === undefined ? undefined : await context.store.read.organizations.find(parsed)
  if (held === undefined) throw fhirError('METHOD_NOT_ALLOWED', undefined, NONE_HELD)
  return held.owner === 'directory'
}

/** The new version, or the same one when nothing changes. Throws FhirError with all faults, having changed nothing; the ODS code cannot change. Store I/O, in one transaction with its record. */
export async function updateSite({ request, caller, context }: UpdatingSite): Promise<FhirResponse> {
  const entry = prepareEntry({ place: '', resourcePlace: '', value: request.body }, context.profiles)
  refuseOtherId(entry, request)
  const auditId = context.newId()
  const decided = await context.store.transact(async (unit) => {
    const read = await readDirectoryFacts(unit, [entry])
    const facts = { ...read, profiles: context.profiles, at: request.at, keepsClosed: false }
    const one = getStored(decideEntries([entry], facts), read.held.get(request.id ?? ''), request)
    if (one.outcome === 'updated') await unit.put(one.row)
    const { type, id, version } = one.row
    const audit = { entities: [{ type, id, version }], codes: one.issues.map(({ code }) => code) }
    await unit.appendAudit(auditRecord(request, caller, { id: auditId, status: 200, audit }))
    return one
  })
  return answer(decided, request, fhirBase(context))
}

const KEY_STAYS = 'The ODS code is the key of the directory and cannot change. Load the other organisation beside it.'

/** All that can be said before the transaction: the body's id, and its key. */
function refuseOtherId(entry: PreparedEntry, { id, body }: FhirRequest): void {
  if (entry.sent === undefined) throw new FhirError(entry.issues)
  const bodyId = typeof body === 'object' && body !== null && 'id' in body ? body.id : undefined
  const faults = [
    ...(bodyId === id ? [] : [issue('ID_MISMATCH', 'Organization.id')]),
    ...(entry.id === undefined || (entry.kind === 'site' && entry.id === id)
      ? []
      : [issue('PROFILE', 'Organization.identifier[0].value', KEY_STAYS)]),
  ]
  if (faults.length > 0) throw new FhirError(faults)
}

type Stored = DecidedEntry & { readonly row: Row<'Organization'> }

/** What is to stand. Throws FhirError with all faults: of the content, and of a version that is no longer current. */
function getStored(
  [decided]: readonly DecidedEntry[],
  before: Row<'Organization'> | undefined,
  request: FhirRequest,
): Stored {
  const stale = before && findStaleness(request.headers.ifMatch, before.version)
  const faults = [...(stale === undefined ? [] : [stale]), ...(decided?.issues.filter(isError) ?? [])]
  if (faults.length > 0) throw new FhirError(faults)
  if (decided?.row === undefined || before === undefined) throw fhirError('METHOD_NOT_ALLOWED')
  return { ...decided, row: decided.row }
}

function answer({ row, outcome, issues }: Stored, { prefer, today }: FhirRequest, base: string): FhirResponse {
  const headers = versionHeaders(row, base)
  if (prefer.return === 'minimal') return { status: 200, headers, audited: true }
  const all = outcome === 'unchanged' ? [...issues, issue('UNCHANGED')] : issues
  const resource = prefer.return === 'OperationOutcome' ? buildOutcome(all) : renderRow(row, today)
  return { status: 200, headers, resource, audited: true }
}
