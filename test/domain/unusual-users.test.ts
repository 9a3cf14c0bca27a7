/** Who stands out against others of the same role: by hand-made months, each with one thing that is unusual. */
import { describe, expect, test } from '@jest/globals'
import type { UserUsage } from '../../src/domain/audit-usage.ts'
import { findUnusual, medianOf } from '../../src/domain/unusual-users.ts'

const usageOf = (id: string, more: Partial<Omit<UserUsage, 'user'>> = {}, roleCode = 'R8001'): UserUsage => ({
  user: { id, name: `Name ${id}`, roleProfileId: `profile-${id}`, roleCode, roleName: 'Role' },
  checks: 40,
  hits: 4,
  misses: 36,
  refused: 0,
  outOfHours: 12,
  children: 38,
  mostOfOneChild: 2,
  organizations: 1,
  settings: 1,
  stopped: 0,
  missAlerts: 0,
  ...more,
})
/** Nine ordinary people of a role, who differ a little. */
const ordinary = (roleCode = 'R8001'): UserUsage[] =>
  [31, 34, 37, 38, 40, 41, 43, 46, 50].map((checks, nth) =>
    usageOf(`${roleCode}-${nth}`, { checks, hits: 4, misses: checks - 4, outOfHours: 10 + nth }, roleCode),
  )
const found = (usages: readonly UserUsage[]): unknown =>
  findUnusual(usages).map(({ usage, findings }) => [usage.user.id, ...findings.map(({ measure }) => measure)])

test.each<readonly [readonly number[], number]>([
  [[], 0],
  [[7], 7],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[1, 1, 1, 1000], 1],
])('the median of %j is %d', (values, median) => {
  expect(medianOf(values)).toBe(median)
})

describe('nobody stands out', () => {
  test.each<readonly [string, readonly UserUsage[]]>([
    ['among nobody', []],
    ['alone', [usageOf('a', { checks: 4000 })]],
    ['among ordinary people', ordinary()],
    [
      'with a little more where all are alike',
      [...ordinary().map((one) => ({ ...one, checks: 40 })), usageOf('x', { checks: 50 })],
    ],
    ['with many misses of few checks', [...ordinary(), usageOf('x', { checks: 5, hits: 0, misses: 5, outOfHours: 5 })]],
    ['with three settings', [...ordinary(), usageOf('x', { settings: 3 })]],
    ['with five checks of one child', [...ordinary(), usageOf('x', { mostOfOneChild: 5 })]],
    [
      'as one of a busy role beside a quiet one',
      [
        ...ordinary(),
        ...ordinary('R8003').map((one) => ({ ...one, checks: one.checks * 20, misses: one.checks * 20, hits: 0 })),
      ],
    ],
  ])('%s', (_words, usages) => {
    expect(found(usages)).toEqual([])
  })
})

describe('who stands out, and by what', () => {
  test.each<readonly [string, Partial<Omit<UserUsage, 'user'>>, readonly string[]]>([
    ['very many checks', { checks: 400, hits: 40, misses: 360, outOfHours: 100 }, ['checks']],
    ['nothing but nights', { outOfHours: 40 }, ['out-of-hours']],
    ['many organisations', { organizations: 6 }, ['organizations']],
    ['many settings', { settings: 7 }, ['settings']],
    ['one child again and again', { mostOfOneChild: 9 }, ['one-child']],
    ['many refusals', { refused: 12 }, ['refused']],
    ['stopped once', { stopped: 1 }, ['stopped']],
    ['an alert about misses', { missAlerts: 2 }, ['miss-alerts']],
    [
      'several at once',
      { stopped: 1, mostOfOneChild: 20, organizations: 9 },
      ['stopped', 'organizations', 'one-child'],
    ],
  ])('%s', (_words, more, measures) => {
    expect(found([...ordinary(), usageOf('x', more)])).toEqual([['x', ...measures]])
  })

  test('misses, where others of the role find most of those they ask about', () => {
    const role = ordinary().map((one) => ({ ...one, hits: one.checks - 8, misses: 8 }))
    expect(found([...role, usageOf('x', { hits: 2, misses: 38 })])).toEqual([['x', 'miss-ratio']])
  })

  test('a few outliers do not hide each other: the median does not move', () => {
    const many = [1, 2, 3].map((nth) =>
      usageOf(`x${nth}`, { checks: 900 + nth, hits: 90, misses: 810 + nth, outOfHours: 300 }),
    )
    expect(found([...ordinary(), ...many])).toEqual([
      ['x3', 'checks'],
      ['x2', 'checks'],
      ['x1', 'checks'],
    ])
  })

  test('a role of fewer than five is compared with everyone, and says so', () => {
    const usages = [...ordinary(), usageOf('rare', { checks: 300, hits: 30, misses: 270, outOfHours: 90 }, 'R0260')]
    const [only, second] = findUnusual(usages)
    expect([only?.compared, only?.findings[0]?.median, second]).toEqual([{ with: 'all', users: 10 }, 40.5, undefined])
  })

  test('the value, the median and the limit are told; the stopped come first', () => {
    const usages = [...ordinary(), usageOf('x', { mostOfOneChild: 9, settings: 8 }), usageOf('y', { stopped: 2 })]
    expect(findUnusual(usages).map(({ usage, findings }) => [usage.user.id, findings])).toEqual([
      ['y', [{ measure: 'stopped', value: 2 }]],
      [
        'x',
        [
          { measure: 'settings', value: 8, median: 1, limit: 3 },
          { measure: 'one-child', value: 9, median: 2, limit: 5.5 },
        ],
      ],
    ])
  })
})
