/** Which process holds the other end of a loopback connection: by it a proxy tells a member of the replica set from the server, as both come from 127.0.0.1 (Linux, /proc; elsewhere nobody is known and a partition stops only what comes in). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The one of these processes whose socket has this local port. Disk I/O (/proc), some milliseconds. */
export function findOwner(port: number, pids: readonly number[]): number | undefined {
  const inode = inodeOf(port)
  return inode === undefined ? undefined : pids.find((pid) => holds(pid, `socket:[${inode}]`))
}

/** Line of /proc/net/tcp: `sl local_address rem_address st … inode`; the port in hexadecimal after the address. */
function inodeOf(port: number): string | undefined {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const line = linesOf('/proc/net/tcp').find((one) => one.trim().split(/\s+/)[1]?.endsWith(end))
  return line?.trim().split(/\s+/)[9]
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

function holds(pid: number, socket: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === socket)
  } catch {
    return false
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
