/** What an interaction is given and what it gives back (architecture.md "Laws": handlers return a value and never touch Express). */
import type { Resource } from '@medplum/fhirtypes'
import type { Interaction } from '../auth/access-table.ts'
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { LondonDay } from '../domain/brands.ts'

/** R4 restful-interaction codes that the route table uses, and `operation`. */
export type InteractionCode = Interaction

/** One request, after authentication and strict parsing. */
export interface FhirRequest {
  readonly interaction: InteractionCode
  /** Route template for audit and logs, e.g. `EpisodeOfCare/[id]`. */
  readonly route: string
  readonly type?: string
  readonly id?: string
  readonly versionId?: string
  /** Operation name without `$`. */
  readonly operation?: string
  /** Search parameters of the URL and of a `_search` form, in the order sent. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
  /** Parsed JSON; undefined when there was none. */
  readonly body: unknown
  readonly headers: ConditionHeaders
  readonly prefer: Preference
  readonly requestId: string
  /** Whether the caller sent X-Request-ID itself. */
  readonly requestIdGiven: boolean
  /** The clock, read once (P5), and its London day. */
  readonly at: Date
  readonly today: LondonDay
  readonly network?: string
}

export interface ConditionHeaders {
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
  readonly ifModifiedSince?: string
  readonly ifNoneExist?: string
}

export interface Preference {
  readonly return: 'minimal' | 'representation' | 'OperationOutcome'
  readonly handling: 'strict' | 'lenient'
}

/** What the answer's audit record adds to what run-interaction knows already. */
export type AuditDetail = Partial<
  Pick<
    AuditRecord,
    | 'nhsNumber'
    | 'setting'
    | 'site'
    | 'entities'
    | 'parameters'
    | 'authorities'
    | 'codes'
    | 'incident'
    | 'bodyHash'
    | 'purpose'
  >
>

export interface FhirResponse {
  readonly status: number
  readonly resource?: Resource
  /** JSON in place of a resource, for what stands outside FHIR. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly audit?: AuditDetail
  /** The story has committed its own audit record with its writes, or must leave none (a repeated check). */
  readonly audited?: boolean
}

/** One FHIR interaction as a story. Throws FhirError with all issues, once. */
/** No caller: what is public only. */
export type Handler = (request: FhirRequest, caller: Caller | undefined, context: Context) => Promise<FhirResponse>
