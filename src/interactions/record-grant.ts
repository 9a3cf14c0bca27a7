/** The audit record of an access token that was given out (security.md "Audit"; DICOM 110122 Login): to whom, through which client, and its jti, by which later records name it. */
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { auditRecord, type RequestFacts } from './build-audit-record.ts'
import type { GrantBudget } from './grant-budget.ts'

/** AuditRecord.operation of it. */
export const TOKEN = 'token'

/** Resolves when it is kept: a token that is not recorded is not given. Beyond some a minute for one person or client they are counted, and the next record says how many. Rejects with StoreError. */
export async function recordGrant(
  request: RequestFacts,
  caller: Caller,
  context: Pick<Context, 'store' | 'newId'> & { readonly grants: GrantBudget },
): Promise<void> {
  const { record, unrecorded } = context.grants.take(request.at, subjectOf(caller))
  if (!record) return
  const more = unrecorded === 0 ? {} : { count: unrecorded + 1 }
  const granted = { id: context.newId(), status: 200, ...more }
  await context.store.appendAudit(auditRecord({ ...request, operation: TOKEN }, caller, granted))
}

function subjectOf(caller: Caller): string {
  const whom = 'user' in caller ? caller.user.id : 'authority' in caller ? caller.authority : ''
  return `${caller.clientId} ${whom}`
}
