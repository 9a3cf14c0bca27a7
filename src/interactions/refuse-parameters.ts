/** Requests that take no parameters in their address refuse them (interface.md "Search": unknown or misspelt, 400 in strict): one that is ignored may be one that was meant. */
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'
import type { FhirRequest, InteractionCode } from './interaction.ts'

const BY_ID: ReadonlySet<InteractionCode> = new Set(['update', 'patch', 'delete'])
const NEVER: ReadonlySet<InteractionCode> = new Set(['create', 'transaction', 'batch'])

/** Throws UNKNOWN_PARAMETER, unless lenient. A condition of an update, patch or delete without an id is none of these; an operation with a body takes all it needs there. Pure. */
export function refuseParameters({ interaction, id, parameters, prefer, body }: FhirRequest): void {
  if (parameters.length === 0 || prefer.handling === 'lenient') return
  const isPostedOperation = interaction === 'operation' && body !== undefined
  if (!NEVER.has(interaction) && !isPostedOperation && !(BY_ID.has(interaction) && id !== undefined)) return
  throw new FhirError([issue('UNKNOWN_PARAMETER', undefined, 'No parameter is taken in the address here. Remove it.')])
}
