/** The collections, their documents and indexes (storage.md "Collections"). Those of delivery are in delivery-collections. */
import type { Binary, CreateIndexesOptions } from 'mongodb'
import type { OwnedType } from './store.ts'

export const COLLECTIONS = {
  auditEvents: 'auditEvents',
  auditSeals: 'auditSeals',
  auditSealLists: 'auditSealLists',
  keys: 'keys',
  guards: 'guards',
  accesses: 'accesses',
  acknowledgements: 'acknowledgements',
  children: 'children',
  numberNotices: 'numberNotices',
  bundleReplies: 'bundleReplies',
  migrations: 'migrations',
  board: 'board',
} as const

/** Where the current rows of each type are; versions are in the same name with `History`. */
export const ROW_COLLECTIONS = {
  EpisodeOfCare: 'episodesOfCare',
  Flag: 'flags',
  Patient: 'patients',
  Organization: 'organizations',
  Subscription: 'subscriptions',
} as const satisfies Record<OwnedType, string>

/** A sealed value as stored. */
export interface SealedField {
  readonly key: string
  readonly data: Binary
}

/** What every version carries. */
export interface VersionFields {
  readonly version: number
  readonly lastUpdated: string
  readonly owner: string
  readonly method: string
  readonly deleted: boolean
  /** JSON of the resource and its whole RowIndex. */
  readonly body: SealedField
}

/** The current version, and what of its RowIndex is needed for searching: in clear, but never a number or a child's name. */
export interface RowDocument extends VersionFields {
  readonly _id: string
  readonly subjectKey?: string
  /** True when there is no number: the parked plans of R8 have a narrow index of their own. */
  readonly parked?: true
  readonly identifiers: readonly string[]
  /** Absent when nothing must be unique, or the row is deleted. */
  readonly unique?: readonly string[]
  readonly status?: string
  readonly planType?: string
  readonly start?: string
  readonly end?: string
  readonly withdrawn?: boolean
  readonly patientId?: string
  readonly planId?: string
  readonly flagId?: string
  readonly birthDate?: string
  readonly expectedDelivery?: string
  readonly filedAt?: string
  readonly turnsOn?: string
  /** EpisodeOfCare: empty while its authority was never told, so that the untold are one range of the index. */
  readonly toldOn?: string
  /** True when the plan is filed under a replaced number (R23). */
  readonly superseded?: true
  /** EpisodeOfCare: key of the identifier by which it names a child that has no Patient here. */
  readonly patientToken?: string
  readonly topic?: string
  readonly url?: string
  /** Organizations only, as nameKey: without case and accents. */
  readonly name?: string
  readonly nameKey?: string
  readonly orgType?: string
  readonly partOf?: string
  /** EpisodeOfCare: neither withdrawn nor deleted, so that a check may see it. */
  readonly live?: boolean
}

export interface HistoryDocument extends VersionFields {
  readonly id: string
}

/** Beside the plans: leads from one number to the plans filed under another (storage.md "A plan is found under every number"). */
export interface PointerDocument {
  readonly _id: string
  readonly kind: 'pointer'
  /** The number that is asked for. */
  readonly subjectKey: string
  readonly live: boolean
  /** Where to look as well. */
  readonly leadsTo: string
  readonly via: 'superseded' | 'mother'
  /** The child that is asked for. */
  readonly childKey: string
}

/** What the NHS said of a number (R23): `_id` is the key of the number; or of a birth (R24): `_id` is both keys. */
export interface NumberNoticeDocument {
  readonly _id: string
  readonly kind: 'link' | 'birth'
  /** Numbers under which it is looked for: both of a link, the mother's of a birth. */
  readonly keys: readonly string[]
  /** The notice with its numbers and day. */
  readonly body: SealedField
}

export interface ChildDocument {
  readonly _id: string
  /** Raised by every transaction that takes the child: the write on which two of them collide. */
  readonly locks: number
  readonly incident?: {
    readonly id: string
    readonly startedAt: string
    readonly lastAccessAt: string
    readonly legs: number
    readonly openedFor: readonly string[]
  }
  readonly incidents?: readonly { readonly id: string; readonly at: string }[]
}

export interface GuardDocument {
  readonly _id: string
  readonly locks: number
  readonly at: Date
}

interface Passing {
  readonly _id: string
  /** By the injected clock: what counts. */
  readonly validUntil: Date
  /** By the database's clock: when it is cleared away. */
  readonly expireAt: Date
}

export interface KeyDocument extends Passing {
  readonly kind: string
  readonly text: SealedField
}

export interface BundleReplyDocument extends Passing {
  readonly body: SealedField
}

interface Index {
  readonly collection: string
  readonly fields: Readonly<Record<string, 1 | -1>>
  readonly options?: CreateIndexesOptions
}

const UNIQUE: Index['options'] = { unique: true, partialFilterExpression: { unique: { $exists: true } } }

/** What every row collection has, always led by the owner; and its history. */
function rowIndexes(collection: string): Index[] {
  return [
    // A search's pages go by id unless another order is asked for
    { collection, fields: { owner: 1, _id: 1 } },
    { collection, fields: { owner: 1, lastUpdated: 1, _id: 1 } },
    { collection, fields: { owner: 1, identifiers: 1 } },
    { collection, fields: { owner: 1, unique: 1 }, options: { name: 'owner_1_unique_1', ...UNIQUE } },
    { collection: `${collection}History`, fields: { id: 1, version: -1 }, options: { unique: true } },
    { collection: `${collection}History`, fields: { owner: 1, lastUpdated: -1, id: -1, version: -1 } },
  ]
}

