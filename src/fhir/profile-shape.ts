/** The JSON keys that some members of a tree have: made once for each list of members. */
import { PRIMITIVE_TYPES } from './primitive.ts'
import type { NodeType, TreeNode } from './profile-tree.ts'

export interface Slot {
  readonly node: TreeNode
  readonly type: NodeType
  /** Key in JSON: `valueCode` for value[x]. */
  readonly key: string
  /** Name in FHIRPath: `value`. */
  readonly name: string
  readonly isPrimitive: boolean
}

export interface Shape {
  readonly slots: ReadonlyMap<string, Slot>
  /** Primitives that may be given by an extension alone: all, since each must be refused or checked. */
  readonly companions: readonly Slot[]
  readonly required: readonly { readonly node: TreeNode; readonly keys: readonly string[] }[]
  /** Names of choice elements, without [x]. */
  readonly choices: readonly string[]
}

const UNTYPED: NodeType = { code: 'Element', profiles: [], targets: [] }
const shapes = new WeakMap<readonly TreeNode[], Shape>()

/** The shape of a list of members, remembered. */
export function shapeOf(members: readonly TreeNode[]): Shape {
  const known = shapes.get(members)
  if (known !== undefined) return known
  const made = makeShape(members)
  shapes.set(members, made)
  return made
}

function makeShape(members: readonly TreeNode[]): Shape {
  const slots = members.flatMap(slotsOf)
  return {
    slots: new Map(slots.map((slot) => [slot.key, slot])),
    companions: slots.filter((slot) => slot.isPrimitive),
    required: members
      .filter((node) => node.min > 0)
      .map((node) => ({ node, keys: slotsOf(node).flatMap(({ key }) => [key, `_${key}`]) })),
    choices: members.filter((node) => node.name.endsWith('[x]')).map((node) => node.name.slice(0, -3)),
  }
}

function slotsOf(node: TreeNode): Slot[] {
  const isChoice = node.name.endsWith('[x]')
  const name = isChoice ? node.name.slice(0, -3) : node.name
  const types = isChoice ? (node.max === 0 ? [] : node.types) : [node.types[0] ?? UNTYPED]
  return types.map((type) => ({
    node,
    type,
    key: isChoice ? name + type.code.charAt(0).toUpperCase() + type.code.slice(1) : name,
    name,
    isPrimitive: PRIMITIVE_TYPES.has(type.code),
  }))
}
