/** The judge of the fault harness: hand-made histories that are right, and one for each promise with a breach that must be found. */
import { describe, expect, test } from '@jest/globals'
import { checkHistory } from './check-history.ts'
import type {
  Aftermath,
  FaultRecord,
  History,
  Operation,
  PlanVersion,
  PlanWrite,
  StoredAudit,
  StoredPlan,
  Told,
} from './operation.ts'

const CHILD = 'child'
const LA = 'E10000007'

interface Made {
  readonly operations?: readonly Operation[]
  readonly faults?: readonly FaultRecord[]
  readonly aftermath?: Partial<Aftermath>
}

function history({ operations = [], faults = [], aftermath = {} }: Made): History {
  const nothing = { plans: [], audits: [], accesses: [], events: [], deliveries: [], subscriptions: [] }
  const audits = aftermath.audits ?? operations.flatMap(recordOf)
  return { operations, faults, aftermath: { ...nothing, ...aftermath, audits } }
}

/** What a right register records of an operation. */
function recordOf(one: Operation): StoredAudit[] {
  const { status = 0, requestId, check } = one
  if (status === 0 || status >= 500) return []
  const record = { id: check?.auditId ?? `audit-${one.id}`, requestId, status, interaction: one.kind, authorities: [] }
  const entities = (check?.plans ?? []).map((plan) => ({
    type: 'EpisodeOfCare',
    id: plan.id,
    version: Number(plan.start),
  }))
  return [{ ...record, entities }]
}

let last = 0
function operation(parts: Partial<Operation>): Operation {
  last += 1
  const at = parts.invokedAt ?? 0
  const id = parts.id ?? last
  const known = { worker: 'w', kind: 'update', outcome: 'ok', requestId: `request-${id}` } as const
  return { ...known, id, invokedAt: at, completedAt: at + 10, ...(parts.broke ? {} : { status: 200 }), ...parts }
}

/** A write whose value is its version, so that a case can be read. */
function write(value: string, at: number, more: Partial<Operation> & { write?: Partial<PlanWrite> } = {}): Operation {
  const { write: parts, ...rest } = more
  const outcome = rest.outcome ?? 'ok'
  const known = { plan: 'p', child: CHILD, value, hides: value === 'deleted', outcome }
  const version = outcome === 'ok' && value !== 'deleted' ? { version: Number(value) } : {}
  return operation({ invokedAt: at, ...rest, writes: [{ ...known, ...version, ...parts }] })
}

function check(start: string | undefined, at: number, more: Partial<Operation> = {}): Operation {
  last += 1
  const plans = start === undefined ? [] : [{ id: 'id-p', start }]
  return operation({
    id: last,
    kind: 'check',
    invokedAt: at,
    check: { child: CHILD, setting: 'emergency-department', auditId: `check-${last}`, plans },
    ...more,
  })
}

function stored(values: readonly string[], more: Partial<StoredPlan> = {}): StoredPlan {
  const versions = values.map((value, at): PlanVersion => ({ version: at + 1, value, hides: value === 'deleted' }))
  const current = values.at(-1) === 'deleted' ? {} : { current: versions.length }
  return { id: 'id-p', plan: 'p', versions, ...current, ...more }
}

const rulesOf = (made: Made): readonly string[] => [...new Set(checkHistory(history(made)).map((one) => one.rule))]

