/** Or-lists of R4 search values (search.html 3.1.1.4.4). */
import { splitOr } from '../../fhir/search-parameters.ts'
import type { Criterion } from '../../store/store.ts'

/** Reads each part of an or-list; undefined when one of them cannot be read. Pure. */
export function each<T>(
  value: string,
  read: (part: string) => T | undefined,
  build: (parts: readonly T[]) => readonly Criterion[],
): readonly Criterion[] | undefined {
  const parts = splitOr(value).map(read)
  const good = parts.filter((one) => one !== undefined)
  return good.length === parts.length ? build(good) : undefined
}
