/** A birth, from the Parameters of `$birth-notified` (interface.md "Other operations"; R1, R24), with every fault at once. */
import type { LondonDay } from '../../domain/brands.ts'
import { parseDay } from '../../domain/london-day.ts'
import type { NumberRange } from '../../domain/nhs-number.ts'
import type { Birth } from '../../domain/number-notice.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { parseParameters } from '../../fhir/parameters.ts'
import { parseParameterNumber, placeOfParameter } from '../parameter-number.ts'

const SPEC = {
  mother: { type: 'valueIdentifier', min: 1, max: 1, system: SYSTEM.nhsNumber },
  baby: { type: 'valueIdentifier', min: 1, max: 1, system: SYSTEM.nhsNumber },
  birthDate: { type: 'valueDate', min: 1, max: 1 },
} as const

/** The birth. Throws FhirError with all that is wrong: numbers, a day that is none or to come, a mother who is her own baby. Pure. */
export function parseBirth(
  body: unknown,
  { range, today }: { readonly range: NumberRange; readonly today: LondonDay },
): Omit<Birth, 'at'> {
  const parsed = parseParameters(body, SPEC)
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  const { values } = parsed
  const mother = parseParameterNumber(body, { name: 'mother', value: values.mother.value }, range)
  const baby = parseParameterNumber(body, { name: 'baby', value: values.baby.value }, range)
  const birthDate = values.birthDate.length === 10 ? parseDay(values.birthDate) : undefined
  const issues: Issue[] = [mother, baby].flatMap((one) => ('issue' in one ? [one.issue] : []))
  const invalid = (name: string, text: string): Issue =>
    issue('INVALID_PARAMETER', placeOfParameter(body, name, name === 'baby' ? 'value' : undefined), text)
  if (birthDate === undefined) issues.push(invalid('birthDate', 'The day of birth must be a whole day, YYYY-MM-DD.'))
  else if (birthDate > today) issues.push(invalid('birthDate', 'The day of birth is in the future.'))
  if (!('nhsNumber' in mother && 'nhsNumber' in baby) || birthDate === undefined) throw new FhirError(issues)
  if (mother.nhsNumber === baby.nhsNumber) issues.push(invalid('baby', 'Mother and baby have one number. Check them.'))
  if (issues.length > 0) throw new FhirError(issues)
  return { mother: mother.nhsNumber, baby: baby.nhsNumber, birthDate }
}
