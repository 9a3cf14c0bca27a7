/** `Patient/$number-changed` (interface.md "Other operations"; R23): the NHS has replaced a number, taken it out of use, or undoes an earlier notice. */
import type { NhsNumber } from '../domain/brands.ts'
import { decideNotice, linksAfter, type NumberNotice } from '../domain/number-notice.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { buildOutcome } from '../fhir/outcome.ts'
import type { Row, Unit } from '../store/store.ts'
import { auditRecord } from './build-audit-record.ts'
import type { Handler } from './interaction.ts'
import { noticeFacts, numberRange, touchedEntities } from './numbers/notice-facts.ts'
import { parseNumberNotice } from './numbers/parse-number-notice.ts'
import { type NoticeFacts, refreshPlans, tellRetired } from './numbers/refresh-plans.ts'
import { regroupChildren } from './numbers/regroup-children.ts'
import { placeOfParameter } from './parameter-number.ts'

/** Answers the same whether or not anything is known; a circle is refused. Links, histories, plans, events and the audit record commit together. */
export const handleNumberChanged: Handler = async (request, caller, context) => {
  const notice = parseNumberNotice(request.body, numberRange(context))
  const auditId = context.newId()
  await context.store.transact(async (unit) => {
    const touched = await carryOut(unit, notice, noticeFacts(request, auditId, context))
    if (touched === undefined) throw fhirError('IDENTITY_LOOP', placeOfParameter(request.body, 'to'))
    const audit = { nhsNumber: notice.from, entities: touchedEntities(touched), authorities: [] }
    await unit.appendAudit(auditRecord(request, caller, { id: auditId, status: 200, audit }))
  })
  context.wakeDelivery()
  return { status: 200, resource: buildOutcome([]), audited: true }
}

/** The plans that the notice touched, none when it says nothing new; undefined when it would close a circle. May run again. */
async function carryOut(
  unit: Unit,
  notice: NumberNotice,
  facts: NoticeFacts,
): Promise<readonly Row<'EpisodeOfCare'>[] | undefined> {
  const named = numbersIn(notice)
  const { links, births } = await unit.numberNotices(named)
  const decided = decideNotice(links, notice, facts.at.toISOString())
  if (decided.kind === 'loop') return undefined
  if (decided.kind === 'nothing-new') return []
  const numbers = [...new Set([...named, ...links.flatMap(numbersIn)])]
  await unit.lock(numbers.map((nhsNumber) => ({ kind: 'number', nhsNumber })))
  await regroupChildren(unit, { links, decided }, facts)
  const notices = { links: linksAfter(links, decided), births }
  const changed = await refreshPlans(unit, { numbers, notices }, facts)
  const isRetired = decided.made !== undefined && decided.made.to === undefined
  const told = isRetired ? await tellRetired(unit, notice.from, facts) : []
  return [...changed, ...told]
}

function numbersIn({ from, to }: { readonly from: NhsNumber; readonly to?: NhsNumber }): readonly NhsNumber[] {
  return to === undefined ? [from] : [from, to]
}
