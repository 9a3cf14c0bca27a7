/** How long notifications take is measured by authority (delivery.md "Recovery": metrics by LA). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { answer, type Receiver, startReceiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import { commitEvents, DERBYSHIRE, openWorld, statusOfSubscription, subscribe, type World } from './world.ts'

let world: World
let receiver: Receiver
beforeAll(async () => {
  world = await openWorld()
  receiver = await startReceiver({ keys: world.keys.webhooks })
})
afterAll(async () => {
  await world.close()
  await receiver.close()
})

async function measured(part: 'count' | 'sum'): Promise<number> {
  const { values } = await world.context.metrics.deliveredAfter.get()
  const found = values.find(({ metricName, labels }) => {
    return metricName === `cpis_delivered_after_seconds_${part}` && labels.authority === DERBYSHIRE
  })
  return found?.value ?? 0
}

test('from the event to its being taken, with waits and repeats; handshakes and what is sent once more do not count', async () => {
  const id = await subscribe(world, { endpoint: receiver.url })
  world.start()
  await waitFor('status active', async () => (await statusOfSubscription(world, id)) === 'active')
  expect(await measured('count')).toBe(0)
  receiver.next(answer(500))
  await commitEvents(world, 1)
  await waitFor('a failure', async () => (await world.deliveries.lanes())[0]?.failures === 1)
  expect(await measured('count')).toBe(0)
  world.advance(10_000)
  world.wake()
  await waitFor('the measure', async () => (await measured('count')) === 1)
  expect(await measured('sum')).toBe(10)
  await world.deliveries.queueAgain(id, { from: 1, through: 1, asked: randomUUID() })
  world.wake()
  await waitFor('it again', () => receiver.taken().length === 2)
  await waitFor('its mark', async () => (await world.deliveries.lanes())[0]?.again === undefined)
  expect(await measured('count')).toBe(1)
})
