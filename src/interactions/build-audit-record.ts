/** One request → its audit record (security.md "Audit"): facts of the frame, and what the story adds. */
import type { Caller } from '../auth/caller.ts'
import type { AuditRecord, Purpose } from '../domain/audit-record.ts'
import type { AuditDetail, FhirRequest } from './interaction.ts'

/** What must be known of a request to record it; less than a whole FhirRequest when it was refused early. */
export type RequestFacts = Pick<FhirRequest, 'route' | 'requestId' | 'at'> &
  Partial<Pick<FhirRequest, 'interaction' | 'type' | 'id' | 'operation' | 'network'>>

export interface Answered {
  readonly id: string
  readonly status: number
  readonly audit?: AuditDetail
  readonly count?: number
}

const ACTION: Readonly<Record<string, AuditRecord['action']>> = {
  create: 'C',
  read: 'R',
  vread: 'R',
  'history-instance': 'R',
  'history-type': 'R',
  'search-type': 'E',
  update: 'U',
  patch: 'U',
  delete: 'D',
}
const WRITES = new Set(['create', 'update', 'patch', 'delete', 'transaction', 'batch'])

/** The record of one answered or refused request. An LA may read the records of its own writes; a story adds more readers. Pure. */
export function auditRecord(request: RequestFacts, caller: Caller | undefined, answered: Answered): AuditRecord {
  const interaction = request.interaction ?? 'operation'
  const own = caller !== undefined && 'authority' in caller && WRITES.has(interaction) ? [caller.authority] : []
  return {
    id: answered.id,
    recorded: request.at.toISOString(),
    interaction,
    ...(request.operation === undefined ? {} : { operation: request.operation }),
    action: ACTION[interaction] ?? 'E',
    outcome: answered.status < 400 ? '0' : answered.status < 500 ? '4' : '8',
    status: answered.status,
    codes: [],
    route: request.route,
    requestId: request.requestId,
    caller: callerFacts(caller, request.network),
    entities: namedEntity(request),
    authorities: own,
    ...(answered.count === undefined ? {} : { count: answered.count }),
    ...answered.audit,
  }
}

/** Why a check was made, where that is not TREAT; nothing for other requests. Pure. */
export function checkPurpose({ operation }: RequestFacts, purpose: Purpose): Pick<AuditRecord, 'purpose'> {
  return operation === 'cpis-check' && purpose !== 'TREAT' ? { purpose } : {}
}

/** Forms of the ids that this server gives: UUIDs, and the GSS code of an authority. */
const GIVEN_ID = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[EWSN]\d{8})$/

/** What the address names. An id that we cannot have given may be a name or a number of a person, and is not kept. */
function namedEntity({ type, id }: RequestFacts): AuditRecord['entities'] {
  return type !== undefined && type !== 'admin' && id !== undefined && GIVEN_ID.test(id) ? [{ type, id }] : []
}

function callerFacts(caller: Caller | undefined, network: string | undefined): AuditRecord['caller'] {
  const from = network === undefined ? {} : { network }
  if (caller === undefined) return { kind: 'nobody', clientId: '', tokenId: '', ...from }
  return {
    kind: caller.kind,
    clientId: caller.clientId,
    tokenId: caller.tokenId,
    ...('user' in caller ? { user: caller.user, organization: caller.organization } : {}),
    ...('authority' in caller ? { authority: caller.authority } : {}),
    ...from,
  }
}
