/** Open loop: operations begin at their own times whatever became of those before; each is timed from when it was due, so that waiting counts. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sample } from './latencies.ts'
import { watchCpu } from './process-cpu.ts'
import type { Random } from './random.ts'

export interface OpenLoop {
  readonly perSecond: number
  readonly seconds: number
  readonly random: Random
  readonly pids: Readonly<Record<string, number>>
}

/** Arrivals of a Poisson process. A rejection of an operation ends the run. */
export async function runOpenLoop(
  { perSecond, seconds, random, pids }: OpenLoop,
  operation: () => Promise<void>,
): Promise<Sample> {
  const times: number[] = []
  const running = new Set<Promise<void>>()
  const cpu = watchCpu(pids)
  const start = performance.now()
  const end = start + seconds * 1000
  for (let due = start; due < end; due += (-Math.log(1 - random.fraction()) * 1000) / perSecond) {
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    const mine = operation().then(() => {
      times.push(performance.now() - due)
      running.delete(mine)
    })
    running.add(mine)
  }
  await Promise.all(running)
  return { times, seconds: (performance.now() - start) / 1000, cpuMicros: cpu() }
}
