import { expect, test } from '@jest/globals'
import { buildLargeBodies } from '../../src/http/large-bodies.ts'

const LARGE = 1024 * 1024

/** Keeps the event loop for so long, as parsing does. */
function work(ms: number): number {
  const until = performance.now() + ms
  while (performance.now() < until);
  return ms
}

test('small bodies are parsed at once, whatever waits', async () => {
  const bodies = buildLargeBodies()
  const order: string[] = []
  const large = [1, 2].map((at) => bodies.parse(LARGE, () => order.push(`large ${at}`) && work(20)))
  const small = bodies.parse(100, () => order.push('small'))
  await Promise.all([...large, small])
  expect(order).toEqual(['small', 'large 1', 'large 2'])
})

test('between two large ones there is as much time for others as parsing took', async () => {
  const bodies = buildLargeBodies()
  const startedAt = performance.now()
  let others = 0
  const timer = setInterval(() => (others += 1), 1)
  await Promise.all([1, 2, 3, 4].map(() => bodies.parse(LARGE, () => work(30))))
  clearInterval(timer)
  // four of 30 ms, and three rests
  expect(performance.now() - startedAt).toBeGreaterThan(200)
  expect(others).toBeGreaterThan(6)
})

test('what cannot be parsed fails alone', async () => {
  const bodies = buildLargeBodies()
  const refused = bodies.parse(LARGE, () => {
    throw new Error('no JSON')
  })
  const next = bodies.parse(LARGE, () => 'parsed')
  await expect(refused).rejects.toThrow('no JSON')
  expect(await next).toBe('parsed')
})
