/** Rows of the store's contract: one version of one resource, the few facts by which it is found, and how to ask for it. */
import type { EpisodeOfCare, Flag, Organization, Patient, Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode, NhsNumber, PlanType, ResourceId } from '../domain/brands.ts'

/** R4 types whose rows one authority owns. Organization rows are public to read; see Rows. */
export interface OwnedResources {
  EpisodeOfCare: EpisodeOfCare
  Flag: Flag
  Patient: Patient
  Organization: Organization
  Subscription: Subscription
}
export type OwnedType = keyof OwnedResources

/** A business identifier as a search or uniqueness key; the store hashes it. */
export interface Token {
  readonly system?: string
  readonly value?: string
}

/** The few facts beside the sealed body by which rows are found. Days are YYYY-MM-DD. Nothing here reaches the database as an NHS number: nhsNumber and identifiers are hashed by the store. */
export interface RowIndex {
  readonly nhsNumber?: NhsNumber
  readonly identifiers: readonly Token[]
  /** Tokens that no other live row of this type and owner may hold (R15): a second one is a StoreError 'duplicate'. */
  readonly unique: readonly Token[]
  readonly status?: string
  readonly planType?: PlanType
  readonly start?: string
  readonly end?: string
  readonly withdrawn?: boolean
  readonly patientId?: ResourceId
  readonly planId?: ResourceId
  readonly flagId?: ResourceId
  /** Born: as sent (YYYY, YYYY-MM or YYYY-MM-DD). */
  readonly birthDate?: string
  readonly expectedDelivery?: string
  /** Instant of the first filing, from which days without a number count (R17). */
  readonly filedAt?: string
  /** Plans: the first London day on which its status or its Flag's stops being true (R12, R14). */
  readonly turnsOn?: string
  /** Plans filed under a replaced number (R23): the last number of the chain. Sealed; the database shows only that there is one. */
  readonly newNumber?: NhsNumber
  /** UCPP (R24): numbers of the babies born to this mother. Sealed. */
  readonly babyNumbers?: readonly NhsNumber[]
  /** London day on which the authority was last told of the missing, or of the new, number (R17, R23). */
  readonly toldOn?: string
  /** Plans: keyed hash of the content as it was sent when this version was made, so that the same again is known at a glance (R15). Sealed. */
  readonly sentAs?: string
  /** Plans that name their child by the authority's own identifier, while no Patient of that identifier is here (R8). Hashed by the store. */
  readonly patientToken?: Token
  readonly topic?: string
  readonly url?: string
  readonly name?: string
  /** Organization: `authority` or the kind of site. */
  readonly orgType?: string
  readonly partOf?: string
}

/** One version of one resource. `resource` is absent when this version is a deletion. */
export interface Row<T extends OwnedType> {
  readonly type: T
  readonly id: ResourceId
  readonly version: number
  /** Instant, ISO 8601 in UTC with milliseconds. */
  readonly lastUpdated: string
  /** GSS of the LA; for an NHS organisation or site in the directory the word `directory`. */
  readonly owner: AuthorityCode | 'directory'
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly deleted: boolean
  readonly resource?: OwnedResources[T]
  readonly index: RowIndex
}

/** The fields that a criterion may name. */
export type IndexField =
  | 'id'
  | 'lastUpdated'
  | 'nhsNumber'
  | 'identifier'
  | Exclude<
      keyof RowIndex,
      | 'nhsNumber'
      | 'identifiers'
      | 'unique'
      | 'withdrawn'
      | 'filedAt'
      | 'turnsOn'
      | 'newNumber'
      | 'babyNumbers'
      | 'toldOn'
      | 'patientToken'
      | 'sentAs'
    >

/** One condition; all conditions of a query are ANDed. Never a MongoDB operator: only the store translates. */
export type Criterion =
  | {
      readonly field: Exclude<IndexField, 'identifier' | 'lastUpdated'>
      readonly anyOf: readonly string[]
      readonly not?: boolean
    }
  /** patientToken: named by it with its system or by the value alone (R8). */
  | { readonly field: 'identifier' | 'patientToken'; readonly tokens: readonly Token[]; readonly not?: boolean }
  | { readonly field: IndexField; readonly missing: boolean }
  /** from inclusive, before exclusive; days or instants as text. `openEnd` keeps rows that lack the field. */
  | {
      readonly field: Exclude<IndexField, 'identifier' | 'nhsNumber'>
      readonly from?: string
      readonly before?: string
      readonly openEnd?: boolean
    }
  | { readonly field: 'name'; readonly startsWith: readonly string[] }
  | { readonly or: readonly (readonly Criterion[])[] }

export interface Query {
  readonly criteria: readonly Criterion[]
  readonly sort?: { readonly field: 'lastUpdated' | 'start' | 'id'; readonly descending: boolean }
  readonly limit: number
  /** Place of the last row already given: [sort value, id]; the next page begins behind it. */
  readonly after?: readonly [string, string]
}

/** Rows of one type inside one scope. Every method is a read; `deleted` rows come only from find, versions and history. */
export interface Rows<T extends OwnedType> {
  /** The current version, deleted ones included; undefined when unknown or not in the scope. */
  find(id: ResourceId): Promise<Row<T> | undefined>
  findVersion(id: ResourceId, version: number): Promise<Row<T> | undefined>
  search(query: Query): Promise<readonly Row<T>[]>
  /** Rows that fit any one of these, in no order and each once; at most `limit`. One read, each part by its own index. */
  searchAny(criteria: readonly Criterion[], limit: number): Promise<readonly Row<T>[]>
  count(criteria: readonly Criterion[]): Promise<number>
  /** Versions, newest first; of one id, or of the whole type when id is absent. */
  history(options: {
    readonly id?: ResourceId
    readonly since?: string
    readonly limit: number
    readonly after?: readonly [string, string, number]
  }): Promise<readonly Row<T>[]>
}
