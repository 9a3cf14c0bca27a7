/** The documents of events, deliveries, attempts, lanes and leases, and their indexes (storage.md "Collections"). Facts only: none holds a number or a name. */
import type { Collection, Db } from 'mongodb'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import type { RegisterEvent, Topic } from '../domain/events.ts'
import type { Again, AnswerClass, Attempt, HaltReason } from './delivery-store.ts'

/** `new` until the dispatcher has settled it; then numbered, or undeliverable when no Subscription wanted it. */
export interface EventDoc {
  readonly _id: string
  readonly state: 'new' | 'numbered' | 'undeliverable'
  readonly at: string
  readonly topic: Topic
  readonly event: RegisterEvent
}

export interface DeliveryDoc {
  /** `subscription:number`. */
  readonly _id: string
  readonly subscription: ResourceId
  readonly number: number
  readonly state: 'waiting' | 'delivered'
  readonly event: RegisterEvent
  readonly deliveredAt?: Date
}

export interface AttemptDoc extends Attempt {
  readonly subscription: ResourceId
}

/** Fields that are null are absent in the contract. `until` is by the database's clock, every other Date by the injected one. */
export interface LaneDoc {
  readonly _id: ResourceId
  readonly authority: AuthorityCode
  readonly deliveredThrough: number
  readonly retryAt: Date | null
  readonly halted: HaltReason | null
  readonly failures: number
  readonly failingSince: Date | null
  readonly batchThrough: number | null
  readonly heartbeatAt: Date | null
  /** Absent in lanes of before there was any. */
  readonly again?: Again | null
  /** Absent as well while nobody has paused it. */
  readonly paused?: boolean
  /** How often somebody wanted what waits to be sent at once; absent for never. */
  readonly asks?: number
  readonly lastAnswer: { readonly at: Date; readonly answer: AnswerClass; readonly status?: number } | null
  readonly token: number
  readonly until: Date
}

/** The last number given in one Subscription. Apart from the lane, so that numbering and marking never collide. */
export interface LaneNumberDoc {
  readonly _id: ResourceId
  readonly last: number
}

export interface LeaseDoc {
  readonly _id: string
  readonly holder: string
  readonly token: number
  readonly until: Date
  /** Written by each transaction under the lease, so that it collides with a new holder. */
  readonly used?: number
}

export interface DeliveryCollections {
  readonly events: Collection<EventDoc>
  readonly deliveries: Collection<DeliveryDoc>
  readonly attempts: Collection<AttemptDoc>
  readonly lanes: Collection<LaneDoc>
  readonly laneNumbers: Collection<LaneNumberDoc>
  readonly leases: Collection<LeaseDoc>
}

/** The collections of one database. No I/O. */
export function deliveryCollections(db: Db): DeliveryCollections {
  return {
    events: db.collection('events'),
    deliveries: db.collection('deliveries'),
    attempts: db.collection('attempts'),
    lanes: db.collection('lanes'),
    laneNumbers: db.collection('laneNumbers'),
    leases: db.collection('leases'),
  }
}

/** The document of an event as the transaction that causes it inserts it. Pure. */
export function newEventDoc(event: RegisterEvent): EventDoc {
  return { _id: event.id, state: 'new', at: event.at, topic: event.topic, event }
}

/** Makes what is missing of the collections and indexes; may run again at any time. */
export async function prepareDeliveryCollections(db: Db): Promise<void> {
  const { events, deliveries, attempts, lanes } = deliveryCollections(db)
  await events.createIndexes([{ key: { state: 1, at: 1, _id: 1 } }])
  await deliveries.createIndexes([
    { key: { subscription: 1, number: 1 }, unique: true },
    // Lanes with something waiting are found by one distinct over this, however much waits.
    { key: { state: 1, subscription: 1 } },
  ])
  await attempts.createIndexes([{ key: { subscription: 1, at: -1 } }])
  await lanes.createIndexes([{ key: { heartbeatAt: 1 }, partialFilterExpression: { heartbeatAt: { $type: 'date' } } }])
}
