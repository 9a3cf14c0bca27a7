/** What is told of a request to the log and the metrics, by allow-list: never an address, a value, a token or a message that could quote one (security.md "Privacy"). */
import { types } from 'node:util'
import type { FhirError } from '../fhir/fhir-error.ts'
import type { Exchange } from './exchange.ts'

/** One log line and one observation of an answered request. */
export function logAnswer(exchange: Exchange, status: number): void {
  const ms = performance.now() - exchange.startedMs
  const { context, caller, req } = exchange
  context.metrics.requests.observe({ route: exchange.template, status }, ms / 1000)
  context.log.info(
    {
      route: exchange.template,
      method: METHODS.has(req.method ?? '') ? req.method : 'other',
      status,
      ms: Math.round(ms * 10) / 10,
      requestId: exchange.requestId,
      ...(caller === undefined ? {} : { client: caller.clientId, kind: caller.kind }),
      ...(caller !== undefined && 'organization' in caller ? { organization: caller.organization } : {}),
      ...(caller !== undefined && 'authority' in caller ? { authority: caller.authority } : {}),
    },
    'answered',
  )
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Why the server failed: class, code and places in the source, without the message. */
export function logFault(exchange: Exchange, error: FhirError): void {
  if (error.status < 500) return
  const fault = describeFault(error.cause)
  const line = {
    route: exchange.template,
    requestId: exchange.requestId,
    codes: error.issues.map((one) => one.code),
    ...fault,
  }
  exchange.context.log[error.status === 500 ? 'error' : 'warn'](line, 'failed')
}

/** Class, code and stack frames of a fault; its message may hold a value and is left out. Pure. */
export function describeFault(cause: unknown): { fault: string; code?: string; frames?: readonly string[] } {
  if (!types.isNativeError(cause)) return { fault: cause === undefined ? 'none' : typeof cause }
  const frames = (cause.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12)
    .map((line) => line.trim())
  const code =
    'code' in cause && (typeof cause.code === 'string' || typeof cause.code === 'number')
      ? String(cause.code)
      : undefined
  const inner = cause.cause === undefined ? {} : { inner: describeFault(cause.cause).fault }
  return { fault: cause.name, ...(code === undefined ? {} : { code }), frames, ...inner }
}
