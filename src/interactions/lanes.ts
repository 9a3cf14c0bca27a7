/** `/admin/lanes` (delivery.md "Recovery"): the administrator sees every lane, whose it is, what waits and what its endpoint last answered, and releases one or all; pausing and resending are in lane-orders.ts. */
import type { Context } from '../context.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { Lane } from '../store/delivery-store.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { parseId } from './owned-rows.ts'
import { requestAgain } from './subscription/request-again.ts'

/** `idle`: nothing waits; `sending`: it is under way; `retrying`: the endpoint failed and is tried again; `paused`: by an administrator; else why nothing is sent. */
export type LaneState = 'idle' | 'sending' | 'retrying' | 'paused' | NonNullable<Lane['halted']>

/** A lane as it is told: no address, nothing of any event but its age. */
export interface LaneView {
  readonly subscription: string
  readonly authority: string
  readonly authorityName?: string
  readonly state: LaneState
  /** By an administrator, whatever the state is besides. */
  readonly paused?: true
  readonly waiting: number
  readonly lastNumber: number
  readonly deliveredThrough: number
  readonly oldestWaitingAt?: string
  readonly failures: number
  readonly failingSince?: string
  readonly nextTryAt?: string
  readonly lastAnswer?: { readonly at: string; readonly answer: string; readonly status?: number }
  /** What is to be sent once more. */
  readonly again?: { readonly from: number; readonly through: number }
}

/** All lanes, those in trouble first. */
export const handleListLanes: Handler = async (_request, _caller, context) => {
  return { status: 200, body: { lanes: await findLaneViews(context) } }
}

/** Every lane as it is told, those in trouble first. Database I/O. */
export async function findLaneViews(context: Context): Promise<readonly LaneView[]> {
  const lanes = await context.deliveries.lanes()
  const names = await namesOf(context, lanes)
  const stopped = await findStopped(context)
  const views = lanes.map((lane) => viewLane(seenWith(stopped, lane), names.get(lane.authority)))
  return views.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))
}

/** One lane, by its Subscription. NOT_FOUND when there is none. */
export const handleReleaseLane: Handler = async (request, _caller, context) => {
  const lane = await getLane(request, context)
  const isReleased = await release(context, seenWith(await findStopped(context), lane))
  context.wakeDelivery()
  return { status: 200, body: { released: isReleased ? [lane.id] : [] } }
}

/** Every lane in which something waits. */
export const handleReleaseLanes: Handler = async (_request, _caller, context) => {
  const released: string[] = []
  const stopped = await findStopped(context)
  for (const lane of (await context.deliveries.lanes()).map((one) => seenWith(stopped, one))) {
    const isStuck = waitingIn(lane) > 0 || lane.again !== undefined || lane.failures > 0
    if (isStuck && (await release(context, lane))) released.push(lane.id)
  }
  context.wakeDelivery()
  const entities = released.map((id) => ({ type: 'Subscription', id }))
  return { status: 200, body: { released }, audit: { entities } }
}

/** The lane of the Subscription in the address. NOT_FOUND when there is none. Database I/O. */
export async function getLane(request: FhirRequest, context: Context): Promise<Lane> {
  const id = parseId(request.id)
  const lane = (await context.deliveries.lanes()).find((one) => one.id === id)
  if (lane === undefined) throw fhirError('NOT_FOUND')
  return lane
}

const ORDER: readonly LaneState[] = ['error', 'paused', 'retrying', 'sending', 'new', 'idle', 'off', 'deleted']

function waitingIn({ lastNumber, deliveredThrough }: Lane): number {
  return lastNumber - deliveredThrough
}

/** Makes it due at once, or has one in error requested again; what its owner turned off or deleted, and what is paused, stays so. */
async function release(context: Context, lane: Lane): Promise<boolean> {
  if (lane.paused) return false
  if (lane.halted === undefined) return context.deliveries.makeDue(lane.id)
  if (lane.halted !== 'error') return false
  const row = await context.store.read.of(lane.authority, 'Subscription').find(lane.id)
  return row !== undefined && (await requestAgain(context, row))
}

/** Subscriptions that are off or in error: a lane learns of it only when it is next worked on, or a moment later. */
async function findStopped(context: Context): Promise<ReadonlyMap<string, 'off' | 'error'>> {
  const rows = await context.store.read.subscriptions.search({
    criteria: [{ field: 'status', anyOf: ['off', 'error'] }],
    limit: MOST_LANES,
  })
  return new Map(rows.map(({ id, resource }) => [id, resource?.status === 'error' ? 'error' : 'off']))
}

function seenWith(stopped: ReadonlyMap<string, 'off' | 'error'>, lane: Lane): Lane {
  const halted = lane.halted === undefined ? stopped.get(lane.id) : undefined
  return halted === undefined ? lane : { ...lane, halted }
}

/** More than there are authorities many times over. */
const MOST_LANES = 10_000

async function namesOf(context: Context, lanes: readonly Lane[]): Promise<ReadonlyMap<string, string | undefined>> {
  const codes: readonly AuthorityCode[] = [...new Set(lanes.map(({ authority }) => authority))]
  const rows = codes.length === 0 ? [] : await context.store.read.authorities(codes)
  return new Map(rows.map((row) => [row.owner, row.resource?.name]))
}

/** What is told of a lane. Pure. */
export function viewLane(lane: Lane, authorityName: string | undefined): LaneView {
  const waiting = waitingIn(lane)
  const { lastAnswer, again } = lane
  return {
    subscription: lane.id,
    authority: lane.authority,
    ...(authorityName === undefined ? {} : { authorityName }),
    state: stateOf(lane),
    ...(lane.paused ? { paused: true } : {}),
    waiting,
    lastNumber: lane.lastNumber,
    deliveredThrough: lane.deliveredThrough,
    ...(lane.oldestWaitingAt === undefined ? {} : { oldestWaitingAt: lane.oldestWaitingAt }),
    failures: lane.failures,
    ...(lane.failingSince === undefined ? {} : { failingSince: lane.failingSince.toISOString() }),
    ...(lane.retryAt === undefined ? {} : { nextTryAt: lane.retryAt.toISOString() }),
    ...(lastAnswer === undefined ? {} : { lastAnswer: { ...lastAnswer, at: lastAnswer.at.toISOString() } }),
    ...(again === undefined ? {} : { again: { from: again.from, through: again.through } }),
  }
}

/** What is wrong or was ended by its owner is said before a pause; a pause before what waits. */
function stateOf(lane: Lane): LaneState {
  if (lane.halted !== undefined && (lane.halted !== 'new' || !lane.paused)) return lane.halted
  if (lane.paused) return 'paused'
  if (lane.failures > 0) return 'retrying'
  return waitingIn(lane) > 0 || lane.again !== undefined ? 'sending' : 'idle'
}
