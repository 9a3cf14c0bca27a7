/** The contract of what delivery remembers: events to be numbered, deliveries, lanes, attempts and leases (delivery.md "From check to endpoint"; storage.md "Collections"). */
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import type { RegisterEvent } from '../domain/events.ts'

/** Leases last this long, by the database's clock (delivery.md step 2). */
export const LEASE_MS = 5_000

/** Proof of having been the holder: every write under a lease carries the token and fails once another has taken the lease. */
export interface Lease {
  readonly id: string
  readonly token: number
}

/** Why a lane sends nothing: its Subscription was never active, is in error, off or deleted. */
export type HaltReason = 'new' | 'error' | 'off' | 'deleted'

/** Class of an attempt's end: of the HTTP status, or of the fault before one came. Never content. */
export type AnswerClass = string

/** One try, kept as a row (delivery.md step 4): no address, no body. */
export interface Attempt {
  readonly kind: 'handshake' | 'heartbeat' | 'events'
  /** Event numbers sent, both inclusive; absent for handshakes and heartbeats. */
  readonly numbers?: NumberRange
  readonly webhookId: string
  /** When it began, by the injected clock. */
  readonly at: Date
  readonly answer: AnswerClass
  readonly status?: number
  readonly durationMs: number
}

/** Event numbers, both inclusive. */
export interface NumberRange {
  readonly from: number
  readonly through: number
}

/** Delivered events that are to be sent once more, before what waits; `asked` names the asking. */
export interface Again extends NumberRange {
  readonly asked: string
}

/** Which lane: its Subscription and whose that is. */
export interface LaneName {
  readonly id: ResourceId
  readonly authority: AuthorityCode
}

/** One Subscription's lane. Events up to deliveredThrough are delivered, those above it up to lastNumber wait. */
export interface Lane extends LaneName {
  readonly lastNumber: number
  readonly deliveredThrough: number
  /** No try before this (injected clock): set by a failure or a digest that gathers, absent else. */
  readonly retryAt?: Date
  readonly halted?: HaltReason
  /** An administrator lets nothing be sent; numbering goes on and the Subscription stays as it is. */
  readonly paused?: true
  /** Failed tries in a row of what waits first, and when the first of them was. */
  readonly failures: number
  readonly failingSince?: Date
  /** Last number of the bundle being tried: repeats carry the same events under the same webhook-id. */
  readonly batchThrough?: number
  /** What its owner asked for once more and has not got yet. */
  readonly again?: Again
  /** When a heartbeat is next due (injected clock). */
  readonly heartbeatAt?: Date
  readonly lastAnswer?: { readonly at: Date; readonly answer: AnswerClass; readonly status?: number }
  /** When the oldest waiting event occurred. */
  readonly oldestWaitingAt?: string
}

/** A lane that this process may work on until its lease ends, as it was then. */
export type TakenLane = Pick<HeldLane, 'id' | 'lease' | 'deliveredThrough'>

/** A lane that this process works on. */
export interface HeldLane extends Lane {
  readonly lease: Lease
  /** How often somebody had wanted what waits to be sent at once (makeDue, queueAgain, the end of a pause). */
  readonly asks: number
}

/** An event with the number it has in one Subscription. */
export interface NumberedEvent {
  readonly number: number
  readonly event: RegisterEvent
}

/** What is decided for one new event: the Subscriptions that want it; none makes it undeliverable. */
export interface Routing {
  readonly event: RegisterEvent
  readonly subscriptions: readonly ResourceId[]
}

/** Events that no Subscription of their authority wanted: how many, and when the first and the last of them was (instants). */
export interface DeadLetters {
  readonly authority: AuthorityCode
  readonly topic: string
  readonly count: number
  readonly since: string
  readonly latest: string
}

/** What a kept next try is compared with: it is due when it is `now` or earlier, and when it is later than `latest`, as none can rightly be. */
export interface DueTimes {
  readonly now: Date
  readonly latest: Date
}

/** How a lane goes on after a failed try. */
export interface Setback {
  readonly attempt: Attempt
  readonly failures: number
  readonly failingSince: Date
  /** No try before this; absent when the lane halts. */
  readonly retryAt?: Date
  /** Of the lane when the try began: when somebody has asked since, the next one is due at once whatever retryAt says. */
  readonly asks: number
  readonly halted?: HaltReason
}

/** A Subscription and the version that is current. */
export interface SubscriptionVersion extends LaneName {
  readonly version: number
}

/** Who is told of new events, whichever process committed them. */
export interface EventWatcher {
  /** Events may have come. */
  onEvents(): void
  /** `refused`: the database lets nobody watch, and it is not tried again; `broken`: it is. */
  onFault(fault: 'refused' | 'broken'): void
}

export interface EventWatch {
  /** Tells of nothing more. */
  close(): void
}

/** Methods that take a lease resolve false (write nothing) when it was lost. All throw StoreError when the database fails. */
export interface DeliveryStore {
  /** The dispatcher's lease: taken when free or expired, prolonged when this holder has it; undefined while another has it. */
  takeDispatcher(holder: string): Promise<Lease | undefined>
  /** Lets another take the dispatcher's lease at once. */
  releaseDispatcher(lease: Lease): Promise<void>
  /** The lease of the work of the day: as takeDispatcher. */
  takeDaily(holder: string): Promise<Lease | undefined>
  /** Lets another take the work of the day at once. */
  releaseDaily(lease: Lease): Promise<void>

