/** `AuditEvent/[id]/$acknowledge` (OperationDefinition acknowledge; delivery.md "Recovery"): an authority says what it makes of an access, so that the value of alerts can be seen. */
import type { AuthorityCaller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { type Acknowledgement, decideAcknowledgement, MOST_ACKNOWLEDGEMENTS } from '../domain/acknowledgement.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { Unit } from '../store/store.ts'
import { buildProvenance } from './acknowledge/build-provenance.ts'
import { parseAcknowledgement, type SentAcknowledgement } from './acknowledge/parse-acknowledgement.ts'
import { auditRecord } from './build-audit-record.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { parseId, requireAuthority } from './owned-rows.ts'

/**
 * 200 with the answer as a Provenance. NOT_FOUND for a record that this authority may not read, as for an unknown one;
 * ACKNOWLEDGEMENT_NOT_TAKEN for one that is no access. The same request again, or the same content as the current answer, changes
 * nothing and is answered as before. One transaction with its audit record.
 */
export const handleAcknowledge: Handler = async (request, caller, context) => {
  const own = requireAuthority(caller)
  const sent = parseAcknowledgement(request)
  const access = await getAccess(request, own, context)
  const id = context.newId()
  const audit = {
    entities: [{ type: 'AuditEvent', id: access.id, owner: own.authority }],
    authorities: [own.authority],
  }
  const record = auditRecord(request, own, { id: context.newId(), status: 200, audit })
  const asked = { request, own, sent, access, id, record }
  const { stands, isFirst, isNew } = await context.store.transact((unit) => keep(unit, asked))
  if (isNew) count(context, stands, isFirst ? access : undefined)
  const [organization] = await context.store.read.authorities([own.authority])
  const name = organization?.resource?.name ?? own.authority
  return { status: 200, resource: buildProvenance(stands, { name, fhirBase: fhirBase(context) }), audited: true }
}

interface Asked {
  readonly request: FhirRequest
  readonly own: AuthorityCaller
  readonly sent: SentAcknowledgement
  readonly access: AuditRecord
  readonly id: string
  readonly record: AuditRecord
}

interface Kept {
  readonly stands: Acknowledgement
  readonly isNew: boolean
  readonly isFirst: boolean
}

async function getAccess(
  request: FhirRequest,
  { authority }: { readonly authority: AuthorityCode },
  context: Context,
): Promise<AuditRecord> {
  const id = parseId(request.id)
  const [record] = id === undefined ? [] : await context.store.read.audits({ authority, ids: [id], limit: 1 })
  if (record === undefined) throw fhirError('NOT_FOUND')
  if (record.incident === undefined)
    throw fhirError(
      'ACKNOWLEDGEMENT_NOT_TAKEN',
      undefined,
      'This record is of no access to a child: there is nothing to acknowledge.',
    )
  return record
}

async function keep(unit: Unit, { request, own, sent, access, id, record }: Asked): Promise<Kept> {
  const { authority } = own
  await unit.lock([{ kind: 'condition', owner: authority, text: `acknowledge ${access.id}` }])
  const given = await unit.acknowledgements(authority, [access.id])
  const facts = { ...sent, requestId: request.requestId }
  const decided = decideAcknowledgement(given, facts)
  switch (decided.kind) {
    case 'reused':
      throw fhirError('REQUEST_ID_REUSED')
    case 'too-many':
      throw fhirError('ACKNOWLEDGEMENT_NOT_TAKEN', undefined, TOO_MANY)
    case 'repeated':
      await unit.appendAudit(record)
      return { stands: decided.stands, isNew: false, isFirst: false }
    case 'new': {
      const { sequence } = decided
      const recorded = request.at.toISOString()
      const stands: Acknowledgement = { id, auditEvent: access.id, authority, sequence, recorded, ...facts }
      await unit.appendAcknowledgement(stands)
      await unit.appendAudit(record)
      return { stands, isNew: true, isFirst: sequence === 1 }
    }
  }
}

const TOO_MANY = `Your authority has answered this access ${MOST_ACKNOWLEDGEMENTS} times: the last answer stands.`

/** `first`: the access, when nothing was said of it before. */
function count({ metrics }: Context, { authority, code, recorded }: Acknowledgement, first?: AuditRecord): void {
  metrics.acknowledgements.inc({ authority, code })
  if (first === undefined) return
  const seconds = (Date.parse(recorded) - Date.parse(first.recorded)) / 1_000
  metrics.acknowledgedAfter.observe({ authority }, Math.max(seconds, 0))
}
