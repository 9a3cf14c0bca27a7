/** What one client asks for is evened out, and refusals that do not end are held back (security.md "Abuse and bad input"). */
import { describe, expect, test } from '@jest/globals'
import { AT_ONCE, buildBrake } from '../../src/http/brake.ts'
import { buildPace } from '../../src/http/pace.ts'

describe('the pace of 6,000 a minute', () => {
  test('lets 32 at once through, keeps those behind waiting for a second at most, and refuses the rest', async () => {
    const pace = buildPace(6_000, () => 0)
    const turns = Array.from({ length: 200 }, () => pace.turn('flooder'))
    const refused = await Promise.all(turns.slice(132))
    expect(refused).toEqual(refused.map(() => false))
    await expect(Promise.all(turns.slice(0, 32))).resolves.toEqual(Array(32).fill(true))
    expect(await pace.turn('another')).toBe(true)
  })

  test('gives a client that was quiet its burst again', async () => {
    let nowMs = 0
    const pace = buildPace(6_000, () => nowMs)
    for (let nth = 0; nth < 200; nth += 1) void pace.turn('one')
    expect(await pace.turn('one')).toBe(false)
    nowMs = 60_000
    await expect(Promise.all(Array.from({ length: 32 }, () => pace.turn('one')))).resolves.not.toContain(false)
  })

  test('forgets nobody who is asking among 10,000', async () => {
    const pace = buildPace(6_000, () => 0)
    for (let nth = 0; nth < 200; nth += 1) void pace.turn('flooder')
    for (let nth = 0; nth < 9_000; nth += 1) void pace.turn(`client-${nth}`)
    expect(await pace.turn('flooder')).toBe(false)
  })
})

test('an allowance of a few is not evened out', async () => {
  const pace = buildPace(60, () => 0)
  await expect(Promise.all(Array.from({ length: 60 }, () => pace.turn('one')))).resolves.toEqual(Array(60).fill(true))
})

describe('refusals', () => {
  test('beyond those said at once to a client are held, and others’ are not', async () => {
    const brake = buildBrake(() => 0)
    for (let nth = 0; nth < AT_ONCE.client; nth += 1) await brake.hold('client', 'flooder')
    let isSaid = false
    const held = brake.hold('client', 'flooder').then(() => {
      isSaid = true
    })
    await brake.hold('client', 'another')
    await brake.hold('address', 'flooder')
    expect(isSaid).toBe(false)
    await held
    expect(isSaid).toBe(true)
  })

  test('a second later they are said at once again', async () => {
    let nowMs = 0
    const brake = buildBrake(() => nowMs)
    for (let nth = 0; nth < AT_ONCE.client; nth += 1) await brake.hold('client', 'one')
    nowMs = 1_000
    await brake.hold('client', 'one')
  })
})
