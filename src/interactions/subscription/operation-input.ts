/** The input of an operation on Subscriptions, from a Parameters body or from the address (R4 operations.html#request): one way to read both. */
import { FhirError, fhirError } from '../../fhir/fhir-error.ts'
import { issue } from '../../fhir/outcome.ts'
import { type ParameterSpec, type ParameterValues, parseParameters } from '../../fhir/parameters.ts'
import type { FhirRequest } from '../interaction.ts'
import { placeOfParameter } from '../parameter-number.ts'

export interface OperationInput<S extends ParameterSpec> {
  readonly values: ParameterValues<S>
  /** Where a parameter that was given stands; in an address, its place among the parameters there. */
  readonly placeOf: (name: string) => string
}

/** Throws with all faults: UNKNOWN_PARAMETER (left out when lenient), INVALID_PARAMETER, UNKNOWN_ELEMENT. Pure. */
export function parseOperationInput<const S extends ParameterSpec>(request: FhirRequest, spec: S): OperationInput<S> {
  const isLenient = request.prefer.handling === 'lenient'
  if (request.body !== undefined && request.parameters.length > 0 && !isLenient)
    throw fhirError('UNKNOWN_PARAMETER', undefined, 'With a body no parameter is taken in the address. Remove it.')
  const body = request.body ?? asParameters(request.parameters, spec, isLenient)
  const parsed = parseParameters(body, spec)
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  return { values: parsed.values, placeOf: (name) => placeOfParameter(body, name) }
}

function asParameters(parameters: FhirRequest['parameters'], spec: ParameterSpec, isLenient: boolean): unknown {
  const taken = isLenient ? parameters.filter(([name]) => Object.hasOwn(spec, name)) : parameters
  const parameter = taken.map(([name, value]) => {
    const type = Object.hasOwn(spec, name) ? (spec[name]?.type ?? 'valueString') : 'valueString'
    return { name, [type]: value }
  })
  return { resourceType: 'Parameters', parameter }
}

/** One parameter has a wrong value; says what is wanted. */
export function wrongInput(place: string, words: string): FhirError {
  return new FhirError([issue('INVALID_PARAMETER', place, words)])
}
