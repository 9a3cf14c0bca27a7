/** Snapshots of StructureDefinitions as trees that can be walked fast (R4 profiling.html, elementdefinition.html). */
import type { ElementDefinition, ElementDefinitionType, StructureDefinition } from '@medplum/fhirtypes'
import { compileInvariant, type Invariant } from './invariant.ts'

/** One element as a profile (or base R4) sees it. */
export interface TreeNode {
  /** Name as in the definition: `identifier`, `value[x]`; for the root the type. */
  readonly name: string
  readonly path: string
  readonly min: number
  readonly max: number
  /** Cardinality in base R4: what falls outside it is INVALID_RESOURCE, not PROFILE. */
  readonly baseMin: number
  readonly isList: boolean
  readonly types: readonly NodeType[]
  readonly fixed?: unknown
  readonly pattern?: unknown
  /** Codes by system of a required binding that lists its codes. */
  readonly codes?: CodeList
  readonly invariants: readonly Invariant[]
  /** Members said in place; a node without them takes those of its type. */
  readonly members: TreeNode[]
  readonly sliceName?: string
  readonly slices: TreeNode[]
  readonly discriminators: readonly string[]
  readonly isClosed: boolean
}

export interface NodeType {
  readonly code: string
  /** Profiles of an extension. */
  readonly profiles: readonly string[]
  /** Resource types that a reference may have; empty when any. */
  readonly targets: readonly string[]
}

/** System → codes. */
export type CodeList = ReadonlyMap<string, ReadonlySet<string>>

/** What compiling needs to know of other definitions. */
export interface Surroundings {
  readonly codesOf: (valueSet: string) => CodeList | undefined
  /** Resource type that a structure describes. */
  readonly typeOf: (structureUrl: string) => string
}

/** Tree of one snapshot. Throws on an element without a parent: a broken definition must stop the start. */
export function compileTree(structure: StructureDefinition, around: Surroundings): TreeNode {
  const nodes = new Map<string, TreeNode>()
  let root: TreeNode | undefined
  for (const element of structure.snapshot?.element ?? []) {
    const node = compileNode(element, around)
    nodes.set(element.id ?? element.path, node)
    if (root === undefined) root = node
    else attach(element, node, nodes)
  }
  if (root === undefined) throw new Error(`${structure.url} has no snapshot`)
  return root
}

function attach(element: ElementDefinition, node: TreeNode, nodes: ReadonlyMap<string, TreeNode>): void {
  const id = element.id ?? element.path
  const isSlice = element.sliceName !== undefined
  const parent = nodes.get(isSlice ? id.slice(0, id.lastIndexOf(':')) : id.slice(0, id.lastIndexOf('.')))
  if (parent === undefined) throw new Error(`${id} has no parent in its snapshot`)
  if (isSlice) parent.slices.push(node)
  else parent.members.push(node)
}

function compileNode(element: ElementDefinition, around: Surroundings): TreeNode {
  const fixed = prefixedValue(element, 'fixed')
  const pattern = prefixedValue(element, 'pattern')
  const codes = element.binding?.strength === 'required' ? around.codesOf(element.binding.valueSet ?? '') : undefined
  return {
    name: element.path.slice(element.path.lastIndexOf('.') + 1),
    path: element.path,
    min: element.min ?? 0,
    max: bound(element.max),
    baseMin: element.base?.min ?? element.min ?? 0,
    isList: bound(element.base?.max ?? element.max) > 1,
    types: isResourceId(element) ? [RESOURCE_ID] : (element.type ?? []).map((type) => compileType(type, around)),
    ...(fixed === undefined ? {} : { fixed }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(codes === undefined ? {} : { codes }),
    invariants: (element.constraint ?? []).flatMap((rule) => compileInvariant(rule, element.path)),
    members: [],
    ...(element.sliceName === undefined ? {} : { sliceName: element.sliceName }),
    slices: [],
    discriminators: element.slicing?.discriminator?.map((one) => one.path) ?? [],
    isClosed: element.slicing?.rules === 'closed',
  }
}

function bound(max: string | undefined): number {
  return max === undefined || max === '*' ? Number.POSITIVE_INFINITY : Number(max)
}

function prefixedValue(element: ElementDefinition, prefix: 'fixed' | 'pattern'): unknown {
  return Object.entries(element).find(([key]) => new RegExp(`^${prefix}[A-Z]`).test(key))?.[1]
}

/** R4's definitions call the id of a resource a string; it is an id (resource.html#id). */
const RESOURCE_ID: NodeType = { code: 'id', profiles: [], targets: [] }

function isResourceId({ path, base }: ElementDefinition): boolean {
  return base?.path === 'Resource.id' && path.endsWith('.id')
}

const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type'

function compileType(type: ElementDefinitionType, around: Surroundings): NodeType {
  const named = type.extension?.find((one) => one.url === FHIR_TYPE)?.valueUrl
  const isSystem = type.code.startsWith('http://hl7.org/fhirpath/')
  return {
    code: named ?? (isSystem ? 'string' : type.code),
    profiles: type.profile ?? [],
    targets: (type.targetProfile ?? []).map(around.typeOf).filter((target) => target !== 'Resource'),
  }
}
