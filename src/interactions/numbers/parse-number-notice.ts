/** What the number feed says, from the Parameters of `$number-changed` (interface.md "Other operations"; R1, R23), with every fault at once. */
import type { NhsNumber } from '../../domain/brands.ts'
import type { NumberRange } from '../../domain/nhs-number.ts'
import type { NumberNotice } from '../../domain/number-notice.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { parseParameters } from '../../fhir/parameters.ts'
import { parseParameterNumber, placeOfParameter } from '../parameter-number.ts'

const SPEC = {
  from: { type: 'valueIdentifier', min: 1, max: 1, system: SYSTEM.nhsNumber },
  to: { type: 'valueIdentifier', min: 0, max: 1, system: SYSTEM.nhsNumber },
  reason: { type: 'valueCode', min: 1, max: 1 },
} as const

/** The notice. Throws FhirError with all that is wrong. Pure. */
export function parseNumberNotice(body: unknown, range: NumberRange): NumberNotice {
  const parsed = parseParameters(body, SPEC)
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  const { from, to, reason } = parsed.values
  const old = parseParameterNumber(body, { name: 'from', value: from.value }, range)
  const other = to === undefined ? undefined : parseParameterNumber(body, { name: 'to', value: to.value }, range)
  const issues = [old, other].flatMap((one) => (one !== undefined && 'issue' in one ? [one.issue] : []))
  const numbers = {
    from: 'nhsNumber' in old ? old.nhsNumber : undefined,
    to: other !== undefined && 'nhsNumber' in other ? other.nhsNumber : undefined,
  }
  const notice = buildNotice(reason, numbers)
  issues.push(...checkReason(body, { reason, hasTo: to !== undefined }))
  if (issues.length > 0 || notice === undefined) throw new FhirError(issues)
  return notice
}

function buildNotice(
  reason: string,
  { from, to }: { readonly from: NhsNumber | undefined; readonly to: NhsNumber | undefined },
): NumberNotice | undefined {
  if (from === undefined) return undefined
  if (reason === 'invalid') return { reason, from }
  if (reason === 'correction') return { reason, from, ...(to === undefined ? {} : { to }) }
  return reason === 'superseded' && to !== undefined ? { reason, from, to } : undefined
}

function checkReason(body: unknown, { reason, hasTo }: { reason: string; hasTo: boolean }): readonly Issue[] {
  if (reason === 'superseded' && !hasTo) {
    return [
      issue('MISSING_PARAMETER', 'Parameters.parameter', 'A superseded number needs the one that replaces it: to.'),
    ]
  }
  if (reason === 'invalid' && hasTo) {
    const text = 'A number that is replaced by nothing has no new number. Leave it out, or send the reason superseded.'
    return [issue('INVALID_PARAMETER', placeOfParameter(body, 'to'), text)]
  }
  if (['superseded', 'invalid', 'correction'].includes(reason)) return []
  const text = 'The reason must be superseded, invalid or correction.'
  return [issue('INVALID_PARAMETER', placeOfParameter(body, 'reason'), text)]
}
