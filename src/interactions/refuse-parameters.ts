/** Requests that take no parameters in their address refuse them (interface.md "Search": unknown or misspelt, 400 in strict): one that is ignored may be one that was meant. */
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import type { FhirRequest, InteractionCode } from './interaction.ts'

const BY_ID: ReadonlySet<InteractionCode> = new Set(['update', 'patch', 'delete'])
const NEVER: ReadonlySet<InteractionCode> = new Set(['create', 'transaction', 'batch'])
/** Operations that take all they need in their Parameters; others look at their address themselves. */
const BY_BODY: ReadonlySet<string | undefined> = new Set([
  'cpis-check',
  'number-changed',
  'birth-notified',
  'disclosed',
])

/** Throws UNKNOWN_PARAMETER, unless lenient. A condition of an update, patch or delete without an id is none of these. Pure. */
export function refuseParameters({ interaction, id, operation, parameters, prefer }: FhirRequest): void {
  if (parameters.length === 0 || prefer.handling === 'lenient') return
  const takesNone = NEVER.has(interaction) || BY_BODY.has(operation) || (BY_ID.has(interaction) && id !== undefined)
  if (!takesNone) return
  throw new FhirError([issue('UNKNOWN_PARAMETER', undefined, 'No parameter is taken in the address here. Remove it.')])
}
