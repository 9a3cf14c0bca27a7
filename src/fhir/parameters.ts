/** What callers send to an operation: a R4 Parameters resource against the typed list of one operation (R4 parameters.html). */

import type { Coding, Identifier, Resource } from '@medplum/fhirtypes'
import { isObject, type JsonObject } from './json-object.ts'
import { type Issue, issue } from './outcome.ts'
import { isPrimitiveValue } from './primitive.ts'

interface ParameterTypes {
  valueIdentifier: Identifier
  valueCoding: Coding
  valueDate: string
  valueCode: string
  valueId: string
  valueString: string
  valueUri: string
  resource: Resource
}
export type ParameterType = keyof ParameterTypes

/** One parameter of an operation. `system`: the only system taken in an Identifier or Coding. */
export interface ParameterRule {
  readonly type: ParameterType
  readonly min: 0 | 1
  readonly max: 1 | '*'
  readonly system?: string
}

/** The parameters of an operation by name. */
export type ParameterSpec = Readonly<Record<string, ParameterRule>>

type ValueOf<R extends ParameterRule> = R['max'] extends '*'
  ? readonly ParameterTypes[R['type']][]
  : R['min'] extends 1
    ? ParameterTypes[R['type']]
    : ParameterTypes[R['type']] | undefined
export type ParameterValues<S extends ParameterSpec> = { readonly [K in keyof S]: ValueOf<S[K]> }
export type ParsedParameters<S extends ParameterSpec> =
  | { readonly values: ParameterValues<S> }
  | { readonly issues: readonly Issue[] }

type Parsed = { readonly value: unknown } | { readonly issues: readonly Issue[] }
interface Found {
  readonly values: Map<string, unknown[]>
  readonly issues: Issue[]
}

const ROOT = 'Parameters'
const LIST = 'Parameters.parameter'

/**
 * Reads a Parameters body: Identifier comes back as {system?, value}, Coding as {system?, code, display?}, a resource as
 * sent. All issues at once: UNKNOWN_PARAMETER (name not in the spec), MISSING_PARAMETER (min), INVALID_PARAMETER (wrong
 * type or form, a second one where one is taken), UNKNOWN_ELEMENT (anything else in the body). Pure.
 */
export function parseParameters<const S extends ParameterSpec>(body: unknown, spec: S): ParsedParameters<S> {
  if (!isObject(body) || body['resourceType'] !== ROOT) {
    return { issues: [issue('INVALID_PARAMETER', ROOT, 'The body must be one Parameters resource.')] }
  }
  const found: Found = {
    values: new Map(),
    issues: unknownKeys(body, ROOT, ['resourceType', 'id', 'meta', 'parameter']),
  }
  const list = body['parameter'] ?? []
  if (Array.isArray(list)) for (const [index, part] of list.entries()) takePart(part, `${LIST}[${index}]`, spec, found)
  else found.issues.push(issue('INVALID_PARAMETER', LIST, 'parameter must be an array.'))
  found.issues.push(...missing(spec, found))
  if (found.issues.length > 0) return { issues: found.issues }
  return { values: collect(spec, found.values) }
}

function takePart(part: unknown, place: string, spec: ParameterSpec, found: Found): void {
  const name = isObject(part) ? part['name'] : undefined
  if (!isObject(part) || typeof name !== 'string') {
    found.issues.push(issue('INVALID_PARAMETER', place, 'Each parameter must be an object with a name.'))
    return
  }
  const rule = Object.hasOwn(spec, name) ? spec[name] : undefined
  if (rule === undefined) {
    found.issues.push(issue('UNKNOWN_PARAMETER', `${place}.name`))
    return
  }
  const earlier = found.values.get(name)
  if (earlier !== undefined && rule.max === 1) {
    found.issues.push(issue('INVALID_PARAMETER', place, `The parameter ${name} is taken once only.`))
    return
  }
  const parsed = parsePart(part, place, rule)
  // A wrong value still counts as given: it must not be reported as missing too.
  found.values.set(name, [...(earlier ?? []), 'value' in parsed ? parsed.value : undefined])
  if ('issues' in parsed) found.issues.push(...parsed.issues)
}

