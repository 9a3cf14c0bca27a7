/** CPU time of processes (proc(5), /proc/[pid]/stat): on a machine with other work it says more than the clock on the wall. */
import { readFileSync } from 'node:fs'

/** Kernels that show /proc count in hundredths of a second to their programs. */
const MICROS_PER_TICK = 10_000

/** CPU microseconds that the process and its threads have used; undefined where the machine does not tell. Disk I/O. */
export function cpuMicrosOf(pid: number): number | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in brackets, may hold spaces
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK
  } catch {
    return undefined
  }
}

/** Begins to watch named processes; the function returned gives the CPU microseconds that each used since. */
export function watchCpu(pids: Readonly<Record<string, number>>): () => Record<string, number> {
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, at: cpuMicrosOf(pid) }))
  return () =>
    Object.fromEntries(
      before.flatMap(({ name, pid, at }) => {
        const now = cpuMicrosOf(pid)
        return at === undefined || now === undefined ? [] : [[name, now - at]]
      }),
    )
}
