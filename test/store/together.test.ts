/** What is asked for while a call is under way shares the next one (storage.md "Transactions"). */
import { describe, expect, test } from '@jest/globals'
import { together } from '../../src/store/together.ts'

/** A call that ends when the test says so. */
function buildWork() {
  const calls: { readonly members: readonly number[]; readonly end: PromiseWithResolvers<readonly string[]> }[] = []
  const ask = together((members: readonly number[]) => {
    const end = Promise.withResolvers<readonly string[]>()
    calls.push({ members, end })
    return end.promise
  })
  const end = (call: number): void => {
    const { members, end } = calls[call] ?? { members: [], end: undefined }
    end?.resolve(members.map((member) => `answer ${member}`))
  }
  return { calls, ask, end }
}

describe('together', () => {
  test('an idle group goes at once, with one member', async () => {
    const { calls, ask, end } = buildWork()
    const answer = ask(1)
    expect(calls.map(({ members }) => members)).toEqual([[1]])
    end(0)
    expect(await answer).toBe('answer 1')
  })

  test('with two calls under way the rest waits and then goes as one, each with its own answer', async () => {
    const { calls, ask, end } = buildWork()
    const answers = [1, 2, 3, 4, 5].map(ask)
    expect(calls.map(({ members }) => members)).toEqual([[1], [2]])
    end(0)
    expect(await answers[0]).toBe('answer 1')
    await new Promise(setImmediate)
    expect(calls[2]?.members).toEqual([3, 4, 5])
    end(1)
    end(2)
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5].map((member) => `answer ${member}`))
  })

  test('a call begins after its members have asked: none joins one that is under way', async () => {
    const { calls, ask, end } = buildWork()
    const first = ask(1)
    const second = ask(2)
    const late = ask(3)
    expect(calls.flatMap(({ members }) => members)).toEqual([1, 2])
    end(0)
    end(1)
    await Promise.all([first, second])
    await new Promise(setImmediate)
    end(2)
    expect(await late).toBe('answer 3')
  })

  test('a call that fails fails its own members only', async () => {
    const { calls, ask, end } = buildWork()
    const answers = [ask(1), ask(2), ask(3)]
    calls[0]?.end.reject(new Error('broken'))
    await expect(answers[0]).rejects.toThrow('broken')
    await new Promise(setImmediate)
    end(1)
    end(2)
    expect(await Promise.all(answers.slice(1))).toEqual(['answer 2', 'answer 3'])
  })
})
