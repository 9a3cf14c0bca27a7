/** Elements that R4 has and the register does not take (interface.md "Profiles", Refused). */
import type { TreeNode } from './profile-tree.ts'
import type { Walk } from './profile-walk.ts'

/** One fault for an element that the profile sets to 0..0; its inside is not looked at. */
export function checkRefusedMember(raw: unknown, node: TreeNode, at: string, walk: Walk): void {
  const code = node.name === 'contained' ? 'UNKNOWN_ELEMENT' : 'PROFILE'
  walk.faults.add(code, Array.isArray(raw) ? `${at}[0]` : at, 'The register does not take this element. Remove it.')
}

/** One fault for each extension where none is taken. */
export function checkRefusedExtensions(raw: unknown, at: string, walk: Walk): void {
  const count = Array.isArray(raw) ? Math.max(raw.length, 1) : 1
  for (let index = 0; index < count; index += 1) {
    walk.faults.add('UNKNOWN_ELEMENT', `${at}[${index}]`, 'An extension is not taken here. Remove it.')
  }
}
