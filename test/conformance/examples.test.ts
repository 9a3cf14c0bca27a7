import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  comparable,
  type ExampleWorld,
  exampleInstant,
  followUpsOf,
  readExample,
  readExampleRows,
  sendExample,
} from '../support/examples.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

/** One story: the rows build on each other, so they run in the order of the table. */
describe('the examples', () => {
  let server: TestServer
  let receiver: Receiver
  let world: ExampleWorld

  beforeAll(async () => {
    server = await startTestServer({
      env: { CPIS_SMTP_URL: 'smtp://127.0.0.1:9', CPIS_MAIL_FROM: 'cpis@register.example' },
    })
    receiver = await startReceiver({ keys: server.context.keys.webhooks })
    world = { origin: server.url, endpoint: receiver.url, token: (name) => server.token(name) }
  })

  afterAll(async () => {
    await server.close()
    await receiver.close()
  })

  const rows = readExampleRows().map((row, nth) => ({ ...row, nth }))

  test('are all in the table', () => {
    expect(rows.length).toBeGreaterThan(30)
  })

  test.each(rows)('$nth: $request as $as is answered with $answer', async (row) => {
    server.setNow(exampleInstant(row.nth).toISOString())
    const answer = await sendExample(row, world)
    expect(comparable(answer.body)).toEqual(comparable(readExample(row.answer)))
    expect(answer.status).toBe(row.status)
    // The endpoint must be known to answer before anyone is told there.
    if (row.answer === 'subscription.answer.json') await waitFor('handshake', () => receiver.ofType('handshake')[0])
    // $status counts the events
    if (row.answer === 'check-answer-hit.json')
      await waitFor('the event', () => receiver.ofType('event-notification')[0])
  })

  test('bring the endpoint the handshake and the event that are printed, rightly signed, and an AuditEvent that can be read', async () => {
    await waitFor('the first event', () => receiver.ofType('event-notification')[0])
    for (const [name, body] of Object.entries(await followUpsOf(receiver, world))) {
      expect([name, comparable(body)]).toEqual([name, comparable(readExample(name))])
    }
    expect(receiver.received.filter((one) => !one.signatureIsRight)).toEqual([])
  })
})
