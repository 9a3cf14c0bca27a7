/** What the register adds to an authority's reading of its own plan (interface.md "Profiles"): days without a number (R17), the new number (R23), the babies (R24). Never in an answer to the NHS. */
import type { Extension } from '@medplum/fhirtypes'
import type { LondonDay, NhsNumber } from '../domain/brands.ts'
import { daysWithoutNumber } from '../domain/daily-events.ts'
import { EXTENSION, SYSTEM } from '../fhir/canonicals.ts'
import type { OwnedType, Row } from '../store/store.ts'

/** Extensions of a plan as of today; none for other types. Pure. */
export function remarksOn(row: Row<OwnedType>, today: LondonDay): readonly Extension[] {
  if (row.type !== 'EpisodeOfCare') return []
  const { nhsNumber, withdrawn, filedAt, newNumber, babyNumbers = [] } = row.index
  const isParked = nhsNumber === undefined && withdrawn !== true && filedAt !== undefined
  return [
    ...(isParked ? [{ url: EXTENSION.daysWithoutNumber, valueInteger: daysWithoutNumber(filedAt, today) }] : []),
    ...(newNumber === undefined ? [] : [{ url: EXTENSION.newNumber, valueIdentifier: identifierOf(newNumber) }]),
    ...babyNumbers.map((baby) => ({ url: EXTENSION.babyNumber, valueIdentifier: identifierOf(baby) })),
  ]
}

function identifierOf(value: NhsNumber): NonNullable<Extension['valueIdentifier']> {
  return { system: SYSTEM.nhsNumber, value }
}
