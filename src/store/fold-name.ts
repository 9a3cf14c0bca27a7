/** Names as searches compare them (R4 search.html "string"): without case and accents. */

/** Pure. */
export function foldName(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
