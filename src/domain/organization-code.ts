/** Codes of an Organization (interface.md "Names"). */
import type { Organization } from '@medplum/fhirtypes'

/** A code of an Organization under one system; undefined when it has none. Pure. */
export function codeOf(organization: Organization | undefined, system: string): string | undefined {
  return organization?.identifier?.find((one) => one.system === system)?.value
}
