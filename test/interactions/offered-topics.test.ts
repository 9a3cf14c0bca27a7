/** Every topic that is offered makes events: an authority subscribes to each, something happens, and its endpoint is told (delivery.md "Topics"; R17, R18, R21, R23, R24). */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Topic } from '../../src/domain/events.ts'
import { OFFERED_TOPICS } from '../../src/interactions/capabilities/offered-topics.ts'
import { sendBirth, sendNumberChanged } from '../support/number-notices.ts'
import { patientOf, planOf } from '../support/plans.ts'
import { type Receiver, startReceiver, statusOf } from '../support/receiver.ts'
import { resourceOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { subscribe, subscriptionOf } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'la-E10000007'
let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

async function file(parts: Parameters<typeof planOf>[0]): Promise<string> {
  const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf(parts) })
  return `EpisodeOfCare/${resourceOf(made, 'EpisodeOfCare').id}`
}

/** What makes an event of each topic; the plan that it is about. */
const CAUSES: Readonly<Record<Topic, () => Promise<string>>> = {
  async 'child-checked'() {
    const plan = await file({ nhsNumber: '9998450055' })
    await sendCheck(server, '9998450055')
    return plan
  },
  async 'incident-opened'() {
    const plan = await file({ nhsNumber: '9992378603' })
    await sendCheck(server, '9992378603')
    return plan
  },
  async 'nhs-number-missing'() {
    const child = resourceOf(
      await server.send({ as: LA, path: 'Patient', body: patientOf({ local: 'c1' }) }),
      'Patient',
    )
    return await file({ patient: `Patient/${child.id}` })
  },
  async 'nhs-number-superseded'() {
    const plan = await file({ nhsNumber: '9994033018' })
    await sendNumberChanged(server, { from: '9994033018', to: '9997007336' })
    return plan
  },
  async 'baby-born'() {
    const plan = await file({ nhsNumber: '9991612467', type: 'UCPP' })
    await sendBirth(server, { mother: '9991612467', baby: '9996621235' })
    return plan
  },
}

test('these are all there are', () => {
  expect([...OFFERED_TOPICS].sort()).toEqual(Object.keys(CAUSES).sort())
})

test.each(OFFERED_TOPICS)('%s', async (topic) => {
  receiver = await startReceiver({ keys: server.context.keys.webhooks })
  try {
    await subscribe(server, subscriptionOf(receiver.url, topic))
    const plan = await CAUSES[topic]()
    const told = await waitFor('the event', () => receiver.ofType('event-notification')[0])
    const parts = statusOf(told.bundle).parameter ?? []
    expect(parts.find((one) => one.name === 'topic')?.valueCanonical).toMatch(new RegExp(`/${topic}$`))
    const event = JSON.stringify(parts.find((one) => one.name === 'notification-event'))
    expect(event).toContain(plan)
    expect(event.includes('AuditEvent/')).toBe(topic === 'child-checked' || topic === 'incident-opened')
    expect(told.signatureIsRight).toBe(true)
  } finally {
    await receiver.close()
  }
})
