/** Small writes of one authority that share a commit, each still all or nothing by itself (docs/decisions/0010; R15, R16, P2). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import type { AuthorityCode } from '../../src/domain/brands.ts'
import { buildWriteGroups, type Write, type WriteGroups } from '../../src/interactions/write/write-groups.ts'
import { type Store, StoreError } from '../../src/store/store.ts'
import { LA_SYSTEM, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, issuesOf, startTestServer, type TestAnswer, type TestServer } from '../support/server.ts'
import { auditRecord, DERBY, openTestStore, SHEFFIELD, type TestStore } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

interface Gate {
  /** Transactions that were begun. */
  readonly begun: () => number
  /** Lets the first go on that stands. */
  readonly open: () => void
  readonly transact: Store['transact']
}

/** Every transaction stands before it begins until it is let go on. */
function gate(transact: Store['transact']): Gate {
  const standing: (() => void)[] = []
  let begun = 0
  return {
    begun: () => begun,
    open: () => standing.shift()?.(),
    async transact(work) {
      begun += 1
      const { promise, resolve } = Promise.withResolvers<void>()
      standing.push(resolve)
      await promise
      return transact(work)
    },
  }
}

describe('the groups', () => {
  let opened: TestStore
  beforeAll(async () => {
    opened = await openTestStore()
  })
  afterAll(() => opened.close())

  let count = 0
  const write = (more: Partial<Write> = {}, owner: AuthorityCode = DERBY): Write => {
    const id = `write-${count++}`
    return {
      changes: [],
      facts: { owner } as Write['facts'],
      record: () => auditRecord(id),
      isAlone: false,
      ...more,
    }
  }
  const changes = (length: number): Write['changes'] =>
    Array.from({ length }, () => ({})) as unknown as Write['changes']
  const audits = async (): Promise<number> => opened.store.read.countAudits({})
  const start = (): { gated: Gate; groups: WriteGroups } => {
    const gated = gate(opened.store.transact)
    return { gated, groups: buildWriteGroups(gated) }
  }

  test('a lone write begins at once; behind two under way the others wait, and share the next', async () => {
    const before = await audits()
    const { gated, groups } = start()
    const first = groups.commit(write())
    expect(gated.begun()).toBe(1)
    const early = [1, 2, 3].map(() => groups.commit(write()))
    expect(gated.begun()).toBe(1)
    const fourth = groups.commit(write())
    expect(gated.begun()).toBe(2)
    const late = Array.from({ length: 9 }, () => groups.commit(write()))
    expect(gated.begun()).toBe(2)
    gated.open()
    await first
    await waitFor('the next group', () => gated.begun() === 3)
    gated.open()
    gated.open()
    await Promise.all([...early, fourth, ...late])
    expect(gated.begun()).toBe(3)
    expect(await audits()).toBe(before + 14)
    // nothing is left of it: the next one begins at once again
    const again = groups.commit(write())
    expect(gated.begun()).toBe(4)
    gated.open()
    expect(await again).toEqual({ applied: [], hasEvents: false })
  })

  test('authorities do not share; large ones and those that read have a transaction of their own', async () => {
    const { gated, groups } = start()
    const all = [
      groups.commit(write()),
      groups.commit(write({}, SHEFFIELD)),
      groups.commit(write({ isAlone: true })),
      groups.commit(write({ changes: changes(21) })).catch(() => undefined),
    ]
    expect(gated.begun()).toBe(4)
    for (const _ of all) gated.open()
    await Promise.all(all)
  })

  test('a group has room for a hundred changes', async () => {
    const { gated, groups } = start()
    const small = Array.from({ length: 5 }, () => groups.commit(write()))
    expect(gated.begun()).toBe(2)
    const large = Array.from({ length: 7 }, () => groups.commit(write({ changes: changes(20) })))
    const judged = Promise.allSettled(large)
    const driver = setInterval(gated.open, 1)
    await Promise.all([...small, judged]).finally(() => clearInterval(driver))
    // such changes cannot be carried out: five together and then each of them alone, two together and then each of them alone
    expect(gated.begun()).toBe(2 + 1 + 5 + 1 + 2)
  })

  test('P2 what fails by one fails for that one only, and is tried once more alone', async () => {
    const before = await audits()
    const { gated, groups } = start()
    const fails: Write['also'] = async () => {
      throw new StoreError('duplicate', 'It exists already.')
    }
    const first = groups.commit(write())
    const [good, bad, better, best] = [write(), write({ also: fails }), write(), write()].map((one) =>
      groups.commit(one),
    )
    const judged = Promise.allSettled([first, good, bad, better, best])
    const driver = setInterval(gated.open, 1)
    const statuses = (await judged.finally(() => clearInterval(driver))).map((one) => one.status)
    expect(statuses).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(await audits()).toBe(before + 4)
    expect(gated.begun()).toBe(6)
  })

  test('one whose records are held by another is sent away alone', async () => {
    const held = write()
    const transact: Store['transact'] = async (work) => {
      await new Promise(setImmediate)
      let isHeld = false
      const result = await opened.store.rehearse(async (unit) => {
        const watched = {
          ...unit,
          appendAudits: async (all: readonly AuditRecord[]) => {
            isHeld = all.some(isOfHeld)
          },
        }
        return work(watched)
      })
      if (isHeld) throw new StoreError('transient', 'Too many changes.', { on: 'lock' })
      return result
    }
    const isOfHeld = ({ id }: AuditRecord): boolean => id === held.record([]).id
    const groups = buildWriteGroups({ transact })
    const all = [write(), write(), held, write(), write()].map((one) => groups.commit(one))
    const settled = await Promise.allSettled(all)
    expect(settled.map((one) => one.status === 'fulfilled')).toEqual([true, true, false, true, true])
    expect(settled[2]).toMatchObject({ reason: { kind: 'transient', on: 'lock' } })
  })

  test('P1 a database that is not there fails all of a group, once', async () => {
    let begun = 0
    const transact: Store['transact'] = async () => {
      begun += 1
      await new Promise(setImmediate)
      throw new StoreError('transient', 'The database is not there.')
    }
    const groups = buildWriteGroups({ transact })
    const all = Array.from({ length: 5 }, () => groups.commit(write()))
    expect((await Promise.allSettled(all)).map((one) => one.status)).toEqual(Array(5).fill('rejected'))
    expect(begun).toBe(2)
  })
})

