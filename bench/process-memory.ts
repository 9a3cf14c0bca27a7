/** What a process holds (proc(5)): resident memory and open files. */
import { readdirSync, readFileSync } from 'node:fs'

/** Resident bytes, those of the processes it started included; undefined where the machine does not tell. Disk I/O. */
export function residentBytesOf(pid: number): number | undefined {
  const own = statusOf(pid, 'VmRSS')
  return own === undefined
    ? undefined
    : own + childrenOf(pid).reduce((sum, one) => sum + (residentBytesOf(one) ?? 0), 0)
}

/** Open files and sockets; undefined where the machine does not tell. Disk I/O. */
export function openFilesOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}

function statusOf(pid: number, field: string): number | undefined {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line?.[1] === undefined ? undefined : Number(line[1]) * 1024
  } catch {
    return undefined
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number)
  } catch {
    return []
  }
}
