/** What one step of a lane works with, and the two ways in which it closes the lane: halted, or in status error. */
import type { Resource, Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import type { SubscriptionDraft } from '../domain/subscription.ts'
import type { DeliveryStore, HaltReason, HeldLane } from '../store/delivery-store.ts'
import type { Row } from '../store/store.ts'
import { buildErrorAlert, SUBSCRIPTION_ERROR } from './error-alert.ts'
import type { KnownSubscriptions } from './known-subscriptions.ts'
import type { Send } from './send.ts'
import { changeStatus, type DeliveryParts } from './subscription-status.ts'

export interface LaneParts extends DeliveryParts {
  readonly subscriptions: KnownSubscriptions
  /** Resolves when this lane's events that are being numbered are there to be read; undefined when none are. */
  readonly underWay: (id: ResourceId) => Promise<void> | undefined
  /** As DeliveryStore.waiting; may have been read ahead. */
  readonly waiting: DeliveryStore['waiting']
  readonly send: Send
  /** FHIR base of this server, without trailing slash. */
  readonly base: string
  readonly allowedHosts: (authority: AuthorityCode) => readonly string[]
  /** For full-resource: a resource by its relative reference as that authority may see it. */
  readonly readResource: (authority: AuthorityCode, reference: string) => Promise<Resource | undefined>
  /** From 0 inclusive to 1 exclusive. */
  readonly random: () => number
}

/** A Subscription as it was when the step began, and the lane it has. */
export interface Step {
  readonly lane: HeldLane
  readonly row: Row<'Subscription'>
  readonly resource: Subscription
  readonly draft: SubscriptionDraft
}

/** Closes a lane; false, because nothing follows. Database I/O. */
export async function halt({ deliveries }: LaneParts, lane: HeldLane, reason: HaltReason): Promise<false> {
  await deliveries.haltLane(lane.lease, reason)
  return false
}

/** Status error first, with the alarm: were the process to end between, the next turn sees it and halts. */
export async function fail(parts: LaneParts, { lane, row }: Step, words: string): Promise<boolean> {
  const { context } = parts
  const alert = buildErrorAlert(
    { id: row.id, version: row.version + 1, owner: lane.authority },
    { auditId: context.newId(), at: context.clock() },
  )
  if (!(await changeStatus(context, row, { status: 'error', error: words, alert }))) return true
  context.metrics.alerts.inc({ alert: SUBSCRIPTION_ERROR })
  context.log.warn({ subscription: row.id, authority: lane.authority }, 'subscription in error')
  return halt(parts, lane, 'error')
}
