/** Subscriptions of an authority for the commands: the resource (Backport R4 1.1.0 shape) and waiting for its handshake (delivery.md "Subscription"). */
import type { Subscription } from '@medplum/fhirtypes'
import { BACKPORT, canonical, PROFILE } from '../fhir/canonicals.ts'
import { CliError, EXIT } from './io.ts'
import { parseResource, resourcesOf } from './parse-answer.ts'
import { sendFhir } from './server-client.ts'

/** How long a handshake may take before we say that it did not come. */
const HANDSHAKE_MS = 20_000
const POLL_MS = 100

export interface SubscribeRequest {
  readonly origin: string
  readonly token: string
  readonly endpoint: string
  /** Topic by its short name, e.g. `child-checked`. */
  readonly topic: string
}

/** The Subscription as sent: id-only, one event a request; by mail where the endpoint is a mailbox. Pure. */
export function buildSubscription(endpoint: string, topic: string): Record<string, unknown> {
  return {
    resourceType: 'Subscription',
    meta: { profile: [PROFILE.subscription] },
    status: 'requested',
    reason: 'Tell the authority when a child with one of its plans is seen',
    criteria: canonical('SubscriptionTopic', topic),
    channel: {
      ...(endpoint.startsWith('mailto:')
        ? { type: 'email', endpoint, payload: 'text/plain' }
        : { type: 'rest-hook', endpoint, payload: 'application/fhir+json' }),
      _payload: { extension: [{ url: BACKPORT.payloadContent, valueCode: 'id-only' }] },
    },
  }
}

/** Creates the Subscription, or requests the one that this endpoint and topic already have, so that what waited comes. */
export async function requestSubscription(request: SubscribeRequest): Promise<Subscription> {
  const { origin, token } = request
  const existing = await findSubscription(request)
  const answer =
    existing?.id === undefined
      ? await sendFhir(origin, {
          method: 'POST',
          path: '/Subscription',
          token,
          body: buildSubscription(request.endpoint, request.topic),
        })
      : await sendFhir(origin, {
          method: 'PUT',
          path: `/Subscription/${existing.id}`,
          token,
          body: { ...existing, status: 'requested' },
        })
  return parseResource(answer.body, 'Subscription')
}

async function findSubscription(request: SubscribeRequest): Promise<Subscription | undefined> {
  const answer = await sendFhir(request.origin, {
    method: 'POST',
    path: '/Subscription/_search',
    token: request.token,
    text: { content: `url=${encodeURIComponent(request.endpoint)}`, type: 'application/x-www-form-urlencoded' },
  })
  const criteria = canonical('SubscriptionTopic', request.topic)
  return resourcesOf(parseResource(answer.body, 'Bundle'), 'Subscription').find((one) => one.criteria === criteria)
}

/** Waits until the handshake has made it active; throws CliError when it went to error or never came. */
export async function waitUntilActive(request: SubscribeRequest, id: string): Promise<Subscription> {
  const started = performance.now()
  for (;;) {
    const answer = await sendFhir(request.origin, { method: 'GET', path: `/Subscription/${id}`, token: request.token })
    const subscription = parseResource(answer.body, 'Subscription')
    if (subscription.status === 'active') return subscription
    if (subscription.status === 'error' || performance.now() - started > HANDSHAKE_MS) {
      throw new CliError(
        EXIT.failed,
        `Subscription/${id} is ${subscription.status}: the endpoint did not answer the handshake with 200. ${subscription.error ?? ''}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
