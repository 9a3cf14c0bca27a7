/** Stops a user who runs through numbers, and tells the administrator (security.md "Abuse and bad input"): an AuditEvent of the server's own, and a metric. */
import type { AuditRecord } from '../../domain/audit-record.ts'
import { type Run, STOP_MS } from '../../domain/enumeration.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { issue } from '../../fhir/outcome.ts'
import type { Check } from '../cpis-check.ts'

/** Codes of CodeSystem cpis-audit-subtype. */
export type Alert = 'numbers-in-sequence' | 'unusual-misses'

/** Throws RATE_LIMITED, with the seconds left, while the user is stopped or when this check completes a run. Store I/O only when it does. */
export async function watchUser({
  caller,
  request,
  context,
  asked,
}: Omit<Check, 'auditId' | 'bodyHash'>): Promise<void> {
  const { enumeration } = context
  const leftMs = enumeration.stoppedFor(caller.user.id, request.at)
  if (leftMs > 0) throw stopped(leftMs)
  const run = enumeration.note(caller.user.id, asked.nhsNumber, request.at)
  if (run === undefined) return
  await alert('numbers-in-sequence', { caller, request, context })
  context.log.warn({ requestId: request.requestId, client: caller.clientId, run: words(run) }, 'user stopped')
  throw stopped(STOP_MS)
}

/** Notes whether the check found something; an unusual ratio of those that did not is told, and stops no one. Store I/O only then. */
export async function watchResult({ caller, request, context }: Check, isMiss: boolean): Promise<void> {
  if (!context.enumeration.noteResult(caller.user.id, isMiss, request.at)) return
  await alert('unusual-misses', { caller, request, context })
}

const RUN_WORDS: Readonly<Record<Run, string>> = {
  ordered: 'neighbours in order',
  cluster: 'many neighbours',
  stride: 'equal steps',
}

function words(run: Run): string {
  return RUN_WORDS[run]
}

function stopped(leftMs: number): FhirError {
  const text =
    'Checks were made of numbers in sequence. This user is stopped for 15 minutes and the administrator is told.'
  const headers = { 'Retry-After': String(Math.ceil(leftMs / 1000)) }
  return new FhirError([issue('RATE_LIMITED', undefined, text)], { headers })
}

/** An alert that cannot be kept is counted and logged: the stop itself needs no database. */
async function alert(
  name: Alert,
  { caller, request, context }: Pick<Check, 'caller' | 'request' | 'context'>,
): Promise<void> {
  context.metrics.alerts.inc({ alert: name })
  const isStop = name === 'numbers-in-sequence'
  const record: AuditRecord = {
    id: context.newId(),
    recorded: request.at.toISOString(),
    interaction: 'operation',
    operation: name,
    action: 'E',
    outcome: isStop ? '4' : '0',
    status: isStop ? 429 : 200,
    codes: isStop ? ['RATE_LIMITED'] : [],
    route: request.route,
    requestId: request.requestId,
    // by the server, about a user: no number of a child, the user's own checks stand in the log beside it
    caller: {
      kind: 'server',
      clientId: '',
      tokenId: caller.tokenId,
      user: caller.user,
      organization: caller.organization,
    },
    entities: [],
    authorities: [],
  }
  try {
    await context.store.appendAudit(record)
  } catch {
    context.log.error({ requestId: request.requestId, alert: name }, 'alert not recorded')
  }
}