describe('through the door', () => {
  const LA = 'la-E10000007'
  let server: TestServer
  let gated: Gate
  let arrived = 0
  beforeAll(async () => {
    server = await startTestServer()
    await server.token(LA)
    gated = gate(server.context.store.transact)
    const groups = buildWriteGroups(gated)
    const commit: WriteGroups['commit'] = (one) => {
      arrived += 1
      return groups.commit(one)
    }
    Object.assign(server.context, { writes: { commit } })
  })
  afterAll(() => server.close())

  const NUMBERS = ['9998450055', '9998450063', '9998450071', '9998450098', '9998450101', '9998450128']
  const [FIRST = '', SECOND = '', THIRD = '', FOURTH = '', FIFTH = ''] = NUMBERS
  const countOf = async (identifier: string): Promise<number | undefined> =>
    bundleOf(
      await server.send({
        as: LA,
        path: 'EpisodeOfCare/_search',
        form: { identifier: `${LA_SYSTEM}|${identifier}`, _summary: 'count' },
      }),
    ).total

  test('R13 R15 R16 good and refused ones in one group: each is answered as if it were alone', async () => {
    const post = (body: object, headers: Record<string, string> = {}) =>
      server.send({ as: LA, path: 'EpisodeOfCare', body, headers })
    const twin = planOf({ identifier: 'g-1', nhsNumber: SECOND })
    const condition = { 'If-None-Exist': `identifier=${LA_SYSTEM}|g-1` }
    const both = transactionOf([
      { url: 'EpisodeOfCare', resource: planOf({ identifier: 'g-3', nhsNumber: THIRD }) },
      { url: 'EpisodeOfCare', resource: planOf({ identifier: 'g-4', nhsNumber: SECOND, start: '2026-04-05' }) },
    ])
    const sent: Promise<TestAnswer>[] = []
    for (const send of [
      () => post(planOf({ identifier: 'g-0', nhsNumber: FIRST })),
      () => post(twin, condition),
      () => post(planOf({ identifier: 'g-2', nhsNumber: SECOND })),
      () => server.send({ as: LA, body: both }),
      () => post(planOf({ identifier: 'g-5', nhsNumber: FOURTH })),
      () => post(twin, condition),
      () => post(planOf({ identifier: 'g-6', nhsNumber: FIFTH })),
    ]) {
      sent.push(send())
      await waitFor('its place in line', () => arrived === sent.length)
    }
    const driver = setInterval(gated.open, 5)
    const answers = await Promise.all(sent).finally(() => clearInterval(driver))
    expect(gated.begun()).toBe(3)
    expect(answers.map((one) => one.status)).toEqual([201, 201, 409, 409, 201, 200, 201])
    for (const place of [2, 3])
      expect(issuesOf(answers[place] as TestAnswer).map((one) => one.code)).toEqual(['DUPLICATE_PLAN'])
    const stored = await Promise.all(['g-0', 'g-1', 'g-2', 'g-3', 'g-4', 'g-5', 'g-6'].map(countOf))
    expect(stored).toEqual([1, 1, 0, 0, 0, 1, 1])
  })

  test('versions of one plan within a group have no gap, and each is kept', async () => {
    const driver = setInterval(gated.open, 1)
    try {
      const plan = planOf({ identifier: 'g-versions', nhsNumber: NUMBERS[5] ?? '' })
      const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: plan })
      const id = made.headers.get('location')?.split('/').at(-3)
      const ends = Array.from({ length: 12 }, (_, at) => `2026-06-${String(at + 10)}`)
      const answers = await Promise.all(
        ends.map((end) =>
          server.send({
            as: LA,
            method: 'PUT',
            path: `EpisodeOfCare/${id}`,
            body: { ...plan, id, period: { start: '2026-04-01', end } },
          }),
        ),
      )
      expect(answers.map((one) => one.status)).toEqual(Array(12).fill(200))
      const tags = answers.map((one) => Number(/\d+/.exec(one.headers.get('etag') ?? '')?.[0]))
      expect(tags.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, at) => at + 2))
      const history = await server.send({ as: LA, path: `EpisodeOfCare/${id}/_history?_count=50` })
      expect(bundleOf(history).entry?.length).toBe(13)
      for (const [at, tag] of tags.entries()) {
        const kept = await server.send({ as: LA, path: `EpisodeOfCare/${id}/_history/${tag}` })
        expect((kept.json as { period?: { end?: string } }).period?.end).toBe(ends[at])
      }
    } finally {
      clearInterval(driver)
    }
  })
})
