/** How a Bundle is known again (R15): by its content, whatever the order of keys. */
import type { Context } from '../../context.ts'
import { canonicalJson } from '../../fhir/json.ts'

/** Keyed: the body holds numbers that could be guessed from a plain hash. Pure. */
export function hashOf(body: unknown, context: Pick<Context, 'store'>): string {
  return context.store.keyedId(['bundle', canonicalJson(body)])
}
