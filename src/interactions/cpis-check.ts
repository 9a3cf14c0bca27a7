/** `Patient/$cpis-check` (interface.md; P1 to P3; R2 to R7, R18 to R22): what the register knows of a child today, told and recorded in one transaction. */
import type { Bundle } from '@medplum/fhirtypes'
import type { UserCaller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { SHOWN_ACCESSES } from '../domain/access-history.ts'
import { findVisible } from '../domain/visibility.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { StoreError, type Unit } from '../store/store.ts'
import { buildAnswer } from './check/build-answer.ts'
import { checkRecord, type Disclosed } from './check/check-record.ts'
import { type AskedCheck, parseCheck } from './check/parse-check.ts'
import { decideAccess, writeAccess } from './check/record-access.ts'
import { repeatCheck } from './check/repeat-check.ts'
import { watchResult, watchUser } from './check/watch-user.ts'
import type { FhirRequest, Handler } from './interaction.ts'

/** One check on its way. */
export interface Check {
  readonly asked: AskedCheck
  readonly request: FhirRequest
  readonly caller: UserCaller
  readonly context: Context
  /** Keyed hash of caller and X-Request-ID: a repetition collides on it. */
  readonly auditId: string
  /** Keyed hash of what was asked. */
  readonly bodyHash: string
}

/** Answers what is known, or that nothing is; commits the record, the access and its events with it, or throws and discloses nothing. */
export const handleCpisCheck: Handler = async (request, caller, context) => {
  if (caller === undefined || !('user' in caller)) throw fhirError('NOT_PERMITTED')
  const asked = await parseCheck(request, caller, context)
  await watchUser({ asked, request, caller, context })
  const check = openCheck(asked, { request, caller, context })
  const resource = await answerOnce(check).catch((error: unknown) => {
    if (error instanceof StoreError && error.on === 'audit') return repeatCheck(check)
    throw error
  })
  if (resource.total !== 0) context.wakeDelivery('events')
  await watchResult(check, resource.total === 0)
  return { status: 200, resource, audited: true }
}

/** Most children are not known: such checks share their commit, all others have a transaction of their own. */
async function answerOnce(check: Check): Promise<Bundle> {
  const { store } = check.context
  const nothing: Disclosed = { plans: [] }
  if (await store.recordMiss(check.asked.nhsNumber, checkRecord(check, nothing))) {
    return buildAnswer(store.read, check, { plans: [], accesses: [] })
  }
  return store.transact((unit) => runCheck(unit, check))
}

/** One read; a miss adds one insert, and a hit what follows from it. May run again. */
async function runCheck(unit: Unit, check: Check): Promise<Bundle> {
  const { asked, request } = check
  const plans = findVisible(await unit.plansOfChild(asked.nhsNumber), request.today)
  const [first] = plans
  if (first === undefined) {
    await unit.appendAudit(checkRecord(check, { plans }))
    return buildAnswer(unit, check, { plans, accesses: [] })
  }
  const access = asked.setting.scheduled
    ? undefined
    : await decideAccess(unit, check, { plans, childKey: first.childKey })
  await unit.appendAudit(checkRecord(check, { plans, ...(access === undefined ? {} : { access: access.made }) }))
  if (access !== undefined) await writeAccess(unit, access)
  const accesses = access?.before ?? (await unit.accesses(first.childKey, { limit: SHOWN_ACCESSES }))
  return buildAnswer(unit, check, { plans, accesses })
}

function openCheck(asked: AskedCheck, facts: Pick<Check, 'request' | 'caller' | 'context'>): Check {
  const { request, caller, context } = facts
  const { nhsNumber, setting, site = '', birthDate = '' } = asked
  return {
    asked,
    ...facts,
    auditId: context.store.keyedId(['check', caller.clientId, caller.user.id, caller.organization, request.requestId]),
    bodyHash: context.store.keyedId(['asked', nhsNumber, setting.code, site, birthDate]),
  }
}
