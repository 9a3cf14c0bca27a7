/** Has the Authorization header verified (RFC 6750 §2.1): a caller, or a flat 401 whose reason goes to the log only. */
import type { IncomingMessage } from 'node:http'
import { CHALLENGE, verifyAccessToken } from '../auth/access-token.ts'
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { FhirError } from '../fhir/fhir-error.ts'
import { issue } from '../fhir/outcome.ts'

/** Who calls. Throws UNAUTHENTICATED, the same for every fault of the token. Store I/O at most once a second. */
export async function authenticate(req: IncomingMessage, requestId: string, context: Context): Promise<Caller> {
  const verified = await verifyAccessToken(req.headers.authorization, context)
  if (verified.caller !== undefined) return verified.caller
  if (!verified.missing) context.log.info({ requestId, reason: verified.reason }, 'token refused')
  throw new FhirError([issue('UNAUTHENTICATED')], { headers: CHALLENGE })
}