function parsePart(part: JsonObject, place: string, rule: ParameterRule): Parsed {
  const others = Object.keys(part).filter((key) => key !== 'name' && key !== 'id')
  const inside = rule.type === 'resource' ? `${place}.resource` : `${place}.value`
  if (others.length !== 1 || others[0] !== rule.type) {
    const text = `This parameter takes exactly one ${rule.type} and nothing else.`
    return { issues: [issue('INVALID_PARAMETER', others.length === 0 ? place : inside, text)] }
  }
  return parseValue(part[rule.type], inside, rule)
}

function parseValue(value: unknown, place: string, rule: ParameterRule): Parsed {
  switch (rule.type) {
    case 'valueIdentifier':
      return parseCoded(value, place, { rule, needed: 'value', kept: ['system', 'value'], known: ['use', 'type'] })
    case 'valueCoding':
      return parseCoded(value, place, {
        rule,
        needed: 'code',
        kept: ['system', 'code', 'display'],
        known: ['version', 'userSelected'],
      })
    case 'resource':
      return isObject(value) && typeof value['resourceType'] === 'string' ? { value } : invalid(place, 'a resource')
    case 'valueDate':
      return primitive('date', value, place)
    case 'valueCode':
      return primitive('code', value, place)
    case 'valueId':
      return primitive('id', value, place)
    case 'valueUri':
      return primitive('uri', value, place)
    case 'valueString':
      return primitive('string', value, place)
  }
}

interface CodedShape {
  readonly rule: ParameterRule
  /** The member without which it says nothing. */
  readonly needed: string
  readonly kept: readonly string[]
  /** Members of R4 that are taken and not used. */
  readonly known: readonly string[]
}

function parseCoded(value: unknown, place: string, shape: CodedShape): Parsed {
  if (!isObject(value)) return invalid(place, 'an object')
  const issues = unknownKeys(value, place, [...shape.kept, ...shape.known])
  for (const key of shape.kept) {
    const isWrong = value[key] === undefined ? key === shape.needed : !isMember(key, value[key])
    if (isWrong) issues.push(issue('INVALID_PARAMETER', `${place}.${key}`, `${key} must be a text that is not empty.`))
  }
  const { system } = shape.rule
  if (issues.length === 0 && system !== undefined && value['system'] !== system) {
    issues.push(issue('INVALID_PARAMETER', `${place}.system`, `The system must be ${system}.`))
  }
  if (issues.length > 0) return { issues }
  return { value: Object.fromEntries(shape.kept.filter((key) => key in value).map((key) => [key, value[key]])) }
}

function isMember(key: string, value: unknown): boolean {
  return isPrimitiveValue(key === 'system' ? 'uri' : key === 'code' ? 'code' : 'string', value)
}

function primitive(type: string, value: unknown, place: string): Parsed {
  return isPrimitiveValue(type, value) ? { value } : invalid(place, `a ${type}`)
}

function invalid(place: string, what: string): Parsed {
  return { issues: [issue('INVALID_PARAMETER', place, `The value must be ${what} of R4.`)] }
}

function missing(spec: ParameterSpec, found: Found): Issue[] {
  return Object.entries(spec)
    .filter(([name, rule]) => rule.min === 1 && !found.values.has(name))
    .map(([name]) => issue('MISSING_PARAMETER', LIST, `The parameter ${name} is needed. Add it.`))
}

function collect<S extends ParameterSpec>(spec: S, values: Found['values']): ParameterValues<S> {
  const entries = Object.entries(spec).map(([name, rule]) => {
    const given = values.get(name) ?? []
    return [name, rule.max === '*' ? given : given[0]]
  })
  return Object.fromEntries(entries) as ParameterValues<S>
}

function unknownKeys(value: JsonObject, place: string, known: readonly string[]): Issue[] {
  return Object.keys(value).some((key) => !known.includes(key))
    ? [issue('UNKNOWN_ELEMENT', place, 'There is an element here that this operation does not take. Remove it.')]
    : []
}
