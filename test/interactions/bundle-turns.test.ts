/** Turns of large Bundles. */
import { expect, test } from '@jest/globals'
import { buildBundleTurns } from '../../src/interactions/transaction/bundle-turns.ts'

/** Works that are begun in the order they are told, each until it is let go. */
function openYard(turns = buildBundleTurns({ atOnce: 2 })) {
  const begun: string[] = []
  const gates = new Map<string, () => void>()
  const send = (authority: string, name: string): Promise<string> =>
    turns.take(authority, async () => {
      begun.push(name)
      await new Promise<void>((resolve) => gates.set(name, resolve))
      return name
    })
  const letGo = async (name: string): Promise<void> => {
    gates.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { begun, send, letGo }
}

test('a few are carried out at once, the others wait', async () => {
  const { begun, send, letGo } = openYard()
  const all = ['a', 'b', 'c'].map((name) => send(name, name))
  await letGo('none')
  expect(begun).toEqual(['a', 'b'])
  await letGo('b')
  expect(begun).toEqual(['a', 'b', 'c'])
  await letGo('a')
  await letGo('c')
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
})

test('an authority with many in the queue does not keep another from its turn', async () => {
  const { begun, send, letGo } = openYard()
  const all = [...['a1', 'a2', 'a3', 'a4'].map((name) => send('A', name)), send('B', 'b1')]
  await letGo('none')
  for (const name of ['a1', 'a2', 'a3', 'b1', 'a4']) await letGo(name)
  await Promise.all(all)
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'a4'])
})

test('a failure gives the turn on', async () => {
  const turns = buildBundleTurns({ atOnce: 1 })
  const failing = turns.take('A', () => Promise.reject(new Error('no')))
  const after = turns.take('A', () => Promise.resolve('done'))
  await expect(failing).rejects.toThrow('no')
  expect(await after).toBe('done')
})

test('P1 who waits too long is told so, and nothing of it is begun', async () => {
  const turns = buildBundleTurns({ atOnce: 1, mostWaitMs: 20 })
  const gate = Promise.withResolvers<void>()
  const working = turns.take('A', () => gate.promise)
  let isBegun = false
  const late = turns.take('B', async () => {
    isBegun = true
  })
  await expect(late).rejects.toMatchObject({ kind: 'transient' })
  gate.resolve()
  await working
  expect(await turns.take('C', () => Promise.resolve('next'))).toBe('next')
  expect(isBegun).toBe(false)
})
