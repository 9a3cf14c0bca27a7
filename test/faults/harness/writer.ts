/** A council's system: files, changes, withdraws and deletes plans, alone, in transactions and in batches, and repeats what was left in doubt as its supplier would. */
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt, type Details, type Ended } from './attempt.ts'
import type { Came } from './caller.ts'
import type { Outcome, PlanWrite } from './operation.ts'
import { type BundleEntry, bundleOf, byIdentifier, dayOf, type PlanState, planBody } from './plan-bodies.ts'
import type { Part } from './world.ts'
import { entryAnswer, seenOf, writeFacts, writeOf } from './write-answers.ts'

const MOST_PAUSE_MS = 60
const REPEATED = 0.25
const MOST_IN_BATCH = 5

/** What the writer believes of a plan; `version` is of the last answer that named one. */
interface Held extends PlanState {
  readonly id: string
  readonly version: number
}

type PlanType = PlanState['type']

/** A child of this writer alone: its operations follow one another. */
interface OwnChild {
  readonly number: string
  /** States so far, of all its plans: the next start date. */
  states: number
  /** Plans so far. */
  plans: number
  readonly held: Map<PlanType, Held>
}

export interface WriterParts {
  readonly part: Part
  /** GSS. */
  readonly authority: string
  readonly children: readonly string[]
}

/** Writes until the run is over. */
export async function runWriter({ part, authority, children }: WriterParts): Promise<void> {
  const writer = buildWriter(part, `la-${authority}`, children)
  while (!part.world.isOver()) {
    await writer.step()
    await sleep(part.random.below(MOST_PAUSE_MS))
  }
}

