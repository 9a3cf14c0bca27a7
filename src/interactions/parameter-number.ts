/** An NHS number among the Parameters of an operation (register.md R1), and the place of a parameter in the body. */
import type { NhsNumber } from '../domain/brands.ts'
import { type NumberRange, parseNhsNumber } from '../domain/nhs-number.ts'
import { type Issue, issue } from '../fhir/outcome.ts'

/** `Parameters.parameter[n].value` of a parameter that is known to be there, with a part of it. Pure. */
export function placeOfParameter(body: unknown, name: string, part?: string): string {
  const list = (body as { parameter: readonly { name: string }[] }).parameter
  const at = list.findIndex((one) => one.name === name)
  return `Parameters.parameter[${at}].value${part === undefined ? '' : `.${part}`}`
}

/** The number in a parameter that is known to be there, or what is wrong with it. Never repeats it. Pure. */
export function parseParameterNumber(
  body: unknown,
  parameter: { readonly name: string; readonly value: string | undefined },
  range: NumberRange,
): { readonly nhsNumber: NhsNumber } | { readonly issue: Issue } {
  const { nhsNumber, code } = parseNhsNumber(parameter.value, range)
  if (nhsNumber !== undefined) return { nhsNumber }
  return { issue: issue(code, placeOfParameter(body, parameter.name, 'value')) }
}
