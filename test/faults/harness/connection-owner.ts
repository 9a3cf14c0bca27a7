/** Which process holds the other end of a loopback connection: by it a proxy tells a member of the replica set from the server, as both come from 127.0.0.1 (Linux, /proc; elsewhere nobody is known and a partition stops only what comes in). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The one of these processes whose socket has this local port. Disk I/O (/proc), some milliseconds. */
export function findOwner(port: number, pids: readonly number[]): number | undefined {
  const sockets = new Set(inodesOf(port).map((inode) => `socket:[${inode}]`))
  return sockets.size === 0 ? undefined : pids.find((pid) => holds(pid, sockets))
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`; the port in hexadecimal after the address. One port may be that of several connections, and of ones that are over, which have no inode. */
function inodesOf(port: number): readonly string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = linesOf('/proc/net/tcp').map((one) => one.trim().split(/\s+/))
  return lines.flatMap(({ 1: address, 9: inode }) => (address?.endsWith(end) && inode && inode !== '0' ? [inode] : []))
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)))
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
