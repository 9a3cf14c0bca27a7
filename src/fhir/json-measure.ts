/** How deep and how large a JSON value is (security.md "Abuse and bad input"), told by a loop: a value that is too deep for recursion is what is looked for. */

export interface JsonSize {
  /** Objects and arrays inside each other; 0 for a plain value. */
  readonly depth: number
  /** Values of every kind, the outermost included; counting stops one past the bound. */
  readonly nodes: number
}

/** Measures a value; stops looking at more than `mostNodes` values. Pure. */
export function measureJson(value: unknown, mostNodes: number): JsonSize {
  let nodes = 0
  let depth = 0
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }]
  for (let next = waiting.pop(); next !== undefined && nodes <= mostNodes; next = waiting.pop()) {
    nodes += 1
    if (typeof next.value !== 'object' || next.value === null) continue
    depth = Math.max(depth, next.depth)
    for (const member of Object.values(next.value)) waiting.push({ value: member, depth: next.depth + 1 })
  }
  return { depth, nodes }
}
