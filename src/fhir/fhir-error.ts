/** The one error that carries public issues from a story to the answer (architecture.md "Laws"). */
import { CATALOGUE, type CatalogueCode, type ErrorKind, ISSUE_KIND } from './catalogue.ts'
import { type Issue, isError, issue } from './outcome.ts'

/** Which kind speaks for a request that failed in several ways: who may, then shape, then state, then rules. */
const PRECEDENCE: readonly ErrorKind[] = [
  'exception',
  'transient',
  'login',
  'throttled',
  'forbidden',
  'too-large',
  'unsupported-media',
  'not-acceptable',
  'not-supported',
  'structure',
  'required',
  'invalid',
  'not-found',
  'deleted',
  'precondition',
  'conflict',
  'duplicate',
  'business-rule',
]

/** Thrown by interactions, once, with all issues; `cause` is for the log only and never leaves. */
export class FhirError extends Error {
  readonly kind: ErrorKind
  readonly issues: readonly Issue[]
  /** Extra response headers, such as Allow or Retry-After. */
  readonly headers: Readonly<Record<string, string>>

  constructor(issues: readonly Issue[], options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {}) {
    super(issues.map((one) => one.code).join(', '), { cause: options.cause })
    this.name = 'FhirError'
    this.issues = issues
    this.kind = kindOf(issues)
    this.headers = options.headers ?? {}
  }

  get status(): number {
    return ISSUE_KIND[this.kind].status
  }
}

/** FhirError of a single issue. */
export function fhirError(code: CatalogueCode, expression?: string, text?: string): FhirError {
  return new FhirError([issue(code, expression, text)])
}

function kindOf(issues: readonly Issue[]): ErrorKind {
  const kinds = new Set(issues.filter(isError).map((one) => CATALOGUE[one.code].kind as ErrorKind))
  return PRECEDENCE.find((kind) => kinds.has(kind)) ?? 'exception'
}

/** HTTP status that some issues would answer with, 200 when none is an error. Pure. */
export function statusOf(issues: readonly Issue[]): number {
  return issues.some(isError) ? ISSUE_KIND[kindOf(issues)].status : 200
}
