import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { NhsNumber } from '../../src/domain/brands.ts'
import { seedSandbox } from '../../src/sandbox/seed.ts'
import type { Store } from '../../src/store/store.ts'
import { readExample } from '../support/examples.ts'
import { bundleOf, startTestServer, type TestServer } from '../support/server.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

/** Everything that a seeded register holds of what matters here. */
async function contentOf(store: Store): Promise<unknown> {
  const { organizations } = store.read
  return {
    authorities: await organizations.count([{ field: 'orgType', anyOf: ['authority'] }]),
    all: await organizations.count([]),
    plans: (await store.read.plansOfChild('9996568814' as NhsNumber))
      .map((plan) => `${plan.owner} ${plan.type}`)
      .sort(),
    audits: await store.read.countAudits({}),
  }
}

const SEEDED = { authorities: 153, all: 170, plans: ['E08000018 LAC', 'E08000019 CPP'], audits: 0 }

describe('the first start of a sandbox', () => {
  let server: TestServer
  let empty: TestStore

  beforeAll(async () => {
    server = await startTestServer()
    empty = await openTestStore()
  })

  afterAll(async () => {
    await server.close()
    await empty.close()
  })

  test('makes organisations, sites and plans, and no audit', async () => {
    expect(await contentOf(server.context.store)).toEqual(SEEDED)
  })

  test('makes no accesses', async () => {
    const [plan] = await server.context.store.read.plansOfChild('9992378603' as NhsNumber)
    if (plan === undefined) throw new Error('the child with many accesses has no plan')
    expect(await server.context.store.read.accesses(plan.childKey, { limit: 1 })).toEqual([])
  })

  test('makes no parked plans', async () => {
    const parked = { as: 'la-E10000007', path: 'EpisodeOfCare?nhs-number:missing=true' }
    expect(bundleOf(await server.send(parked)).entry ?? []).toEqual([])
    await server.send({ as: 'la-E10000007', body: readExample('parked-without-number.transaction.json') })
    expect(bundleOf(await server.send(parked)).entry).toHaveLength(1)
  })

  test('does nothing at the next start', async () => {
    const [before] = await server.context.store.read.plansOfChild('9995973952' as NhsNumber)
    server.setNow('2026-05-20T11:00:00Z')
    await seedSandbox(server.context)
    const [after] = await server.context.store.read.plansOfChild('9995973952' as NhsNumber)
    expect(after).toEqual(before)
  })

  test('is taken up again when it was cut short', async () => {
    let left = 5
    const failing: Store = {
      ...empty.store,
      read: empty.store.read,
      transact: (work) => {
        left -= 1
        return left < 0 ? Promise.reject(new Error('cut short')) : empty.store.transact(work)
      },
    }
    await expect(seedSandbox({ ...server.context, store: failing })).rejects.toThrow('cut short')
    await seedSandbox({ ...server.context, store: empty.store })
    expect(await contentOf(empty.store)).toEqual(SEEDED)
  })
})
