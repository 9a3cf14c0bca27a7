/** The FHIR base URL of this server. */
import type { Context } from '../context.ts'

/** Path of the FHIR interface below the origin. */
export const FHIR_PATH = '/FHIR/R4'

/** `[origin]/FHIR/R4`, without a trailing slash. Pure. */
export function fhirBase(context: Pick<Context, 'config'>): string {
  return context.config.baseUrl + FHIR_PATH
}
