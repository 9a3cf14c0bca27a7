/** One thing that a caller wants written: a single request, or an entry of a Bundle. */
import type { Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode, LondonDay, ResourceId } from '../../domain/brands.ts'
import type { AuthorityDraft, FlagDraft, PatientDraft, PlanDraft } from '../../domain/upload/draft.ts'
import type { Issue } from '../../fhir/outcome.ts'
import type { OwnedType, Row, RowIndex } from '../../store/store.ts'

export interface Change {
  /** Where its issues stand: empty for a single request, else `Bundle.entry[n]`. */
  readonly place: string
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly type: OwnedType
  readonly id?: ResourceId
  /** Query of If-None-Exist, or of a conditional update or delete. */
  readonly condition?: string
  readonly ifMatch?: string
  readonly fullUrl?: string
  readonly bodyId?: string
  /** Ids taken before the transaction, so that it may run again. */
  readonly freshId: ResourceId
  readonly freshFlagId: ResourceId
  readonly draft?: Draft
  /** Keyed hash of the content as sent, when there was nothing to remark on it. */
  readonly sentAs?: string
  /** Faults and remarks of its shape and rules, with places below the resource. */
  readonly issues: readonly Issue[]
}

/** The content of a change, parsed. */
export type Draft =
  | ({ readonly kind: 'EpisodeOfCare' } & PlanDraft)
  | ({ readonly kind: 'Patient' } & PatientDraft)
  | ({ readonly kind: 'Flag' } & FlagDraft)
  | ({ readonly kind: 'Organization' } & AuthorityDraft)
  | { readonly kind: 'Subscription'; readonly resource: Subscription; readonly index: RowIndex }

/** What every rule of a write needs to know besides the change. */
export interface WriteFacts {
  readonly owner: AuthorityCode
  readonly today: LondonDay
  readonly at: Date
  readonly fhirBase: string
  readonly numberRange: 'test' | 'real'
  /** Gives the same id for the same parts, so that a transaction may run again. */
  readonly keyedId: (parts: readonly string[]) => string
}

/** What became of a change: the version that now stands, and what there is to say. */
export interface Applied {
  readonly change: Change
  readonly status: 200 | 201 | 204
  readonly row?: Row<OwnedType>
  readonly issues: readonly Issue[]
}
