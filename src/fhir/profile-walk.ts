/** Walks a resource along a profile tree and tells every fault with its FHIRPath (R4 json.html, validation.html). */
import type { CatalogueCode } from './catalogue.ts'
import { checkPeriod, checkReference } from './data-type-rules.ts'
import type { FaultList } from './fault-list.ts'
import { isCoded, isSame, matchesPattern } from './fixed-and-pattern.ts'
import { isObject, type JsonObject } from './json-object.ts'
import { isPrimitiveValue, PRIMITIVE_TYPES } from './primitive.ts'
import { type Shape, type Slot, shapeOf } from './profile-shape.ts'
import type { NodeType, TreeNode } from './profile-tree.ts'
import { checkRefusedExtensions, checkRefusedMember } from './refused-member.ts'
import { checkExtensions, checkSliced } from './slice-walk.ts'

/** What a walk needs beside the tree. */
export interface Walk {
  readonly faults: FaultList
  /** Tree of a data type, for elements whose members the profile does not say. */
  readonly typeTree: (code: string) => TreeNode | undefined
  /** Tree of the profile of an extension. */
  readonly extensionTree: (url: string) => TreeNode | undefined
}

/** Adds the faults of an object against members. `place` is its FHIRPath. */
export function walkMembers(value: JsonObject, members: readonly TreeNode[], place: string, walk: Walk): void {
  const shape = shapeOf(members)
  for (const key of Object.keys(value)) {
    const slot = shape.slots.get(key)
    if (slot !== undefined) walkSlot(value, slot, place, walk)
    else if (!isCompanion(value, key, shape)) checkUnknown(key, shape, place, walk)
  }
  for (const slot of shape.companions) if (!Object.hasOwn(value, slot.key)) walkLoneCompanion(value, slot, place, walk)
  for (const { node, keys } of shape.required) {
    if (keys.some((key) => Object.hasOwn(value, key))) continue
    const code = node.baseMin > 0 ? 'INVALID_RESOURCE' : 'PROFILE'
    walk.faults.add(code, `${place}.${plainName(node)}`, `${plainName(node)} is required here.`)
  }
}

/** `_birthDate` stands beside `birthDate`: it is looked at with it, or alone. */
function isCompanion(value: JsonObject, key: string, shape: Shape): boolean {
  if (!key.startsWith('_')) return false
  const slot = shape.slots.get(key.slice(1))
  return slot?.isPrimitive === true && (Object.hasOwn(value, slot.key) || shape.companions.includes(slot))
}

function walkLoneCompanion(value: JsonObject, slot: Slot, place: string, walk: Walk): void {
  const companion = value[`_${slot.key}`]
  if (companion !== undefined) walkCompanion(companion, slot.node, `${place}.${slot.name}`, walk)
}

function checkUnknown(key: string, shape: Shape, place: string, walk: Walk): void {
  if (shape.choices.some((name) => key.startsWith(name) && /^[A-Z]/.test(key.slice(name.length)))) {
    const name = shape.choices.find((one) => key.startsWith(one)) ?? key
    walk.faults.add('PROFILE', `${place}.${name}`, 'A value of this type is not taken here.')
  } else walk.faults.add('UNKNOWN_ELEMENT', placeOfUnknown(key, place))
}

/** An unknown name may be a patient's value in the wrong place: only what looks like an element name is echoed. */
function placeOfUnknown(key: string, place: string): string {
  return /^_?[a-z][A-Za-z]{0,40}[0-9]{0,2}$/.test(key) ? `${place}.${key.replace(/^_/, '')}` : place
}

function walkSlot(value: JsonObject, slot: Slot, place: string, walk: Walk): void {
  const { node } = slot
  const at = `${place}.${slot.name}`
  const raw = value[slot.key]
  if (node.name === 'extension' && node.max !== 0) checkExtensions(raw, node, at, walk)
  else if (node.name === 'extension' || node.name === 'modifierExtension') checkRefusedExtensions(raw, at, walk)
  else if (node.max === 0) checkRefusedMember(raw, node, at, walk)
  else if (isList(raw, node, at, walk)) {
    if (Array.isArray(raw)) walkList(raw, slot, at, walk)
    else walkItem(raw, { node, type: slot.type }, at, walk)
    if (slot.isPrimitive) walkCompanion(value[`_${slot.key}`], node, at, walk)
  }
}

