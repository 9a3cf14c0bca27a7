/** What one run leaves behind: what was asked from outside and how it ended, the faults, what the register holds afterwards, and what receivers were told. Times are milliseconds of one monotonic clock. */

/** `fail`: refused, or never sent: nothing of it may be there. `unknown`: 503, or no answer: it may have happened, once, or not. */
export type Outcome = 'ok' | 'fail' | 'unknown'

export type OperationKind =
  | 'check'
  | 'read'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'withdraw'
  | 'transaction'
  | 'refused-transaction'
  | 'batch'

/** Of a plan's states the start date is the name: every write of a plan gives it another one. */
export interface PlanWrite {
  /** The authority's own identifier of the plan. */
  readonly plan: string
  /** The child's number. */
  readonly child: string
  /** The new start date; `deleted` for a deletion. */
  readonly value: string
  /** Whether the plan is hidden from checks in this state. */
  readonly hides: boolean
  /** Version that the answer named. */
  readonly version?: number
  /** Of this entry; the operation's own where it is one transaction. */
  readonly outcome: Outcome
}

/** A plan as it was shown, by the register's id and the start date. */
export interface SeenPlan {
  readonly id: string
  readonly start: string
  /** Known to readers of the authority; absent in the answer to a check. */
  readonly version?: number
}

export interface Operation {
  readonly id: number
  readonly worker: string
  readonly kind: OperationKind
  readonly requestId: string
  readonly invokedAt: number
  readonly completedAt: number
  readonly outcome: Outcome
  /** Absent when the connection broke; `timeout` tells that the client gave up. */
  readonly status?: number
  readonly broke?: 'refused' | 'broken' | 'timeout'
  readonly retryAfter?: string
  readonly writes?: readonly PlanWrite[]
  /** Writes of one name are all there or none: the transaction, under all of its repetitions. */
  readonly together?: string
  readonly check?: {
    readonly child: string
    readonly setting: string
    readonly auditId?: string
    readonly plans?: readonly SeenPlan[]
  }
  /** What an authority read of one plan of its own; no plan: gone or not there. */
  readonly read?: { readonly plan: string; readonly seen?: SeenPlan & { readonly hides: boolean } }
}

export interface FaultRecord {
  readonly name: string
  /** What exactly was done. */
  readonly words: string
  readonly startedAt: number
  readonly healedAt: number
  /** When a check that began after the healing was answered; absent when none was within the patience of the run. */
  readonly recoveredAt?: number
}

export interface PlanVersion {
  readonly version: number
  /** Start date, or `deleted`. */
  readonly value: string
  readonly hides: boolean
}

/** A plan as its authority's history tells it, and as a plain read does. */
export interface StoredPlan {
  readonly id: string
  readonly plan: string
  /** In the order of the history's versions as they were told, oldest first. */
  readonly versions: readonly PlanVersion[]
  /** Version that a plain read gives; absent when deleted. */
  readonly current?: number
}

export interface StoredAudit {
  readonly id: string
  readonly requestId: string
  readonly status: number
  readonly interaction: string
  readonly operation?: string
  readonly entities: readonly { readonly type: string; readonly id: string; readonly version?: number }[]
  readonly authorities: readonly string[]
  readonly incident?: { readonly id: string; readonly leg: number }
}

export interface StoredEvent {
  readonly id: string
  readonly state: 'new' | 'numbered' | 'undeliverable'
  readonly topic: string
  readonly authority: string
  readonly auditId?: string
}

export interface StoredDelivery {
  readonly subscription: string
  readonly number: number
  readonly state: 'waiting' | 'delivered'
  readonly eventId: string
  readonly auditId?: string
}

/** One notification as its receiver got it, in order of arrival. */
export interface Told {
  readonly numbers: readonly number[]
  readonly auditIds: readonly string[]
  readonly webhookId: string
  readonly answered?: number
  readonly signatureIsRight: boolean
}

export interface ToldSubscription {
  readonly id: string
  readonly authority: string
  readonly topic: string
  readonly told: readonly Told[]
}

export interface Aftermath {
  readonly plans: readonly StoredPlan[]
  readonly audits: readonly StoredAudit[]
  readonly accesses: readonly {
    readonly id: string
    readonly incident: { readonly id: string; readonly leg: number }
  }[]
  readonly events: readonly StoredEvent[]
  readonly deliveries: readonly StoredDelivery[]
  readonly subscriptions: readonly ToldSubscription[]
}

export interface History {
  readonly operations: readonly Operation[]
  readonly faults: readonly FaultRecord[]
  readonly aftermath: Aftermath
}

/** A broken promise of the register: its name in short, and what shows it. */
export interface Violation {
  readonly rule: string
  readonly words: string
  /** Operations that show it. */
  readonly operations?: readonly number[]
}
