/** Plan rows ↔ the facts that the rules speak of. */
import type { LondonDay, NhsNumber } from '../../domain/brands.ts'
import { parseNhsNumber } from '../../domain/nhs-number.ts'
import type { PlanFacts } from '../../domain/plan.ts'
import { turnsOn } from '../../domain/turn-of-day.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import type { Row, RowIndex } from '../../store/store.ts'
import type { WriteFacts } from './change.ts'

export { planFactsOf } from '../../domain/stored-plan.ts'

/** The NHS number that the plan itself names, by a logical reference; undefined when only its Patient holds one. Pure. */
export function ownNumberOf(row: Row<'EpisodeOfCare'>, numberRange: WriteFacts['numberRange']): NhsNumber | undefined {
  const named = row.resource?.patient.identifier
  if (named?.system !== SYSTEM.nhsNumber) return undefined
  const parsed = parseNhsNumber(named.value, numberRange)
  return 'nhsNumber' in parsed ? parsed.nhsNumber : undefined
}

/** A plan's index with what its Patient says now: number (unless the plan names its own), birth date and link. Pure. */
export function indexWithPatient(
  row: Row<'EpisodeOfCare'>,
  patient: Row<'Patient'>,
  numberRange: WriteFacts['numberRange'],
): RowIndex {
  const { nhsNumber: _number, birthDate: _birth, patientId: _patient, patientToken: _token, ...rest } = row.index
  const nhsNumber = ownNumberOf(row, numberRange) ?? patient.index.nhsNumber
  return {
    ...rest,
    patientId: patient.id,
    ...(nhsNumber === undefined ? {} : { nhsNumber }),
    ...(patient.index.birthDate === undefined ? {} : { birthDate: patient.index.birthDate }),
  }
}

/** The row with the day on which its status, or its Flag's, next stops being true. Pure. */
export function withTurn(row: Row<'EpisodeOfCare'>, plan: PlanFacts, today: LondonDay): Row<'EpisodeOfCare'> {
  const { turnsOn: _old, ...rest } = row.index
  const day = row.deleted ? undefined : turnsOn(plan, today)
  return { ...row, index: { ...rest, ...(day === undefined ? {} : { turnsOn: day }) } }
}
