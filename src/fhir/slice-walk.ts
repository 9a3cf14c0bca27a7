/** Slices and extensions: which kind an item is of, and how many of each kind there may be (R4 profiling.html#slicing). */
import { isSame, matchesPattern } from './fixed-and-pattern.ts'
import { isObject } from './json-object.ts'
import type { TreeNode } from './profile-tree.ts'
import { codeOfRule, type Typed, type Walk, walkItem, walkMembers } from './profile-walk.ts'

/** Adds the faults of a sliced list. */
export function checkSliced(items: readonly unknown[], { node, type }: Typed, at: string, walk: Walk): void {
  const counts = new Map<TreeNode, number>()
  for (const [index, item] of items.entries()) {
    const place = `${at}[${index}]`
    const slice = node.slices.find((one) => isOfSlice(item, one, node.discriminators))
    if (slice === undefined) checkRest(item, { node, type }, place, walk)
    else if (countUp(counts, slice) > slice.max) sayTooMany(slice, place, walk)
    else walkItem(item, { node: slice, type: slice.types[0] ?? type }, place, walk)
  }
  checkCounts(node.slices, counts, at, walk)
}

/** Of a closed list only the slices say what an item may hold, so an object that is of none has this one fault. */
function checkRest(item: unknown, { node, type }: Typed, place: string, walk: Walk): void {
  if (!node.isClosed || !isObject(item)) walkItem(item, { node, type }, place, walk)
  else {
    const kinds = node.slices.map((slice) => slice.sliceName).join(', ')
    walk.faults.add('PROFILE', place, `This is none of the kinds that are taken here: ${kinds}.`)
  }
}

function isOfSlice(item: unknown, slice: TreeNode, paths: readonly string[]): boolean {
  return paths.every((path) => {
    const node = path === '$this' ? slice : slice.members.find((member) => member.name === path)
    const value = path === '$this' ? item : isObject(item) ? item[path] : undefined
    return node !== undefined && isOfNode(value, node)
  })
}

/** Fixed and pattern values decide; a Coding that is said by its members is told by those of them that are fixed. */
function isOfNode(value: unknown, node: TreeNode): boolean {
  if (node.fixed !== undefined) return isSame(value, node.fixed)
  if (node.pattern !== undefined) return matchesPattern(value, node.pattern)
  const fixed = node.members.filter((member) => member.fixed !== undefined)
  return fixed.length > 0 && isObject(value) && fixed.every((member) => isSame(value[member.name], member.fixed))
}

/** Adds the faults of a list of extensions: each must be of a kind that the profile takes there. */
export function checkExtensions(raw: unknown, node: TreeNode, at: string, walk: Walk): void {
  if (!Array.isArray(raw) || raw.length === 0) {
    walk.faults.add('INVALID_RESOURCE', at, 'This must be an array that is not empty.')
    return
  }
  const counts = new Map<TreeNode, number>()
  for (const [index, item] of raw.entries()) {
    const place = `${at}[${index}]`
    const slice = isObject(item) ? node.slices.find((one) => urlOf(one) === item['url']) : undefined
    if (slice === undefined) walk.faults.add('UNKNOWN_ELEMENT', place, 'This extension is not taken here. Remove it.')
    else if (countUp(counts, slice) > slice.max) sayTooMany(slice, place, walk)
    else walkExtension(item, slice, place, walk)
  }
  checkCounts(node.slices, counts, at, walk)
}

function walkExtension(item: unknown, slice: TreeNode, place: string, walk: Walk): void {
  const before = walk.faults.count
  const tree = walk.extensionTree(slice.types[0]?.profiles[0] ?? '') ?? slice
  // What a profile says of an extension in place restates all of its members.
  const { members } = slice.members.length > 0 ? slice : tree
  if (isObject(item)) walkMembers(item, members, place, walk)
  if (walk.faults.count > before) return
  for (const rule of tree.invariants) if (!rule.isKept(item)) walk.faults.add(codeOfRule(rule.key), place, rule.human)
}

function urlOf(slice: TreeNode): unknown {
  return slice.types[0]?.profiles[0] ?? slice.members.find((member) => member.name === 'url')?.fixed
}

function countUp(counts: Map<TreeNode, number>, slice: TreeNode): number {
  const count = (counts.get(slice) ?? 0) + 1
  counts.set(slice, count)
  return count
}

function sayTooMany(slice: TreeNode, place: string, walk: Walk): void {
  walk.faults.add('PROFILE', place, `At most ${slice.max} of the kind ${slice.sliceName ?? ''} taken here.`)
}

function checkCounts(slices: readonly TreeNode[], counts: ReadonlyMap<TreeNode, number>, at: string, walk: Walk): void {
  for (const slice of slices) {
    if ((counts.get(slice) ?? 0) >= slice.min) continue
    walk.faults.add('PROFILE', at, `One of the kind ${slice.sliceName ?? ''} is needed here.`)
  }
}
