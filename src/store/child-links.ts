/** Which child a number stands for: the one place that the links of R23 and R24 will change (storage.md "Transactions"). */
import type { ChildKey, SubjectKey } from '../domain/brands.ts'

/** Key of the last number in the chain of replaced numbers: of a number that nothing replaced, its own. Pure. */
export function childKeyOf(subjectKey: SubjectKey): ChildKey {
  return subjectKey as string as ChildKey
}
