/** Merkle trees over ordered leaves (RFC 6962 §2.1; proofs as RFC 9162 §2.1.3): one hash stands for all of them, and a short path shows that one of them is there. Pure. */
import { createHash } from 'node:crypto'

const LEAF = Buffer.of(0x00)
const NODE = Buffer.of(0x01)

/** Hash of one leaf: never that of a node, whatever its bytes are. */
export function leafHash(bytes: string | Buffer): Buffer {
  return createHash('sha256').update(LEAF).update(bytes).digest()
}

/** Root over the leaves in their order; that of none is the SHA-256 of nothing. */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  let level = leaves
  while (level.length > 1) level = levelAbove(level)
  return level[0] ?? createHash('sha256').digest()
}

/** Siblings from the leaf at `index` up to the root; undefined when there is no such leaf. */
export function inclusionPath(leaves: readonly Buffer[], index: number): readonly Buffer[] | undefined {
  if (leaves[index] === undefined) return undefined
  const path: Buffer[] = []
  let level = leaves
  for (let at = index; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) path.push(sibling)
    level = levelAbove(level)
  }
  return path
}

export interface Inclusion {
  readonly leaf: Buffer
  readonly index: number
  /** Leaves of the tree. */
  readonly size: number
  readonly path: readonly Buffer[]
}

/** The root to which a path leads; undefined when its length or the index does not fit a tree of that size. */
export function rootOfPath({ leaf, index, size, path }: Inclusion): Buffer | undefined {
  if (!Number.isInteger(index) || !Number.isInteger(size) || index < 0 || index >= size) return undefined
  let hash = leaf
  let used = 0
  for (let at = index, width = size; width > 1; at = Math.floor(at / 2), width = Math.ceil(width / 2)) {
    const isLonely = at % 2 === 0 && at === width - 1
    if (isLonely) continue
    const sibling = path[used]
    if (sibling === undefined) return undefined
    used += 1
    hash = at % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash)
  }
  return used === path.length ? hash : undefined
}

/** Pairs from the left; a last one alone goes up as it is: the same tree as RFC 6962 splits from the top. */
function levelAbove(level: readonly Buffer[]): Buffer[] {
  const above: Buffer[] = []
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at], level[at + 1]]
    if (left === undefined) break
    above.push(right === undefined ? left : nodeHash(left, right))
  }
  return above
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}
