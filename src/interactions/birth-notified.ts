/** `Patient/$birth-notified` (interface.md "Other operations"; R24): a baby was born, and the mother's unborn plans are shown for it from now on. */
import { numbersOfChild } from '../domain/number-chain.ts'
import { type Birth, replacementsOf } from '../domain/number-notice.ts'
import { buildOutcome } from '../fhir/outcome.ts'
import type { Row, Unit } from '../store/store.ts'
import { auditRecord } from './build-audit-record.ts'
import type { Handler } from './interaction.ts'
import { noticeFacts, numberRange, touchedEntities } from './numbers/notice-facts.ts'
import { parseBirth } from './numbers/parse-birth.ts'
import { type NoticeFacts, refreshPlans } from './numbers/refresh-plans.ts'

/** Answers the same whether or not anything is known. The link, what the authorities are told and the audit record commit together. */
export const handleBirthNotified: Handler = async (request, caller, context) => {
  const asked = parseBirth(request.body, { range: numberRange(context), today: request.today })
  const birth: Birth = { ...asked, at: request.at.toISOString() }
  const auditId = context.newId()
  await context.store.transact(async (unit) => {
    const touched = await carryOut(unit, birth, noticeFacts(request, auditId, context))
    const audit = { nhsNumber: birth.mother, entities: touchedEntities(touched), authorities: [] }
    await unit.appendAudit(auditRecord(request, caller, { id: auditId, status: 200, audit }))
  })
  context.wakeDelivery()
  return { status: 200, resource: buildOutcome([]), audited: true }
}

/** The plans that the notice touched; none when it says nothing new. May run again. */
async function carryOut(unit: Unit, birth: Birth, facts: NoticeFacts): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const { links, births } = await unit.numberNotices([birth.mother])
  const standing = births.find(({ mother, baby }) => mother === birth.mother && baby === birth.baby)
  if (standing?.birthDate === birth.birthDate) return []
  const numbers = [...numbersOfChild(replacementsOf(links), birth.mother)]
  await unit.lock(numbers.map((nhsNumber) => ({ kind: 'number', nhsNumber })))
  // the same birth with another day keeps its place among the babies
  const kept = standing === undefined ? birth : { ...standing, birthDate: birth.birthDate }
  await unit.putBirth(kept)
  const notices = { links, births: [...births.filter((one) => one !== standing), kept] }
  return refreshPlans(unit, { numbers, notices }, facts)
}
