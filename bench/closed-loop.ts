/** Closed loop: n callers, each sends its next operation when the last one was answered. */
import type { Sample } from './latencies.ts'
import { watchCpu } from './process-cpu.ts'

export interface ClosedLoop {
  readonly callers: number
  readonly seconds: number
  /** Processes whose CPU is told. */
  readonly pids: Readonly<Record<string, number>>
}

/** Runs it for `seconds`. `operation` is told which caller it is for; a rejection ends the run. */
export async function runClosedLoop(
  { callers, seconds, pids }: ClosedLoop,
  operation: (caller: number) => Promise<void>,
): Promise<Sample> {
  const times: number[] = []
  const cpu = watchCpu(pids)
  const start = performance.now()
  const end = start + seconds * 1000
  const call = async (_: unknown, caller: number): Promise<void> => {
    for (let begun = performance.now(); begun < end; ) {
      await operation(caller)
      const now = performance.now()
      times.push(now - begun)
      begun = now
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return { times, seconds: (performance.now() - start) / 1000, cpuMicros: cpu() }
}
