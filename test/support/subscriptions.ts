/** Subscriptions and numbered events over a running server, for tests of what their owners and the administrator may ask. */
import { randomUUID } from 'node:crypto'
import type { Subscription } from '@medplum/fhirtypes'
import type { AuthorityCode, ResourceId } from '../../src/domain/brands.ts'
import type { RegisterEvent } from '../../src/domain/events.ts'
import { resourceOf, type TestServer } from './server.ts'
import { waitFor } from './wait-for.ts'

const CONTENT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content'
export const AUTHORITY = 'E10000007'

/** A Subscription, id-only and of child-checked unless told otherwise. */
export function subscriptionOf(endpoint: string, topic: string = 'child-checked', content = 'id-only'): object {
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Tell the duty desk',
    criteria: `https://cpis.example/fhir/SubscriptionTopic/${topic}`,
    channel: {
      type: 'rest-hook',
      endpoint,
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: CONTENT, valueCode: content }] },
    },
  }
}

/** Files it and waits until its handshake has made it active; its id. */
export async function subscribe(server: TestServer, body: object, as = `la-${AUTHORITY}`): Promise<string> {
  const { id = '' } = resourceOf(await server.send({ as, path: 'Subscription', body }), 'Subscription')
  await waitFor('the Subscription to be active', async () => (await readStatus(server, id, as)) === 'active')
  return id
}

export async function readStatus(
  server: TestServer,
  id: string,
  as = `la-${AUTHORITY}`,
): Promise<Subscription['status']> {
  return resourceOf(await server.send({ as, path: `Subscription/${id}` }), 'Subscription').status
}

/** Commits events of child-checked as checks do, and waits until they are numbered. */
export async function commitEvents(server: TestServer, count: number, authority = AUTHORITY): Promise<void> {
  const now = server.context.clock().getTime()
  const events = Array.from(
    { length: count },
    (_, nth): RegisterEvent => ({
      id: randomUUID(),
      at: new Date(now + nth).toISOString(),
      topic: 'child-checked',
      authority: authority as AuthorityCode,
      plans: [{ id: randomUUID() as ResourceId, version: 1, type: 'CPP' }],
      caseStatus: 'open',
      setting: 'emergency-department',
      incident: { id: randomUUID(), leg: 1, inSixMonths: 1 },
      auditId: randomUUID(),
    }),
  )
  await server.context.store.transact((unit) => unit.appendEvents(events))
  server.context.wakeDelivery()
  await waitFor('the events to be numbered', async () => (await server.context.deliveries.newEvents(1)).length === 0)
}
