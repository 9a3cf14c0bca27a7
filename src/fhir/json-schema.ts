/** StructureDefinitions as JSON Schemas (JSON Schema 2020-12; R4 json.html): what a generator of clients needs of a profile. The rules that no schema can say stay in the profiles. */
import type { ElementDefinition, Resource, StructureDefinition } from '@medplum/fhirtypes'
import type { Definitions } from './definitions.ts'
import { primitiveSchema } from './json-schema-primitive.ts'
import { PRIMITIVE_TYPES } from './primitive.ts'
import { type CodeList, compileTree, type TreeNode } from './profile-tree.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Name → schema, for `#/components/schemas`. */
export type SchemaSet = Readonly<Record<string, JsonSchema>>

const CORE = 'http://hl7.org/fhir/StructureDefinition/'
const REF = '#/components/schemas/'

/** A reference to a schema of the set. Pure. */
export function refTo(name: string): JsonSchema {
  return { $ref: REF + name }
}

/** What a schema is made from, and what has been found to be needed besides. */
interface Workshop {
  readonly structures: ReadonlyMap<string, StructureDefinition>
  readonly codesOf: Definitions['codesOf']
  readonly made: Map<string, JsonSchema>
}

/** Schemas of these structures, by their ids, and of every data type that they are made of. Throws when one is not defined. Pure. */
export function buildSchemas(definitions: Definitions, urls: readonly string[]): SchemaSet {
  const structures = [...definitions.base, ...definitions.published.filter(isStructure)]
  const shop: Workshop = {
    structures: new Map(structures.map((one) => [one.url, one])),
    codesOf: definitions.codesOf,
    made: new Map(),
  }
  for (const url of urls) makeSchema(url, shop)
  return Object.fromEntries(shop.made)
}

/** Makes the schema of a structure once; the name that it has in the set. */
function makeSchema(url: string, shop: Workshop): string {
  const structure = shop.structures.get(url)
  if (structure === undefined) throw new Error(`${url} is not among the definitions`)
  const name = structure.id ?? structure.name
  if (shop.made.has(name)) return name
  shop.made.set(name, {}) // a type may hold itself
  const elements = structure.snapshot?.element ?? []
  // Without the invariants: compiling them takes most of the time, and no schema can say them
  const bare = { ...structure, snapshot: { element: elements.map(({ constraint: _rules, ...rest }) => rest) } }
  const tree = compileTree(bare, { codesOf: shop.codesOf, typeOf: (one) => one.slice(one.lastIndexOf('/') + 1) })
  const body = objectSchema(tree, { shop, shorts: shortsOf(elements) })
  shop.made.set(name, structure.kind === 'resource' ? asResource(structure, body) : body)
  return name
}

function asResource(structure: StructureDefinition, body: JsonSchema): JsonSchema {
  const { properties, required } = body as { properties: JsonSchema; required?: readonly string[] }
  return {
    ...(structure.title === undefined ? {} : { title: structure.title }),
    description: [structure.description, structure.url].filter((one) => one !== undefined).join(' '),
    ...body,
    properties: { resourceType: { const: structure.type }, ...properties },
    required: ['resourceType', ...(required ?? [])],
  }
}

interface Making {
  readonly shop: Workshop
  /** Path → what the element is, in a few words. */
  readonly shorts: ReadonlyMap<string, string>
}

function shortsOf(elements: readonly ElementDefinition[]): ReadonlyMap<string, string> {
  const said = elements.filter((one) => one.sliceName === undefined && one.short !== undefined)
  return new Map(said.toReversed().map((one) => [one.path, one.short ?? '']))
}

function objectSchema(node: TreeNode, making: Making): JsonSchema {
  const kept = node.members.filter((one) => one.max > 0)
  const properties = kept.flatMap((one) => propertiesOf(one, making))
  const required = kept.filter((one) => one.min > 0 && !one.name.endsWith('[x]')).map((one) => one.name)
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
  }
}

function propertiesOf(node: TreeNode, making: Making): [name: string, schema: JsonSchema][] {
  const isChoice = node.name.endsWith('[x]')
  const types = isChoice ? node.types : node.types.slice(0, 1)
  if (types.length === 0) return [[node.name, asList(node, { type: 'object' })]]
  return types.flatMap(({ code }): [string, JsonSchema][] => {
    const key = isChoice ? node.name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : node.name
    const schema = { ...asList(node, valueSchema(node, code, making)), ...wordsOf(node, making) }
    const hasCompanion = PRIMITIVE_TYPES.has(code) && node.members.some((one) => one.name === 'extension')
    return [[key, schema], ...(hasCompanion ? [[`_${key}`, dataType('Element', making)] as [string, JsonSchema]] : [])]
  })
}

function valueSchema(node: TreeNode, code: string, making: Making): JsonSchema {
  if (node.fixed !== undefined) return { const: node.fixed }
  if (PRIMITIVE_TYPES.has(code)) return primitiveOf(node, code)
  const own = node.members.length > 0 ? objectSchema(node, making) : dataType(code, making)
  return node.pattern === undefined ? own : { allOf: [own, patternSchema(node.pattern)] }
}

function primitiveOf(node: TreeNode, code: string): JsonSchema {
  if (node.pattern !== undefined) return { const: node.pattern }
  const codes = node.codes === undefined ? [] : codesIn(node.codes)
  return codes.length > 0 && code === 'code' ? { type: 'string', enum: codes } : primitiveSchema(code)
}

/** A data type by reference; what is not defined here may be anything. */
function dataType(code: string, making: Making): JsonSchema {
  const url = CORE + code
  return making.shop.structures.has(url) ? refTo(makeSchema(url, making.shop)) : {}
}

function asList(node: TreeNode, schema: JsonSchema): JsonSchema {
  if (!node.isList) return schema
  return {
    type: 'array',
    items: schema,
    ...(node.min > 0 ? { minItems: node.min } : {}),
    ...(Number.isFinite(node.max) ? { maxItems: node.max } : {}),
  }
}

/** What the definition says in words, with the codes, targets and extensions that the schema does not enforce. */
function wordsOf(node: TreeNode, { shorts }: Making): { readonly description?: string } {
  const targets = [...new Set(node.types.flatMap((one) => one.targets))]
  const parts = [
    shorts.get(node.path),
    targets.length === 0 ? undefined : `Target: ${targets.join(', ')}.`,
    node.codes === undefined || node.types[0]?.code === 'code'
      ? undefined
      : `Codes: ${codesIn(node.codes).join(', ')}.`,
    ...node.slices.flatMap((slice) => slice.types[0]?.profiles ?? []),
  ].filter((one) => one !== undefined)
  return parts.length === 0 ? {} : { description: parts.join(' ') }
}

/** R4 profiling: what is given must be in the value, other things may stand beside it. */
function patternSchema(pattern: unknown): JsonSchema {
  if (Array.isArray(pattern)) return { allOf: pattern.map((one) => ({ contains: patternSchema(one) })) }
  if (typeof pattern !== 'object' || pattern === null) return { const: pattern }
  const entries = Object.entries(pattern)
  return {
    properties: Object.fromEntries(entries.map(([key, value]) => [key, patternSchema(value)])),
    required: entries.map(([key]) => key),
  }
}

function codesIn(list: CodeList): string[] {
  return [...new Set([...list.values()].flatMap((codes) => [...codes]))]
}

function isStructure(resource: Resource): resource is StructureDefinition {
  return resource.resourceType === 'StructureDefinition'
}