function buildWriter(part: Part, as: string, numbers: readonly string[]): { step(): Promise<void> } {
  const { random, name } = part
  const children: readonly OwnChild[] = numbers.map((number) => ({ number, states: 0, plans: 0, held: new Map() }))

  const pick = <T>(from: readonly T[]): T | undefined => from[random.below(from.length)]
  const nextDay = (child: OwnChild): string => {
    child.states += 1
    return dayOf(child.states)
  }
  const fresh = (child: OwnChild, type: PlanType): PlanState => {
    child.plans += 1
    return {
      plan: `${name}-${child.number.slice(-7)}-${child.plans}`,
      child: child.number,
      type,
      value: nextDay(child),
    }
  }

  /** A new child, or two, with two plans each, in one transaction. */
  async function file(child: OwnChild): Promise<void> {
    const other = pick(children.filter((one) => one !== child && one.held.size === 0))
    const chosen = other !== undefined && random.fraction() < 0.3 ? [child, other] : [child]
    const states = chosen.flatMap((one) => [fresh(one, 'CPP'), fresh(one, 'LAC')])
    const entries = states.map(
      (one): BundleEntry => ({ method: 'POST', url: 'EpisodeOfCare', resource: planBody(one) }),
    )
    await sendBundle('transaction', states, entries)
  }

  /** Both plans of a child get the same new start, in one transaction. */
  async function changeBoth(child: OwnChild): Promise<void> {
    const value = nextDay(child)
    const states = [...child.held.values()].map((one) => ({ ...one, value }))
    const entries = states.map(
      (one): BundleEntry => ({
        method: 'PUT',
        url: `EpisodeOfCare/${one.id}`,
        resource: { ...planBody(one), id: one.id },
        ifMatch: `W/"${one.version}"`,
      }),
    )
    await sendBundle('transaction', states, entries)
  }

  /** A good plan and one that ends before it starts: nothing of it may stay. */
  async function fileBadly(child: OwnChild): Promise<void> {
    const states = [fresh(child, 'CPP'), fresh(child, 'LAC')]
    const [good, bad] = states
    if (good === undefined || bad === undefined) return
    const ending = { ...planBody(bad), period: { start: bad.value, end: dayOf(0) } }
    const resources = [planBody(good), ending]
    const entries = resources.map((resource): BundleEntry => ({ method: 'POST', url: 'EpisodeOfCare', resource }))
    const identifier = random.uuid()
    await attempt(part, {
      kind: 'refused-transaction',
      sent: { as, method: 'POST', path: '', body: bundleOf('transaction', identifier, entries) },
      details: (came, outcome) => ({ together: identifier, writes: writesOf(states, came, outcome) }),
    })
  }

  async function sendBundle(
    kind: 'transaction',
    states: readonly PlanState[],
    entries: readonly BundleEntry[],
  ): Promise<void> {
    const identifier = random.uuid()
    const one = {
      kind,
      sent: { as, method: 'POST' as const, path: '', body: bundleOf(kind, identifier, entries) },
      details: (came: Came, outcome: Outcome): Details => ({
        together: identifier,
        writes: writesOf(states, came, outcome),
      }),
    }
    const ended = await attempt(part, one)
    await learn(states, ended, writesOf(states, ended.came, ended.outcome))
    // the same Bundle once more, while nothing has changed: its stored reply (R15)
    if (ended.outcome === 'ok' && random.fraction() < REPEATED) await attempt(part, one)
  }

  /** The nightly list: some of it new, some changed, some as it was. */
  async function sendBatch(): Promise<void> {
    const chosen = children.filter(() => random.fraction() < 0.5).slice(0, MOST_IN_BATCH)
    const states = chosen.map((child): PlanState => {
      const held = child.held.get('CPP')
      if (held === undefined) return fresh(child, 'CPP')
      return random.fraction() < 0.4 ? held : { ...held, value: nextDay(child) }
    })
    if (states.length === 0) return
    const entries = states.map(
      (one): BundleEntry => ({ method: 'PUT', url: byIdentifier(one.plan), resource: planBody(one) }),
    )
    const ended = await attempt(part, {
      kind: 'batch',
      sent: { as, method: 'POST', path: '', body: bundleOf('batch', random.uuid(), entries) },
      details: (came, outcome) => ({ writes: writesOf(states, came, outcome) }),
    })
    await learn(states, ended, writesOf(states, ended.came, ended.outcome))
  }

  async function changeOne(child: OwnChild, kind: 'update' | 'patch' | 'withdraw'): Promise<void> {
    const held = pick([...child.held.values()])
    if (held === undefined) return
    const state = { ...held, value: nextDay(child), isWithdrawn: kind === 'withdraw' }
    const resource = { ...planBody(state), id: held.id }
    const patch = [{ op: 'replace', path: '/period/start', value: state.value }]
    const ended = await attempt(part, {
      kind,
      sent: {
        as,
        method: kind === 'patch' ? 'PATCH' : 'PUT',
        path: `EpisodeOfCare/${held.id}`,
        ifMatch: `W/"${held.version}"`,
        body: kind === 'patch' ? patch : resource,
      },
      details: (came, outcome) => ({ writes: [writeOf(state, came, outcome)] }),
    })
    await learn([state], ended, [writeOf(state, ended.came, ended.outcome)])
  }

  async function remove(child: OwnChild): Promise<void> {
    const held = pick([...child.held.values()])
    if (held === undefined) return
    const write = (outcome: Outcome): PlanWrite => ({
      plan: held.plan,
      child: held.child,
      value: 'deleted',
      hides: true,
      outcome,
    })
    await attempt(part, {
      kind: 'delete',
      sent: { as, method: 'DELETE', path: `EpisodeOfCare/${held.id}`, ifMatch: `W/"${held.version}"` },
      details: (_came, outcome) => ({ writes: [write(outcome)] }),
    })
    await look(held)
  }

  /** Reads back what was filed by the way. */
  async function readBack(child: OwnChild): Promise<void> {
    const held = pick([...child.held.values()])
    if (held !== undefined) await look(held)
  }

  /** From an answer that named versions, or by reading where it was refused or stayed in doubt. */
  async function learn(states: readonly PlanState[], { outcome }: Ended, writes: readonly PlanWrite[]): Promise<void> {
    for (const [at, state] of states.entries()) {
      const child = children.find((one) => one.number === state.child)
      const write = writes[at]
      const id = idsOf.get(state.plan) ?? child?.held.get(state.type)?.id
      const isKnown = outcome === 'ok' && write?.outcome === 'ok' && write.version !== undefined && id !== undefined
      if (!isKnown || state.isWithdrawn === true) await look(state)
      else child?.held.set(state.type, { ...state, id, version: write.version ?? 0 })
    }
  }

  const idsOf = new Map<string, string>()

  /** What the register holds of a plan now, by the authority's own identifier. Withdrawn or gone: it is no longer held. */
  async function look(state: PlanState): Promise<void> {
    const child = children.find((one) => one.number === state.child)
    const { came, outcome } = await attempt(part, {
      kind: 'read',
      sent: { as, method: 'GET', path: byIdentifier(state.plan) },
      details: (answer, how) => (how === 'ok' ? { read: { plan: state.plan, ...seenOf(answer) } } : {}),
    })
    if (outcome !== 'ok') return
    const { seen } = seenOf(came)
    if (seen !== undefined) idsOf.set(state.plan, seen.id)
    if (seen === undefined || seen.hides) {
      if (child?.held.get(state.type)?.plan === state.plan) child.held.delete(state.type)
      return
    }
    const { plan, type } = state
    child?.held.set(type, {
      plan,
      type,
      child: state.child,
      value: seen.start,
      id: seen.id,
      version: seen.version ?? 0,
    })
  }

  function writesOf(states: readonly PlanState[], came: Came, outcome: Outcome): readonly PlanWrite[] {
    return states.map((state, at) => {
      const answer = outcome === 'ok' ? entryAnswer(came.body, at) : undefined
      if (answer?.id !== undefined) idsOf.set(state.plan, answer.id)
      return {
        ...writeFacts(state),
        outcome:
          answer?.status === undefined
            ? outcome
            : answer.status < 400
              ? 'ok'
              : answer.status >= 500
                ? 'unknown'
                : 'fail',
        ...(answer?.version === undefined ? {} : { version: answer.version }),
      }
    })
  }

  return {
    async step() {
      const child = pick(children)
      if (child === undefined) return
      if (random.fraction() < 0.15) return sendBatch()
      if (child.held.size === 0) return random.fraction() < 0.15 ? fileBadly(child) : file(child)
      const kinds: readonly [number, () => Promise<void>][] = [
        [0.35, () => changeBoth(child)],
        [0.55, () => changeOne(child, 'update')],
        [0.72, () => changeOne(child, 'patch')],
        [0.82, () => readBack(child)],
        [0.92, () => changeOne(child, 'withdraw')],
        [1, () => remove(child)],
      ]
      const place = random.fraction()
      await kinds.find(([below]) => place < below)?.[1]()
    },
  }
}
