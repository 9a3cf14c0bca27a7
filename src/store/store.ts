/** The contract of the room that remembers: readers without a write method, and one writer (storage.md; architecture.md "Laws"). No other room knows MongoDB. */
import type { Access } from '../domain/access-history.ts'
import type { Acknowledgement } from '../domain/acknowledgement.ts'
import type { AuditRecord } from '../domain/audit-record.ts'
import type { UsageHour, UserUsage } from '../domain/audit-usage.ts'
import type { AuthorityCode, ChildKey, LondonDay, NhsNumber, OdsCode, ResourceId } from '../domain/brands.ts'
import type { RegisterEvent } from '../domain/events.ts'
import type { IncidentState } from '../domain/incident.ts'
import type { Birth, NumberLink, NumberNotices } from '../domain/number-notice.ts'
import type { PlanFacts } from '../domain/plan.ts'
import type { OwnedType, Row, RowIndex, Rows, Token } from './rows.ts'

export type { Criterion, IndexField, OwnedResources, OwnedType, Query, Row, RowIndex, Rows, Token } from './rows.ts'

/** A plan found for a check, across authorities: facts only, no body. */
export interface PlanOfChild extends PlanFacts {
  readonly childKey: ChildKey
  /** How the number led to the plan: its own, a replaced number (R23) or the mother's (R24). */
  readonly via: 'own' | 'superseded' | 'mother'
}

/** What is remembered of a child that was ever hit. */
export interface ChildState {
  readonly incident?: IncidentState
  /** Incidents of the last six months and a little more, oldest first. */
  readonly incidents: readonly { readonly id: string; readonly at: string }[]
}

export interface AuditQuery {
  /** Bounds on `recorded`, instants: from inclusive, before exclusive. */
  readonly from?: string
  readonly before?: string
  readonly nhsNumber?: NhsNumber
  /** Only records that name this authority (its own writes; accesses while its plan was visible). */
  readonly authority?: AuthorityCode
  readonly ids?: readonly string[]
  readonly agents?: readonly string[]
  readonly subtypes?: readonly string[]
  readonly outcomes?: readonly string[]
  readonly entities?: readonly string[]
  readonly incidents?: readonly string[]
  /** Only accesses that this authority has answered, or has not; never without an authority. */
  readonly acknowledged?: boolean
  readonly limit: number
  /** [recorded, id] of the last one given; newest first. */
  readonly after?: readonly [string, string]
}

/** Whose use of the register is summed up, and when: instants, from inclusive, before exclusive. */
export interface UsageQuery {
  readonly from: string
  readonly before: string
  /** London hours of the working day, Monday to Friday: from the first to before the second. */
  readonly workingHours: readonly [number, number]
  /** SDS user id or role profile id; absent: everyone. */
  readonly user?: string
}

/** What an administrator must look at, newest first; bounds as of AuditQuery. */
export type AlertQuery = Pick<AuditQuery, 'from' | 'before' | 'limit' | 'after'>

/** A page of the work of the day, in a fixed order: what was worked on has left, and `after` passes by what was left as it is. */
export interface PlanPage {
  readonly limit: number
  /** The last plan already given. */
  readonly after?: Row<'EpisodeOfCare'>
}

