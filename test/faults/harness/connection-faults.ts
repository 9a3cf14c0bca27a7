/** Faults of the connections to the database, made by the proxies: cut, refused, silent, half-closed, parted, slow, and commits whose reply is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../bench/random.ts'
import { lasting, type Scene } from './faults.ts'
import type { Place } from './place.ts'
import type { Source, TcpProxy, Treatment } from './tcp-proxy.ts'

const SWALLOW_PATIENCE_MS = 10_000
const PASS: Treatment = { kind: 'pass' }

/** One of the ways in which connections end or fall silent. */
export async function cutConnections(scene: Scene, healed: () => void): Promise<string> {
  const { place, random } = scene
  const ways = place.members.length > 1 ? [...WAYS, partPrimary, partPrimary, hidePrimary] : WAYS
  const way = ways[random.below(ways.length)] ?? cutOnce
  try {
    return await way(scene)
  } finally {
    pass(place)
    healed()
  }
}

type Way = (scene: Scene) => Promise<string>

const cutOnce: Way = async ({ place }) => `${each(place, (one) => one.cut())} connections cut`

const cutAgainAndAgain: Way = async (scene) => {
  const ms = lasting(scene, 1_000)
  const until = performance.now() + ms
  let cut = 0
  while (performance.now() < until) {
    cut += each(scene.place, (one) => one.cut())
    await sleep(20 + scene.random.below(200))
  }
  return `${cut} connections cut, again and again for ${ms} ms`
}

const refuse: Way = async (scene) => {
  const ms = lasting(scene, 500)
  treat(scene.place, () => ({ kind: 'refuse' }))
  await sleep(ms)
  return `connections refused for ${ms} ms`
}

const fallSilent: Way = async (scene) => {
  const ms = lasting(scene, 1_000)
  treat(scene.place, () => ({ kind: 'silent' }))
  await sleep(ms)
  return `connections silent for ${ms} ms`
}

const halfClose: Way = async ({ place }) => `${each(place, (one) => one.halfClose())} connections half-closed`

const WAYS: readonly Way[] = [cutOnce, cutAgainAndAgain, refuse, fallSilent, halfClose]

/** The primary is parted from everybody, in both directions: another takes over. */
const partPrimary: Way = async (scene) => {
  const { place, random } = scene
  const primary = await place.findPrimary()
  const treatment = partedBy(random)
  const ms = lasting(scene, 4_000)
  for (const [at, { proxy }] of place.members.entries()) {
    proxy()?.treat((source) => (at === primary || source === primary ? treatment : PASS))
  }
  await sleep(ms)
  return `the primary parted from all (${treatment.kind}) for ${ms} ms`
}

/** The server does not reach the primary, while the members see each other and change nothing. */
const hidePrimary: Way = async (scene) => {
  const { place, random } = scene
  const treatment = partedBy(random)
  const ms = lasting(scene, 2_000)
  place.members[await place.findPrimary()]?.proxy()?.treat((source) => (source === 'outside' ? treatment : PASS))
  await sleep(ms)
  return `the primary hidden from the server (${treatment.kind}) for ${ms} ms`
}

const partedBy = (random: Random): Treatment => ({ kind: random.fraction() < 0.5 ? 'refuse' : 'silent' })

/** Connections that are slow, or narrow. */
export async function worsenConnections(scene: Scene, healed: () => void): Promise<string> {
  const { place, random } = scene
  const ms = lasting(scene, 2_000)
  const delay: Treatment = { kind: 'delay', ms: 10 + random.below(290) }
  const narrow: Treatment = { kind: 'throttle', bytesPerSecond: 20_000 + random.below(200_000) }
  const treatment = random.fraction() < 0.5 ? delay : narrow
  treat(place, () => treatment)
  await sleep(ms)
  pass(place)
  healed()
  return treatment.kind === 'delay'
    ? `every message ${treatment.ms} ms late for ${ms} ms`
    : `${Math.round(narrow.bytesPerSecond / 1000)} kB/s for ${ms} ms`
}

/** Commits that mongod carries out and nobody hears of: one, or all for a while, the driver's and our own repetitions with them. */
export async function swallowCommits(scene: Scene, healed: () => void): Promise<string> {
  const { place, random } = scene
  const ms = random.fraction() < 0.4 ? 0 : lasting(scene, 200)
  const proxy = place.members[await place.findPrimary()]?.proxy()
  const over = new AbortController()
  const patience = sleep(SWALLOW_PATIENCE_MS, undefined, { signal: over.signal, ref: false }).catch(() => undefined)
  await Promise.race([proxy?.swallowCommits(), patience])
  over.abort()
  await sleep(ms)
  const swallowed = proxy?.stopSwallowing() ?? 0
  healed()
  return `${swallowed} replies to commits swallowed${ms === 0 ? '' : `, all for ${ms} ms`}`
}

function treat(place: Place, rule: (source: Source) => Treatment): void {
  for (const { proxy } of place.members) proxy()?.treat(rule)
}

function pass(place: Place): void {
  treat(place, () => PASS)
}

/** Does it to every proxy there is; the sum of what came of it. */
function each(place: Place, act: (proxy: TcpProxy) => number): number {
  return place.members.reduce((sum, { proxy }) => {
    const front = proxy()
    return front === undefined ? sum : sum + act(front)
  }, 0)
}