describe('a right history breaks nothing', () => {
  test.each<[string, Made]>([
    ['nothing at all', {}],
    [
      'writes one after the other, each seen by the next check',
      {
        operations: [check(undefined, 0), write('1', 20), check('1', 40), write('2', 60), check('2', 80)],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'a write that nobody heard of and that is not there',
      {
        operations: [write('1', 0), write('2', 20, { outcome: 'unknown', broke: 'broken' }), check('1', 40)],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'a write that nobody heard of and that is there, seen soon or late',
      {
        operations: [
          write('1', 0),
          write('2', 20, { outcome: 'unknown', broke: 'broken' }),
          check('1', 40),
          check('2', 60),
        ],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'a check beside a write sees either',
      {
        operations: [write('1', 0), write('2', 100, { completedAt: 200 }), check('1', 110), check('2', 150)],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'nothing known of a plan that was deleted or withdrawn',
      {
        operations: [write('1', 0), write('deleted', 20), check(undefined, 40)],
        aftermath: { plans: [stored(['1', 'deleted'])] },
      },
    ],
    [
      'a refused write is not there',
      {
        operations: [write('1', 0), write('2', 20, { outcome: 'fail', status: 412 }), check('1', 40)],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'one value, written twice and there once',
      {
        operations: [
          write('1', 0, { outcome: 'unknown', status: 503, retryAfter: '2' }),
          write('1', 20, { together: 'b' }),
          write('1', 40, { together: 'b' }),
        ],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
  ])('%s', (_name, made) => {
    expect(checkHistory(history(made))).toEqual([])
  })
})

describe('what is lost, invented or half there is found', () => {
  test.each<[string, string, Made]>([
    ['nothing acknowledged is lost', 'an acknowledged plan is not there', { operations: [write('1', 0)] }],
    [
      'nothing acknowledged is lost',
      'an acknowledged version is not there',
      {
        operations: [write('1', 0), write('2', 20)],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'nothing acknowledged is lost',
      'it is there as another version',
      {
        operations: [write('1', 0), write('2', 20, { write: { version: 3 } })],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'nothing acknowledged is lost',
      'a withdrawal is there as no withdrawal',
      {
        operations: [write('1', 0), write('2', 20, { write: { hides: true } })],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'versions without gap or fork',
      'a gap',
      {
        operations: [write('1', 0)],
        aftermath: { plans: [stored(['1'], { versions: [{ version: 2, value: '1', hides: false }] })] },
      },
    ],
    [
      'versions without gap or fork',
      'a fork',
      {
        operations: [write('1', 0), write('2', 20, { write: { version: 1 } })],
        aftermath: {
          plans: [
            stored([], {
              versions: [
                { version: 1, value: '1', hides: false },
                { version: 1, value: '2', hides: false },
              ],
              current: 1,
            }),
          ],
        },
      },
    ],
    [
      'what is read is the last version',
      'an older one is read',
      {
        operations: [write('1', 0), write('2', 20)],
        aftermath: { plans: [stored(['1', '2'], { current: 1 })] },
      },
    ],
    [
      'what is read is the last version',
      'a deleted one is read',
      {
        operations: [write('1', 0), write('deleted', 20)],
        aftermath: { plans: [stored(['1', 'deleted'], { current: 1 })] },
      },
    ],
    [
      'nothing is invented',
      'a version nobody asked for',
      {
        operations: [write('1', 0)],
        aftermath: { plans: [stored(['1', '7'])] },
      },
    ],
    [
      'what was refused is not there',
      'a refused write is there',
      {
        operations: [write('1', 0), write('2', 20, { outcome: 'fail', status: 422 })],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'one write, one version',
      'a repetition made a version',
      {
        operations: [write('1', 0), write('1', 20)],
        aftermath: { plans: [stored(['1', '1'])] },
      },
    ],
    [
      'versions in the order of their acknowledgement',
      'the later of two is under the earlier',
      {
        operations: [write('2', 0, { write: { version: 2 } }), write('1', 20, { write: { version: 1 } })],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'a transaction is all or nothing',
      'one of two writes',
      {
        operations: [
          operation({
            kind: 'transaction',
            outcome: 'unknown',
            broke: 'broken',
            together: 'b',
            writes: ['p', 'q'].map((plan) => ({ plan, child: CHILD, value: '1', hides: false, outcome: 'unknown' })),
          }),
        ],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'what is bad is refused',
      'a bad transaction was taken',
      {
        operations: [operation({ kind: 'refused-transaction' })],
      },
    ],
  ])('%s: %s', (rule, _name, made) => {
    expect(rulesOf(made)).toContain(rule)
  })
})

describe('what is shown wrongly is found', () => {
  test.each<[string, string, Made]>([
    [
      'no false "nothing known"',
      'a miss after an acknowledged plan',
      {
        operations: [write('1', 0), check(undefined, 20)],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'what was shown once is not unshown',
      'a miss after a plan that was seen, though nobody had acknowledged it',
      {
        operations: [write('1', 0, { outcome: 'unknown', broke: 'broken' }), check('1', 20), check(undefined, 40)],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'no false "nothing known"',
      'a miss while a withdrawal was only refused',
      {
        operations: [
          write('1', 0),
          write('2', 20, { outcome: 'fail', status: 412, write: { hides: true } }),
          check(undefined, 40),
        ],
        aftermath: { plans: [stored(['1'])] },
      },
    ],
    [
      'what is shown is what stands',
      'an outdated start',
      {
        operations: [write('1', 0), write('2', 20), check('1', 40)],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'what is shown is what stands',
      'a plan after its deletion',
      {
        operations: [write('1', 0), write('deleted', 20), check('1', 40)],
        aftermath: { plans: [stored(['1', 'deleted'])] },
      },
    ],
    ['what is shown is what stands', 'a plan that no history has', { operations: [check('1', 0)] }],
    [
      'what was shown once is not unshown',
      'an older one after a newer one',
      {
        operations: [
          write('1', 0),
          write('2', 20, { outcome: 'unknown', broke: 'broken' }),
          check('2', 40),
          check('1', 60),
        ],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
    [
      'no false "nothing known"',
      'half of a transaction',
      {
        operations: [
          operation({
            kind: 'transaction',
            together: 'b',
            writes: ['p', 'q'].map((plan) => ({
              plan,
              child: CHILD,
              value: '1',
              hides: false,
              outcome: 'ok',
              version: 1,
            })),
          }),
          check('1', 20),
        ],
        aftermath: { plans: [stored(['1']), stored(['1'], { id: 'id-q', plan: 'q' })] },
      },
    ],
    [
      'what is shown is what stands',
      'an authority reads an outdated version',
      {
        operations: [
          write('1', 0),
          write('2', 20),
          operation({
            kind: 'read',
            invokedAt: 40,
            read: { plan: 'p', seen: { id: 'id-p', start: '1', version: 1, hides: false } },
          }),
        ],
        aftermath: { plans: [stored(['1', '2'])] },
      },
    ],
  ])('%s: %s', (rule, _name, made) => {
    expect(rulesOf(made)).toContain(rule)
  })
})

describe('what is not recorded, or twice, is found', () => {
  const one = write('1', 0)
  const made = (audits: readonly Partial<StoredAudit>[]): Made => ({
    operations: [one],
    aftermath: {
      plans: [stored(['1'])],
      audits: audits.map((parts, at) => ({
        id: `audit-${at}`,
        requestId: one.requestId,
        status: 200,
        interaction: 'update',
        entities: [],
        authorities: [],
        ...parts,
      })),
    },
  })
  test.each<[string, Made]>([
    ['an answer without a record', made([])],
    ['an answer with two', made([{}, {}])],
    [
      'a refusal without a record',
      { operations: [operation({ outcome: 'fail', status: 409 })], aftermath: { audits: [] } },
    ],
    [
      'a repeated check recorded twice',
      {
        operations: [check(undefined, 0, { requestId: 'r' })],
        aftermath: {
          audits: ['a', 'b'].map((id) => ({
            id,
            requestId: 'r',
            status: 200,
            interaction: 'operation',
            entities: [],
            authorities: [],
          })),
        },
      },
    ],
  ])('%s', (_name, history_) => {
    expect(rulesOf(history_)).toContain('one audit for each answer')
  })

  test('an answer that shows what its record does not name', () => {
    const seen = check('1', 20)
    const record = { ...recordOf(seen)[0], entities: [] } as StoredAudit
    const operations = [one, seen]
    const aftermath = { plans: [stored(['1'])], audits: [...recordOf(one), record] }
    expect(rulesOf({ operations, aftermath })).toEqual(['nothing is disclosed that is not recorded'])
  })

  test('a doubtful write may have been recorded or not, and its refusal too', () => {
    const doubtful = write('2', 20, { outcome: 'unknown', status: 503, retryAfter: '2' })
    const statuses = [[], [200], [503], [200, 503]]
    for (const found of statuses) {
      const records = found.map((status) => ({
        ...recordOf(one)[0],
        id: `d-${status}`,
        requestId: doubtful.requestId,
        status,
      }))
      const audits = [...recordOf(one), ...(records as StoredAudit[])]
      expect(rulesOf({ operations: [one, doubtful], aftermath: { plans: [stored(['1'])], audits } })).toEqual([])
    }
  })
})

describe('what is told wrongly is found', () => {
  /** Two accesses, told as 1 and 2. */
  function told(change: (right: Aftermath) => Partial<Aftermath>): Made {
    const ids = ['a', 'b']
    const operations = ids.map((id) => check(undefined, 0, { requestId: `r-${id}` }))
    const incident = (at: number) => ({ id: 'i', leg: at + 1 })
    const right: Aftermath = {
      plans: [],
      audits: operations.map((one, at) => ({
        id: one.check?.auditId ?? '',
        requestId: one.requestId,
        status: 200,
        interaction: 'operation',
        entities: [],
        authorities: [LA],
        incident: incident(at),
      })),
      accesses: operations.map((one, at) => ({ id: one.check?.auditId ?? '', incident: incident(at) })),
      events: operations.map((one, at) => ({
        id: `e${at}`,
        state: 'numbered',
        topic: 'child-checked',
        authority: LA,
        auditId: one.check?.auditId ?? '',
      })),
      deliveries: operations.map((one, at) => ({
        subscription: 's',
        number: at + 1,
        state: 'delivered',
        eventId: `e${at}`,
        auditId: one.check?.auditId ?? '',
      })),
      subscriptions: [
        {
          id: 's',
          authority: LA,
          topic: 'child-checked',
          told: operations.map(
            (one, at): Told => ({
              numbers: [at + 1],
              auditIds: [one.check?.auditId ?? ''],
              webhookId: `w${at}`,
              answered: 200,
              signatureIsRight: true,
            }),
          ),
        },
      ],
    }
    return { operations, aftermath: { ...right, ...change(right) } }
  }
  const retold = (change: (told: readonly Told[]) => readonly Told[]) =>
    told(({ subscriptions }) => ({ subscriptions: subscriptions.map((one) => ({ ...one, told: change(one.told) })) }))

  test('what is right is not', () => {
    expect(rulesOf(told(() => ({})))).toEqual([])
    const again = (all: readonly Told[]) => all.flatMap((one) => [{ ...one, answered: 503 }, one, one])
    expect(rulesOf(retold(again))).toEqual([])
    const waiting = told(({ deliveries, subscriptions }) => ({
      deliveries: deliveries.map((one) => ({ ...one, state: 'waiting' })),
      subscriptions: subscriptions.map((one) => ({ ...one, told: [] })),
    }))
    expect(rulesOf(waiting)).toEqual([])
  })

  const order = 'delivered in order, under one name, or waiting'
  test.each<[string, string, Made]>([
    [
      'one access for each hit',
      'an access that is missing',
      told(({ accesses }) => ({ accesses: accesses.slice(0, 1) })),
    ],
    [
      'one access for each hit',
      'an access twice',
      told(({ accesses }) => ({ accesses: [...accesses, ...accesses.slice(1)] })),
    ],
    [
      'legs of an incident without gap',
      'a leg that was counted and is not there',
      told(({ accesses }) => ({
        accesses: accesses.map((one) => ({ ...one, incident: { id: 'i', leg: one.incident.leg * 2 } })),
      })),
    ],
    [
      'one event for each authority of an access',
      'no event',
      told(({ events, deliveries }) => ({
        events: events.slice(0, 1),
        deliveries: deliveries.slice(0, 1),
      })),
    ],
    [
      'one event for each authority of an access',
      'two events',
      told(({ events }) => ({
        events: [...events, ...events.slice(1).map((one) => ({ ...one, id: 'e9', state: 'new' as const }))],
      })),
    ],
    [
      'one event for each authority of an access',
      'an event of nothing',
      told(({ events }) => ({
        events: [
          ...events,
          ...events.slice(1).map((one) => ({ ...one, id: 'e9', state: 'new' as const, auditId: 'x' })),
        ],
      })),
    ],
    [
      'events numbered without gap',
      'a number that is left out',
      told(({ deliveries }) => ({
        deliveries: deliveries.map((one) => ({ ...one, number: one.number * 2 })),
      })),
    ],
    [
      'events numbered without gap',
      'an event under two numbers',
      told(({ deliveries }) => ({
        deliveries: [...deliveries, ...deliveries.slice(1).map((one) => ({ ...one, number: 3 }))],
      })),
    ],
    [
      'events numbered without gap',
      'an event without a number',
      told(({ deliveries }) => ({
        deliveries: deliveries.slice(0, 1),
      })),
    ],
    [
      order,
      'a second before the first was taken',
      retold((all) => [{ ...all[0], answered: 503 } as Told, ...all.slice(1)]),
    ],
    [order, 'a number under two names', retold((all) => [...all, { ...all[1], webhookId: 'other' } as Told])],
    [order, 'a number that tells of two events', retold((all) => [...all, { ...all[1], auditIds: ['other'] } as Told])],
    [order, 'a wrong signature', retold((all) => all.map((one) => ({ ...one, signatureIsRight: false })))],
    [order, 'delivered, and never got there', retold((all) => all.slice(0, 1))],
  ])('%s: %s', (rule, _name, made) => {
    expect(rulesOf(made)).toContain(rule)
  })
})

describe('answers that may not be are found', () => {
  test.each<[string, string, Made]>([
    ['no answer but the allowed ones', '500', { operations: [operation({ outcome: 'unknown', status: 500 })] }],
    ['503 and 429 say when to come back', '503', { operations: [operation({ outcome: 'unknown', status: 503 })] }],
    [
      'an answer in bounded time',
      'none',
      {
        operations: [operation({ outcome: 'unknown', broke: 'timeout', completedAt: 35_000 })],
      },
    ],
    ['an answer in bounded time', 'a late one', { operations: [operation({ completedAt: 31_000 })] }],
    [
      'checks are answered again within 30 s',
      'late',
      {
        faults: [{ name: 'cut', words: '', startedAt: 0, healedAt: 10, recoveredAt: 30_011 }],
      },
    ],
    [
      'checks are answered again within 30 s',
      'never',
      {
        faults: [{ name: 'cut', words: '', startedAt: 0, healedAt: 10 }],
      },
    ],
  ])('%s: %s', (rule, _name, made) => {
    expect(rulesOf(made)).toContain(rule)
  })
})