const PARKED = { partialFilterExpression: { parked: true } }
const SUPERSEDED = { partialFilterExpression: { superseded: true } }
const TURNS = { partialFilterExpression: { turnsOn: { $exists: true } } }
const NAMED = { partialFilterExpression: { patientToken: { $exists: true } } }
/** Absent until the first answer, so that a check does not pay for it. */
const ANSWERED = { partialFilterExpression: { acknowledged: { $exists: true } } }
const HAS_SUBJECT = { partialFilterExpression: { subjectKey: { $exists: true } } }

/** All indexes of the first schema. */
export const INDEXES: readonly Index[] = [
  ...Object.values(ROW_COLLECTIONS).flatMap(rowIndexes),
  { collection: 'episodesOfCare', fields: { subjectKey: 1, live: 1 } },
  { collection: 'episodesOfCare', fields: { owner: 1, parked: 1, lastUpdated: 1 }, options: PARKED },
  { collection: 'episodesOfCare', fields: { parked: 1, toldOn: 1, _id: 1 }, options: PARKED },
  { collection: 'episodesOfCare', fields: { superseded: 1, toldOn: 1, _id: 1 }, options: SUPERSEDED },
  { collection: 'episodesOfCare', fields: { turnsOn: 1, _id: 1 }, options: TURNS },
  { collection: 'episodesOfCare', fields: { owner: 1, patientId: 1 } },
  { collection: 'episodesOfCare', fields: { owner: 1, patientToken: 1 }, options: NAMED },
  { collection: 'episodesOfCare', fields: { owner: 1, status: 1, _id: 1 } },
  { collection: 'episodesOfCare', fields: { owner: 1, planType: 1, _id: 1 } },
  { collection: 'episodesOfCare', fields: { owner: 1, start: 1, _id: 1 } },
  { collection: 'flags', fields: { owner: 1, subjectKey: 1 }, options: HAS_SUBJECT },
  { collection: 'flags', fields: { owner: 1, planId: 1 } },
  { collection: 'flags', fields: { owner: 1, patientId: 1 } },
  { collection: 'patients', fields: { owner: 1, subjectKey: 1 }, options: HAS_SUBJECT },
  { collection: 'organizations', fields: { identifiers: 1 } },
  { collection: 'organizations', fields: { nameKey: 1, _id: 1 } },
  { collection: 'organizations', fields: { orgType: 1, _id: 1 } },
  { collection: 'organizations', fields: { lastUpdated: 1, _id: 1 } },
  { collection: 'subscriptions', fields: { status: 1, topic: 1 } },
  { collection: COLLECTIONS.auditEvents, fields: { recorded: -1, _id: -1 } },
  // In the whole order of a page: without the id, the search of a child would go through the checks of all
  { collection: COLLECTIONS.auditEvents, fields: { subjectKey: 1, recorded: -1, _id: -1 }, options: HAS_SUBJECT },
  {
    collection: COLLECTIONS.auditEvents,
    fields: { authorities: 1, recorded: -1, _id: -1 },
    options: { partialFilterExpression: { authorities: { $exists: true } } },
  },
  { collection: COLLECTIONS.auditSealLists, fields: { seal: 1, part: 1 }, options: { unique: true } },
  { collection: COLLECTIONS.auditSealLists, fields: { minute: 1, seal: 1, count: 1 } },
  // Few among many: what an administrator must look at
  {
    collection: COLLECTIONS.auditEvents,
    fields: { recorded: -1, _id: -1 },
    options: { name: 'alerts', partialFilterExpression: { 'caller.kind': 'server', interaction: 'operation' } },
  },
  {
    collection: COLLECTIONS.auditEvents,
    fields: { recorded: -1, _id: -1 },
    options: { name: 'summaries', partialFilterExpression: { count: { $exists: true } } },
  },
  { collection: COLLECTIONS.accesses, fields: { childKey: 1, at: -1, _id: -1 } },
  // Worklists: each authority stands in one of the two lists of an access
  { collection: COLLECTIONS.accesses, fields: { unacknowledged: 1, at: -1, _id: -1 } },
  { collection: COLLECTIONS.accesses, fields: { acknowledged: 1, at: -1, _id: -1 }, options: ANSWERED },
  {
    collection: COLLECTIONS.acknowledgements,
    fields: { authority: 1, auditEvent: 1, sequence: 1 },
    options: { unique: true },
  },
  { collection: COLLECTIONS.numberNotices, fields: { keys: 1 } },
  { collection: COLLECTIONS.keys, fields: { kind: 1 } },
  { collection: COLLECTIONS.keys, fields: { expireAt: 1 }, options: { expireAfterSeconds: 0 } },
  { collection: COLLECTIONS.bundleReplies, fields: { expireAt: 1 }, options: { expireAfterSeconds: 0 } },
  { collection: COLLECTIONS.guards, fields: { at: 1 }, options: { expireAfterSeconds: 86_400 } },
  { collection: COLLECTIONS.board, fields: { at: 1 }, options: { expireAfterSeconds: 900 } },
]
