/** What a round measured, and how rounds are summed up: percentiles, medians, ranges. Pure. */

/** Operations of one round and the CPU that each process spent on them. */
export interface Round {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
  readonly operations: number
  /** CPU microseconds an operation, by process; empty where the machine does not tell. */
  readonly cpuMicros: Readonly<Record<string, number>>
}

/** Rounds of one kind: the median of each figure, and how far throughput ranged. */
export interface Summary extends Round {
  readonly leastPerSecond: number
  readonly mostPerSecond: number
}

/** One uninterrupted stretch of measuring. */
export interface Sample {
  /** How long each operation took, in ms. */
  readonly times: readonly number[]
  readonly seconds: number
  /** CPU microseconds that each process used. */
  readonly cpuMicros: Readonly<Record<string, number>>
}

/** A round out of its samples; none give zeros. */
export function buildRound(samples: readonly Sample[]): Round {
  const sorted = Float64Array.from(samples.flatMap((one) => one.times)).sort()
  const seconds = samples.reduce((sum, one) => sum + one.seconds, 0)
  const cpu = (name: string): number => samples.reduce((sum, one) => sum + (one.cpuMicros[name] ?? 0), 0)
  const names = Object.keys(samples[0]?.cpuMicros ?? {})
  return {
    perSecond: sorted.length / seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    mostMs: sorted.at(-1) ?? 0,
    operations: sorted.length,
    cpuMicros: Object.fromEntries(names.map((name) => [name, cpu(name) / sorted.length])),
  }
}

export function summarise(rounds: readonly Round[]): Summary {
  const rates = rounds.map((one) => one.perSecond)
  const names = Object.keys(rounds[0]?.cpuMicros ?? {})
  return {
    perSecond: median(rates),
    leastPerSecond: Math.min(...rates),
    mostPerSecond: Math.max(...rates),
    p50Ms: median(rounds.map((one) => one.p50Ms)),
    p99Ms: median(rounds.map((one) => one.p99Ms)),
    mostMs: Math.max(...rounds.map((one) => one.mostMs)),
    operations: rounds.reduce((sum, one) => sum + one.operations, 0),
    cpuMicros: Object.fromEntries(names.map((name) => [name, median(rounds.map((one) => one.cpuMicros[name] ?? 0))])),
  }
}

/** The middle one, or the mean of the middle two; 0 for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (low + high) / 2
}

/** Ratios of rounds taken side by side: median, least and most. */
export function compare(
  ours: readonly Round[],
  floor: readonly Round[],
): readonly [middle: number, least: number, most: number] {
  const ratios = ours.map((one, place) => one.perSecond / (floor[place]?.perSecond ?? Number.NaN))
  return [median(ratios), Math.min(...ratios), Math.max(...ratios)]
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
