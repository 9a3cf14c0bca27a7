/** What is done to the system, by name: each fault is begun, lasts, and is healed; what it did exactly is decided by the seed and told in words. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../bench/random.ts'
import { cutConnections, swallowCommits, worsenConnections } from './connection-faults.ts'
import type { Member, Place } from './place.ts'
import type { ServerProcess } from './server-process.ts'
import { fillDisk, freeDisk } from './small-disk.ts'

export const FAULT_NAMES = [
  'kill-server',
  'kill-mongod',
  'pause-mongod',
  'cut',
  'delay',
  'swallow-commit',
  'disk-full',
  'clock',
] as const
export type FaultName = (typeof FAULT_NAMES)[number]

export interface Scene {
  readonly place: Place
  readonly server: ServerProcess
  readonly random: Random
  /** No pause, silence or other state lasts longer. */
  readonly longestMs: number
  /** The server's clock was moved: tokens of before are worth nothing. */
  readonly onClock: () => void
}

/** Done to the end; `healed` is called when nothing more stands in the way, and what has to start again may take its time after it. */
export type Fault = (scene: Scene, healed: () => void) => Promise<string>

export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  'kill-server': killServer,
  'kill-mongod': killMongod,
  'pause-mongod': pauseMongod,
  cut: cutConnections,
  delay: worsenConnections,
  'swallow-commit': swallowCommits,
  'disk-full': fillItsDisk,
  clock: moveClock,
}

/** A time from `leastMs` to the longest of the run. Pure but for the random number. */
export function lasting({ random, longestMs }: Pick<Scene, 'random' | 'longestMs'>, leastMs: number): number {
  return Math.round(leastMs + random.fraction() * Math.max(0, longestMs - leastMs))
}

async function killServer({ place, server, random }: Scene, healed: () => void): Promise<string> {
  const [first, ...workers] = server.pids()
  const worker = workers[random.below(workers.length)]
  if (worker !== undefined && random.fraction() < 0.5) {
    signal(worker, 'SIGKILL')
    healed()
    return `kill -9 of one of ${workers.length} workers`
  }
  const isPowerCut = random.fraction() < 0.3
  const primary = isPowerCut ? place.members[await place.findPrimary()] : undefined
  signal(primary?.pid(), 'SIGKILL')
  await server.kill()
  await place.release()
  healed()
  await server.start()
  return `kill -9 of the server${isPowerCut ? ' and of the primary mongod at once' : ''}${first === undefined ? ' (it did not run)' : ''}`
}

async function killMongod({ place, random }: Scene, healed: () => void): Promise<string> {
  const primary = await place.findPrimary()
  const isMajority = place.members.length > 1 && random.fraction() < 0.3
  const hit = isMajority ? [primary, (primary + 1) % place.members.length] : [primary]
  for (const at of hit) signal(place.members[at]?.pid(), 'SIGKILL')
  healed()
  return isMajority ? 'kill -9 of the primary and another member' : 'kill -9 of the primary mongod'
}

async function pauseMongod(scene: Scene, healed: () => void): Promise<string> {
  const { place, random } = scene
  const primary = await place.findPrimary()
  const isSecondary = place.members.length > 1 && random.fraction() < 0.2
  const member = place.members[isSecondary ? (primary + 1) % place.members.length : primary]
  const pid = member?.pid()
  const ms = lasting(scene, 1_000)
  signal(pid, 'SIGSTOP')
  await sleep(ms)
  signal(pid, 'SIGCONT')
  healed()
  return `${isSecondary ? 'a secondary' : 'the primary'} mongod stopped for ${ms} ms`
}

async function fillItsDisk(scene: Scene, healed: () => void): Promise<string> {
  const member = await primaryOf(scene.place)
  const ms = lasting(scene, 2_000)
  const filledMb = fillDisk(member.dbPath)
  await sleep(ms)
  freeDisk(member.dbPath)
  healed()
  return `the disk of the primary mongod full for ${ms} ms (${filledMb} MB)`
}

/** Minutes by which the server's clock is off for a while. */
const OFFSETS = [-26 * 60, -90, -2, 2, 90, 26 * 60] as const

/** The server's own clock (CPIS_SANDBOX_NOW), by starting it again: neither the machine's clock nor mongod's is moved. */
async function moveClock(scene: Scene, healed: () => void): Promise<string> {
  const { server, place, random, onClock } = scene
  const minutes = OFFSETS[random.below(OFFSETS.length)] ?? 2
  const ms = lasting(scene, 2_000)
  await server.stop()
  await place.release()
  await server.start({ CPIS_SANDBOX_NOW: new Date(Date.now() + minutes * 60_000).toISOString() })
  onClock()
  await sleep(ms)
  await server.stop()
  await place.release()
  healed()
  await server.start()
  onClock()
  return `the server started with its clock ${minutes} minutes off, and ${ms} ms later with it set right again`
}

async function primaryOf(place: Place): Promise<Member> {
  const member = place.members[await place.findPrimary()]
  if (member === undefined) throw new Error('There is no primary.')
  return member
}

/** One that is gone already needs none. */
function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined && pid > 1) process.kill(pid, name)
  } catch {
    // between our look and the signal it has ended by itself
  }
}
