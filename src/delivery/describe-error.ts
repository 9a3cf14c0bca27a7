/** What may be logged of a fault: never words that could hold a value of a patient (security.md). */
import { StoreError } from '../store/store.ts'

/** The message only of errors whose words are ours; of others where they came from. Pure. */
export function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof StoreError) return { error: error.kind, message: error.message }
  if (!(error instanceof Error)) return { error: 'unknown' }
  return { error: error.name, stack: error.stack?.split('\n').filter((line) => line.startsWith('    at ')) }
}