/** Whether a value is an array exactly where R4 wants one, and not an empty one. */
function isList(raw: unknown, node: TreeNode, at: string, walk: Walk): boolean {
  if (Array.isArray(raw) === node.isList && !(Array.isArray(raw) && raw.length === 0)) return true
  const text = node.isList ? 'This must be an array that is not empty.' : 'This must not be an array.'
  walk.faults.add('INVALID_RESOURCE', at, text)
  return false
}

function walkList(items: readonly unknown[], slot: Slot, at: string, walk: Walk): void {
  const { node } = slot
  if (items.length > node.max) walk.faults.add('PROFILE', `${at}[${node.max}]`, `At most ${node.max} taken here.`)
  if (node.slices.length > 0) {
    checkSliced(items, { node, type: slot.type }, at, walk)
    return
  }
  if (items.length < node.min) walk.faults.add('PROFILE', at, `At least ${node.min} needed here.`)
  // After the first that is too many, one fault is told for all.
  for (const [index, item] of items.slice(0, node.max).entries()) {
    walkItem(item, { node, type: slot.type }, `${at}[${index}]`, walk)
  }
}

/** An element as one tree sees it, with the type that its key names. */
export interface Typed {
  readonly node: TreeNode
  readonly type: NodeType
}

/** Adds the faults of one value of an element. */
export function walkItem(item: unknown, { node, type }: Typed, at: string, walk: Walk): void {
  const before = walk.faults.count
  if (PRIMITIVE_TYPES.has(type.code)) {
    if (!isPrimitiveValue(type.code, item)) walk.faults.add('INVALID_RESOURCE', at, `Not a ${type.code} of R4.`)
  } else if (!isObject(item) || Object.keys(item).length === 0) {
    walk.faults.add('INVALID_RESOURCE', at, 'This must be an object that is not empty.')
  } else walkObject(item, { node, type }, at, walk)
  if (walk.faults.count === before) checkValue(item, { node, type }, at, walk)
}

function walkObject(item: JsonObject, { node, type }: Typed, at: string, walk: Walk): void {
  const members = node.members.length > 0 ? node.members : (walk.typeTree(type.code)?.members ?? [])
  walkMembers(item, members, at, walk)
  if (type.code === 'Reference') checkReference(item, type.targets, at, walk.faults)
  if (type.code === 'Period') checkPeriod(item, at, walk.faults)
}

/** What is judged only of a value whose form is right: fixed values, codes, invariants. */
function checkValue(item: unknown, { node, type }: Typed, at: string, walk: Walk): void {
  const { fixed, pattern, codes } = node
  if (fixed !== undefined && !isSame(item, fixed)) say('PROFILE', 'This must be the fixed value of the profile.')
  else if (pattern !== undefined && !matchesPattern(item, pattern)) say('PROFILE', 'This must match the profile.')
  else if (codes !== undefined && !isCoded(item, codes)) say('INVALID_CODE')
  else {
    const rules = [...node.invariants, ...(walk.typeTree(type.code)?.invariants ?? [])]
    for (const rule of rules) if (!rule.isKept(item)) say(codeOfRule(rule.key), `${rule.human}.`)
  }
  function say(code: CatalogueCode, text?: string): void {
    walk.faults.add(code, at, text)
  }
}

/** Our own invariants are keyed cpis-…; those of R4 break the base. */
export function codeOfRule(key: string): CatalogueCode {
  return key.startsWith('cpis-') ? 'PROFILE' : 'INVALID_RESOURCE'
}

/** The id and extensions of a primitive, which JSON keeps in `_name`. Taken only where the profile says so. */
function walkCompanion(companion: unknown, node: TreeNode, at: string, walk: Walk): void {
  if (node.members.length > 0) {
    const members = node.members.filter((member) => member.name !== 'value')
    walkMembers(isObject(companion) ? companion : {}, members, at, walk)
    const isEmpty = isObject(companion) && Object.keys(companion).length === 0
    if (companion !== undefined && (isEmpty || !isObject(companion))) walk.faults.add('INVALID_RESOURCE', at)
    return
  }
  if (companion === undefined) return
  const extensions = isObject(companion) ? companion['extension'] : undefined
  if (extensions !== undefined) checkRefusedExtensions(extensions, `${at}.extension`, walk)
  else walk.faults.add('UNKNOWN_ELEMENT', at)
}

function plainName(node: TreeNode): string {
  return node.name.replace('[x]', '')
}