/** Facts, read at one point in time inside a transaction, or the newest majority-committed ones outside. */
export interface Reader {
  /** The one door to owned rows: it adds the owner to every query. */
  of<T extends OwnedType>(owner: AuthorityCode, type: T): Rows<T>
  /** Organizations of every kind: public to all callers. */
  readonly organizations: Rows<'Organization'>
  /** Across authorities: for the administrator alone. */
  readonly subscriptions: Rows<'Subscription'>
  /** Authorities by GSS, with their Organization. Cached; may be seconds old. */
  authorities(codes: readonly AuthorityCode[]): Promise<readonly Row<'Organization'>[]>
  /** A site or organisation of the directory by its ODS code. Cached; may be seconds old. */
  site(code: OdsCode): Promise<Row<'Organization'> | undefined>
  /** Across authorities: only for the check and what follows from it. Not withdrawn, not deleted; visibility is the domain's. One indexed read when there is nothing. */
  plansOfChild(nhsNumber: NhsNumber): Promise<readonly PlanOfChild[]>
  /** Across authorities, for the work of the day only: live plans that turn on or before this day. */
  turningPlans(today: LondonDay, page: PlanPage): Promise<readonly Row<'EpisodeOfCare'>[]>
  /** Across authorities, for the work of the day only: live plans without a number, or filed under a replaced one, whose authority was not told on this day. */
  plansToTell(
    what: 'missing' | 'superseded',
    today: LondonDay,
    page: PlanPage,
  ): Promise<readonly Row<'EpisodeOfCare'>[]>
  /** What the NHS said of these numbers, of all that lead to them or follow them (R23), and of the births under any of them (R24). One indexed read when there is nothing. */
  numberNotices(numbers: readonly NhsNumber[]): Promise<NumberNotices>
  /** The child that a number is while nothing has replaced it. No I/O. */
  childKey(nhsNumber: NhsNumber): ChildKey
  /** Newest first; with authority, only those it may see. */
  accesses(
    childKey: ChildKey,
    options: { readonly limit: number; readonly authority?: AuthorityCode },
  ): Promise<readonly Access[]>
  audits(query: AuditQuery): Promise<readonly AuditRecord[]>
  countAudits(query: Omit<AuditQuery, 'limit' | 'after'>): Promise<number>
  /** The audit summed up by person and job role, for an auditor only; takes up to 50 seconds, and not inside a transaction. */
  usage(query: UsageQuery): Promise<readonly UserUsage[]>
  /** The same of one person by the hour, oldest first. */
  usageByHour(query: UsageQuery & { readonly user: string }): Promise<readonly UsageHour[]>
  /** Records that the server made by itself as alerts, and summaries of refusals; for the administrator only. */
  alerts(query: AlertQuery): Promise<readonly AuditRecord[]>
  /** What this authority has answered to these accesses (ids of their AuditEvents), each in the order given. */
  acknowledgements(authority: AuthorityCode, auditEvents: readonly string[]): Promise<readonly Acknowledgement[]>
  /** The stored answer to a Bundle identifier of this authority, while it lasts (24 h). */
  bundleReply(owner: AuthorityCode, identifier: Token): Promise<BundleReply | undefined>
}

export interface BundleReply {
  /** SHA-256 of the canonical body. */
  readonly bodyHash: string
  readonly status: number
  /** Absent when the Bundle must be carried out anew: then only other content is refused. */
  readonly body?: unknown
  /** type/id → version as the reply names them. */
  readonly versions: readonly { readonly type: OwnedType; readonly id: ResourceId; readonly version: number }[]
}

/** A transaction: reads see one snapshot, writes commit together or not at all. The callback may run again: ids and times are taken before. Nothing parallel inside. */
export interface Unit extends Reader {
  /** Makes all transactions that take one of these locks run one after the other. Take them first, in one call. */
  lock(keys: readonly LockKey[]): Promise<void>
  /** Adds a version: history and current row. Version 1 is an insert; n needs n-1 to be current, else StoreError 'conflict'. */
  put<T extends OwnedType>(row: Row<T>): Promise<void>
  /** Adds these versions in their order, as put would one by one, in few calls. */
  putAll(rows: readonly Row<OwnedType>[]): Promise<void>
  /** Changes the index beside the current version without a new version (a number attached through the Patient). */
  reindex(type: OwnedType, id: ResourceId, index: RowIndex): Promise<void>
  /** The same for rows that this transaction has read, in one call; each with its new index. */
  reindexAll(rows: readonly Row<'EpisodeOfCare'>[]): Promise<void>
  /** Serialises on the child and returns what is remembered of it. Call first on a hit. */
  lockChild(childKey: ChildKey): Promise<ChildState>
  saveChild(childKey: ChildKey, state: ChildState): Promise<void>
  /** `asked`: the number under which the access was made. */
  appendAccess(child: { readonly childKey: ChildKey; readonly asked: NhsNumber }, access: Access): Promise<void>
  /** Plans of an authority that name their child by one of these identifiers, and have no Patient yet (R8). */
  plansNaming(owner: AuthorityCode, tokens: readonly Token[]): Promise<readonly Row<'EpisodeOfCare'>[]>
  /** Across authorities, for the work of the day only: these plans as they now are; deleted ones are left out. */
  plansAgain(ids: readonly ResourceId[]): Promise<readonly Row<'EpisodeOfCare'>[]>
  /** Live plans of all authorities that are filed under these numbers. */
  plansUnder(numbers: readonly NhsNumber[]): Promise<readonly Row<'EpisodeOfCare'>[]>
  /** Keeps that a number was replaced, in place of what was kept of it: from now on either number finds the plans of both. Its child is told by gatherChild. */
  putNumberLink(link: NumberLink): Promise<void>
  /** Forgets it again. */
  removeNumberLink(link: NumberLink): Promise<void>
  /** Keeps a birth: from now on the baby's number finds the mother's unborn plans. */
  putBirth(birth: Birth): Promise<void>
  /** Makes these numbers one child: what is found under them, and the accesses made under them out of the histories of `from`. Lock all of the children first. */
  gatherChild(parts: ChildToGather): Promise<void>
  /** Adds an answer to an access. StoreError 'conflict' when the access is not one of that authority. */
  appendAcknowledgement(acknowledgement: Acknowledgement): Promise<void>
  /** StoreError 'duplicate' when the id was used. */
  appendAudit(record: AuditRecord): Promise<void>
  /** The same for several, in one call; all or none. */
  appendAudits(records: readonly AuditRecord[]): Promise<void>
  /** In one call to the database; none for no events. */
  appendEvents(events: readonly RegisterEvent[]): Promise<void>
  saveBundleReply(owner: AuthorityCode, identifier: Token, reply: BundleReply, expiresAt: Date): Promise<void>
}