  /** Removes up to `limit` deliveries and as many events and attempts of before that instant, delivered ones only: what waits, is asked for again or was wanted by nobody stays. False when nothing is left to remove. */
  clearOld(before: Date, limit: number): Promise<boolean>

  /** Events not yet numbered, oldest first, found by their state. */
  newEvents(limit: number): Promise<readonly RegisterEvent[]>
  /** Gives each wanted event the next number of each Subscription, writes the deliveries and settles the events, all in one transaction under the dispatcher's lease. */
  numberEvents(lease: Lease, routings: readonly Routing[]): Promise<boolean>
  /** Tells of events as they are committed, by any process. A hint: not every one is told of alone, and some twice. */
  watchEvents(watcher: EventWatcher): EventWatch
  /** Events that no Subscription wanted, counted by topic. */
  undeliverable(): Promise<readonly { readonly topic: string; readonly count: number }[]>
  /** The same by authority and topic, of events since that instant: for the administrator. */
  deadLetters(since: string): Promise<readonly DeadLetters[]>

  /** Subscriptions that wait for a handshake (status requested), of all authorities. */
  requested(limit: number): Promise<readonly LaneName[]>
  /** Subscriptions requested, active or in error whose end has passed. */
  expired(now: Date, limit: number): Promise<readonly LaneName[]>
  /** The current version of a Subscription, read after the call; undefined when it is unknown or deleted. */
  subscriptionVersion(id: ResourceId): Promise<number | undefined>
  /** Subscriptions requested, active or in error of these authorities, by id. */
  liveSubscriptions(authorities: readonly AuthorityCode[]): Promise<readonly SubscriptionVersion[]>
  /** Lanes with something due (events or a heartbeat) that are not halted and that no process holds. */
  dueLanes(when: DueTimes, limit: number): Promise<readonly LaneName[]>

  /** Takes a lane's lease, making the lane when there is none; undefined while another holds it. */
  takeLane(name: LaneName): Promise<TakenLane | undefined>
  renewLane(lease: Lease): Promise<boolean>
  /** The lane as it is now, while the lease holds. */
  readLane(lease: Lease): Promise<HeldLane | undefined>
  releaseLane(lease: Lease): Promise<void>
  /** Waiting events of a lane in order, from the first. */
  waiting(id: ResourceId, after: number, limit: number): Promise<readonly NumberedEvent[]>
  /** Fixes which events one bundle carries before it is first tried. */
  fixBatch(lease: Lease, through: number): Promise<boolean>
  /** Marks events delivered, in order, by compare-and-set; keeps the attempt; what waits behind is due at once, and the lane's lease lasts as from now. */
  markDelivered(lease: Lease, attempt: Attempt & { readonly numbers: NumberRange }): Promise<boolean>
  /** Keeps the attempt and takes what it carried off what is to be sent once more, by compare-and-set; false as well when more was asked for meanwhile. */
  markAgain(lease: Lease, attempt: Attempt & { readonly numbers: NumberRange }, again: Again): Promise<boolean>
  /** Keeps a failed try and when the next may begin. */
  markFailed(lease: Lease, setback: Setback): Promise<boolean>
  /** No try before this, although none has failed (a digest that gathers). */
  postpone(lease: Lease, until: Date): Promise<boolean>
  /** Keeps an attempt that moves no events (handshake, heartbeat). */
  keepAttempt(lease: Lease, attempt: Attempt): Promise<boolean>
  /** Stops a lane: nothing is dropped, numbering goes on where the Subscription still wants events. */
  haltLane(lease: Lease, reason: HaltReason): Promise<boolean>
  /** Starts a lane after a good handshake: what waits is due at once. */
  openLane(lease: Lease): Promise<boolean>
  /** Sets when the next heartbeat is due; undefined for none. */
  scheduleHeartbeat(lease: Lease, at: Date | undefined): Promise<boolean>

  /** The last number given in each of these Subscriptions; none where nothing was numbered. */
  lastNumbers(ids: readonly ResourceId[]): Promise<ReadonlyMap<ResourceId, number>>
  /** Events of a Subscription by their numbers, delivered or not, in order; only those that occurred at `since` (instant) or later. */
  numbered(
    id: ResourceId,
    page: NumberRange & { readonly since: string; readonly limit: number },
  ): Promise<readonly NumberedEvent[]>
  /** Makes what waits in a lane due at once; false when it is halted or there is none. Needs no lease: it changes no delivery. */
  makeDue(id: ResourceId): Promise<boolean>
  /** Pauses or resumes a lane; resumed, it starts afresh: what failed before counts no more. False when it is so already or there is none. Needs no lease: it changes no delivery. */
  setPaused(id: ResourceId, isPaused: boolean): Promise<boolean>
  /** Queues what of these numbers was delivered to be sent once more, beside what was asked for before, and makes what waits due as makeDue does. */
  queueAgain(id: ResourceId, again: Again): Promise<void>

  /** Every lane, with the age of what waits first: for metrics and the administrator. */
  lanes(): Promise<readonly Lane[]>
  /** Attempts of a lane, newest first. */
  attempts(id: ResourceId, limit: number): Promise<readonly Attempt[]>
}
