/** A check sent again under its X-Request-ID (interface.md "$cpis-check"): the same answer under the same AuditEvent, never an outdated one. */
import type { Bundle } from '@medplum/fhirtypes'
import { SHOWN_ACCESSES } from '../../domain/access-history.ts'
import type { AuditRecord } from '../../domain/audit-record.ts'
import { type FoundPlan, findVisible } from '../../domain/visibility.ts'
import { fhirError } from '../../fhir/fhir-error.ts'
import type { Check } from '../cpis-check.ts'
import { buildAnswer } from './build-answer.ts'

/** How many accesses since the recorded one are looked past for those before it. */
const LATER_ACCESSES = 100

/** The answer once more, with no second record, event or history line; REQUEST_ID_REUSED when the question or the plans are other than those recorded. Reads only. */
export async function repeatCheck(check: Check): Promise<Bundle> {
  const { asked, request, context, auditId, bodyHash } = check
  return context.store.transact(async (unit) => {
    const [recorded] = await unit.audits({ ids: [auditId], limit: 1 })
    if (recorded === undefined || recorded.bodyHash !== bodyHash) throw fhirError('REQUEST_ID_REUSED')
    const all = await unit.plansOfChild(asked.nhsNumber)
    const plans = findVisible(all, request.today)
    if (!isAsRecorded(plans, recorded)) throw fhirError('REQUEST_ID_REUSED')
    const childKey = plans[0] === undefined ? undefined : all[0]?.childKey
    const known =
      childKey === undefined ? [] : await unit.accesses(childKey, { limit: SHOWN_ACCESSES + LATER_ACCESSES })
    const before = known.filter((one) => one.id !== auditId && one.at <= recorded.recorded).slice(0, SHOWN_ACCESSES)
    return buildAnswer(unit, check, { plans, accesses: before }, new Date(recorded.recorded))
  })
}

function isAsRecorded(plans: readonly FoundPlan[], recorded: AuditRecord): boolean {
  const now = plans.map((plan) => `${plan.id} ${plan.version}`).sort()
  const then = recorded.entities.map((one) => `${one.id} ${one.version}`).sort()
  return now.length === then.length && now.every((one, at) => one === then[at])
}