export interface ChildToGather {
  readonly numbers: readonly NhsNumber[]
  readonly from: readonly ChildKey[]
  readonly into: ChildKey
}

/** What writers serialise on. `child`: the plans of one LA for one number or Patient (R13); `number`: what is filed under a number, by anyone, and what the NHS says of it (R23, R24); `condition`: a conditional create or update; an answer to an access. */
export type LockKey =
  | { readonly kind: 'number'; readonly nhsNumber: NhsNumber }
  | { readonly kind: 'child'; readonly owner: AuthorityCode; readonly nhsNumber: NhsNumber }
  | { readonly kind: 'patient'; readonly owner: AuthorityCode; readonly patientId: ResourceId }
  | { readonly kind: 'condition'; readonly owner: AuthorityCode | 'directory'; readonly text: string }

export interface Store {
  /** Reads outside a transaction: majority-committed. */
  readonly read: Reader
  /** The only writer. Retries transient faults; resolves after the commit is majority-durable. StoreError else. */
  transact<T>(work: (unit: Unit) => Promise<T>): Promise<T>
  /**
   * The whole of a check that finds nothing: when no live plan and no link stands under the number, writes the record and
   * resolves true after the commit; else writes nothing and resolves false. Checks at one time share a transaction.
   * StoreError as Unit.appendAudit.
   */
  recordMiss(nhsNumber: NhsNumber, record: AuditRecord): Promise<boolean>
  /** Runs work in a transaction that is always rolled back: what would happen, without its happening ($validate). */
  rehearse<T>(work: (unit: Unit) => Promise<T>): Promise<T>
  /** One audit record outside a story's transaction (reads, refusals). */
  appendAudit(record: AuditRecord): Promise<void>
  /** Claims a text once (used assertions): true for the first caller only; forgotten after expiresAt. */
  claim(kind: string, text: string, expiresAt: Date): Promise<boolean>
  /** The texts claimed under a kind and not yet forgotten. For kinds that are few and no secret (revocations). Majority-committed. */
  claims(kind: string): Promise<readonly string[]>
  /** Forgets a claim before its time (a revocation that is lifted). True when it was there. */
  unclaim(kind: string, text: string): Promise<boolean>
  /** An id that the same parts always give and nobody can guess: a keyed hash, as a UUID. */
  keyedId(parts: readonly string[]): string
  /** Seals a small text for a client to hold (cursors): authenticated encryption bound to `context`. open gives undefined when it was tampered with or is another context's. */
  seal(text: string, context: string): string
  open(sealed: string, context: string): string | undefined
  /** Messages between server processes. */
  readonly board: Board
  /** Answers when the database does; throws StoreError 'transient' else. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Messages between the server processes of one database: sealed, read for a quarter of an hour, and no harm done when one is lost. */
export interface Board {
  post(from: string, text: string): Promise<void>
  /** Those of others, oldest first, from that instant (by the database's clock) on; all that stand without one. */
  read(notFrom: string, since: Date | undefined): Promise<readonly BoardMessage[]>
}

export interface BoardMessage {
  readonly id: string
  readonly at: Date
  readonly text: string
}

/** The only error this room throws. */
export class StoreError extends Error {
  readonly kind: 'transient' | 'conflict' | 'duplicate'
  /** For 'duplicate': which uniqueness. For 'transient', `lock`: others held the records, and the database is there. */
  readonly on?: 'identifier' | 'audit' | 'other' | 'lock'

  constructor(
    kind: StoreError['kind'],
    message: string,
    options: { cause?: unknown; on?: NonNullable<StoreError['on']> } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'StoreError'
    this.kind = kind
    if (options.on !== undefined) this.on = options.on
  }
}
