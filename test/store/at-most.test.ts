/** A bound on calls under way. */
import { expect, test } from '@jest/globals'
import { atMost } from '../../src/store/at-most.ts'

test('past the bound calls wait their turn, in order; one that fails frees its place', async () => {
  const begun: { readonly name: string; readonly end: PromiseWithResolvers<string> }[] = []
  const call = atMost(2, (name: string) => {
    const end = Promise.withResolvers<string>()
    begun.push({ name, end })
    return end.promise
  })
  const settled = Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => call(name)))
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b'])
  begun[1]?.end.reject(new Error('broken'))
  await new Promise(setImmediate)
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  begun[0]?.end.resolve('a')
  await new Promise(setImmediate)
  begun[2]?.end.resolve('c')
  begun[3]?.end.resolve('d')
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  const last = call('e')
  begun[4]?.end.resolve('e')
  expect(await last).toBe('e')
})
