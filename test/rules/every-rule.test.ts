/** Every rule and principle of the register has a table test and a test through HTTP, each named after it. */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'

const PROJECT = new URL('../../', import.meta.url)
const RULES = [...Array.from({ length: 25 }, (_, nth) => `R${nth + 1}`), 'R14a', 'P1', 'P2', 'P3', 'P4', 'P5']

/** Names in these files that begin with a rule (`R2 …`, `R7 R10 …`), as the rules they name. */
function rulesNamedIn(...patterns: readonly string[]): ReadonlySet<string> {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: PROJECT.pathname }))
  const names = files.flatMap((file) => [
    ...readFileSync(new URL(file, PROJECT), 'utf8').matchAll(/(['"`])((?:(?:R\d+a?|P\d) )+)[^'"`]/g),
  ])
  return new Set(names.flatMap(([, , rules = '']) => rules.trim().split(' ')))
}

describe('every rule is named by', () => {
  test.each([
    ['a table test', ['test/domain/**/*.test.ts', 'test/rules/table.test.ts']],
    [
      'a test through HTTP',
      [
        'test/rules/r*.test.ts',
        'test/rules/principles.test.ts',
        'test/interactions/*.test.ts',
        'test/delivery/daily.test.ts',
      ],
    ],
  ])('%s', (_what, patterns) => {
    const named = rulesNamedIn(...patterns)
    expect(RULES.filter((rule) => !named.has(rule))).toEqual([])
  })

  test('names that do not exist name no rule', () => {
    expect(rulesNamedIn('test/support/*.ts').has('R99')).toBe(false)
  })
})
