/** `cpis acknowledge`: an authority answers an alert: what it makes of it, and in which role (OperationDefinition acknowledge). */
import { isObject } from '../fhir/json-object.ts'
import { getBearer } from './bearer.ts'
import { EXIT, type Io, say, sayJson } from './io.ts'
import { sendFhir, serverOrigin } from './server-client.ts'
import { sayTime } from './words.ts'

export interface AcknowledgeOptions {
  /** Sandbox identity of an authority's system. */
  readonly as: string
  readonly code: string
  /** A role, never a person. */
  readonly by: string
  readonly json?: boolean
}

/** Posts the answer to the AuditEvent with this id and says what stands. */
export async function runAcknowledge(id: string, options: AcknowledgeOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const { token } = await getBearer(origin, options.as, io)
  const { body } = await sendFhir(origin, {
    method: 'POST',
    path: `/AuditEvent/${encodeURIComponent(id)}/$acknowledge`,
    token,
    body: {
      resourceType: 'Parameters',
      parameter: [
        { name: 'code', valueCode: options.code },
        { name: 'by', valueString: options.by },
      ],
    },
  })
  if (options.json) sayJson(io, body)
  else say(io, `AuditEvent/${id}: ${options.code}, by ${options.by}${recordedAt(body)}`)
  return EXIT.ok
}

function recordedAt(provenance: unknown): string {
  const recorded = isObject(provenance) ? provenance['recorded'] : undefined
  return typeof recorded === 'string' ? `, at ${sayTime(new Date(recorded))}` : ''
}
