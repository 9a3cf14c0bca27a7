/** docs/alerts.rules.yaml names only metrics and labels that src/metrics.ts has, and says of each alert what to do. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Metric } from 'prom-client'
import { buildMetrics } from '../../src/metrics.ts'

const TEXT = readFileSync(new URL('../../docs/alerts.rules.yaml', import.meta.url), 'utf8')
const RULES = TEXT.split(/^ {6}- alert: /m)
  .slice(1)
  .map((text) => ({
    name: text.split('\n')[0] ?? '',
    text,
    expr: /^ {8}expr: (.+)$/m.exec(text)?.[1] ?? '',
  }))

/** By every name that Prometheus gives it. */
const METRICS = new Map<string, readonly string[]>()
for (const metric of buildMetrics().registry.getMetricsAsArray() as unknown as readonly (Metric & {
  readonly name: string
  readonly type: string
  readonly labelNames: readonly string[]
})[]) {
  METRICS.set(metric.name, metric.labelNames)
  if (metric.type === 'histogram') {
    for (const end of ['bucket', 'sum', 'count']) METRICS.set(`${metric.name}_${end}`, [...metric.labelNames, 'le'])
  }
}

const namesIn = (expr: string): readonly string[] => expr.match(/\bcpis_[a-z_]+/g) ?? []

function labelsIn(expr: string): readonly string[] {
  const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, ?/))
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list.split(',').map((one) => one.split(/[=!~]/)[0] ?? ''),
  )
  return [...grouped, ...matched]
}

describe('sample alert rules', () => {
  test('there are some, each named once', () => {
    expect(RULES.length).toBeGreaterThan(8)
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length)
  })

  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (_name, { expr, text }) => {
    const names = namesIn(expr)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !METRICS.has(name))).toEqual([])
    for (const label of labelsIn(expr)) {
      for (const name of names) expect(METRICS.get(name)).toContain(label)
    }
    expect(text).toMatch(/severity: (critical|warning)/)
    expect(text).toMatch(/summary: ".+"\n/)
    expect(text).toMatch(/action: ".+"\n/)
    for (const [, label = ''] of text.matchAll(/\$labels\.([a-z]+)/g)) expect(labelsIn(expr)).toContain(label)
  })

  test.each([
    'cpis_deliveries_waiting',
    'cpis_deliveries_oldest_seconds',
    'cpis_deliveries_total',
    'cpis_lanes_in_error',
  ])('%s is watched: a notification is never lost unseen', (name) => {
    expect(RULES.some(({ expr }) => namesIn(expr).includes(name))).toBe(true)
  })

  test('a name that is no metric would be found', () => {
    expect(METRICS.has('cpis_deliveries_lost_total')).toBe(false)
    expect(namesIn('sum(rate(cpis_deliveries_lost_total[5m])) > 0')).toEqual(['cpis_deliveries_lost_total'])
  })
})
