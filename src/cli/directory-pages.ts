/** The entries of a file of the directory in requests of a bearable size: sites in one request with the organisation that they are of, for a request knows only itself and what is stored. */

import { SYSTEM } from '../fhir/canonicals.ts'
import { isObject } from '../fhir/json-object.ts'
import type { FileEntry } from './directory-file.ts'

/** Requests are filled up to this many; one organisation with all of its sites may be more, up to MOST. */
const USUAL = 400
/** What the server takes at most. */
const MOST = 1_000

/** Each entry once; those of one organisation stand together, organisation first. Pure. */
export function pagesOf(entries: readonly FileEntry[]): readonly (readonly FileEntry[])[] {
  const pages: FileEntry[][] = []
  for (const family of familiesOf(entries)) {
    for (let from = 0; from < family.length; from += MOST) {
      const part = family.slice(from, from + MOST)
      const last = pages.at(-1)
      if (last !== undefined && last.length + part.length <= USUAL) last.push(...part)
      else pages.push([...part])
    }
  }
  return pages
}

function familiesOf(entries: readonly FileEntry[]): readonly (readonly FileEntry[])[] {
  const parents = new Map<string, string | undefined>()
  for (const { resource } of entries) {
    const code = codeOf(resource)
    if (code !== undefined && !parents.has(code)) parents.set(code, parentOf(resource))
  }
  const families = Map.groupBy(entries, ({ resource, place }) => headOf(codeOf(resource) ?? place, parents).head)
  return [...families.values()].map((family) =>
    family.toSorted((a, b) => depthOf(a.resource, parents) - depthOf(b.resource, parents)),
  )
}

function depthOf(resource: unknown, parents: ReadonlyMap<string, string | undefined>): number {
  return headOf(codeOf(resource) ?? '', parents).depth
}

/** The organisation at the head of a code, as far as the file tells, and how far above; a circle ends where it began. */
function headOf(code: string, parents: ReadonlyMap<string, string | undefined>): { head: string; depth: number } {
  const seen = new Set([code])
  for (let head = code; ; ) {
    const parent = parents.get(head)
    if (parent === undefined || seen.has(parent) || !parents.has(parent)) return { head, depth: seen.size }
    seen.add(parent)
    head = parent
  }
}

/** The ODS or GSS code of what stands in a file; undefined when it has none. Pure. */
export function codeOf(resource: unknown): string | undefined {
  const identifiers = isObject(resource) && Array.isArray(resource['identifier']) ? resource['identifier'] : []
  const own = identifiers.filter(isObject).find(({ system }) => system === SYSTEM.ods || system === SYSTEM.gss)
  return typeof own?.['value'] === 'string' ? own['value'] : undefined
}

function parentOf(resource: unknown): string | undefined {
  const partOf = isObject(resource) ? resource['partOf'] : undefined
  if (!isObject(partOf)) return undefined
  const { identifier, reference } = partOf
  if (isObject(identifier) && typeof identifier['value'] === 'string') return identifier['value']
  return typeof reference === 'string' ? reference.split('/').at(-1) : undefined
}
