/** Pages against a model (interface.md "Search"): whoever writes between two pages, a row that is not written meanwhile comes exactly once, in order, and nothing comes that is not there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle, EpisodeOfCare } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { openRulesWorld, type RulesWorld, resourceOfPlan } from '../support/rules-world.ts'
import { bundleOf, resourceOf } from '../support/server.ts'

const LA = 'la-E10000007'
const SORTS = ['_id', '-_id', 'date', '-date', '_lastUpdated', '-_lastUpdated'] as const

/** What happens between two pages; `at` chooses the plan. */
interface Write {
  readonly kind: 'create' | 'update' | 'delete' | 'nothing'
  readonly at: number
  readonly day: number
}

let world: RulesWorld
let minute = 0
/** What is there, by id. */
const held = new Map<string, EpisodeOfCare>()

beforeAll(async () => {
  world = await openRulesWorld()
  for (let nth = 0; nth < 12; nth += 1) await create((nth % 4) + 1)
})
afterAll(() => world.close())

const dayOf = (day: number): string => `2026-01-${String(day).padStart(2, '0')}`

/** Each write has an instant of its own. */
function tick(): void {
  minute += 1
  world.server.setNow(new Date(Date.parse('2026-05-03T08:00:00Z') + minute * 1000).toISOString())
}

async function create(day: number): Promise<string> {
  tick()
  const body = resourceOfPlan({ nhsNumber: world.newNumber(), start: dayOf(day) })
  const made = resourceOf(await world.server.send({ as: LA, path: 'EpisodeOfCare', body }), 'EpisodeOfCare')
  held.set(made.id ?? '', made)
  return made.id ?? ''
}

/** Carries out a write; the id that it touched. */
async function write({ kind, at, day }: Write): Promise<string | undefined> {
  if (kind === 'nothing') return undefined
  if (kind === 'create' || held.size < 8) return create(day)
  const id = [...held.keys()][at % held.size] ?? ''
  tick()
  const path = `EpisodeOfCare/${id}`
  if (kind === 'delete') {
    expect((await world.server.send({ as: LA, method: 'DELETE', path })).status).toBe(204)
    held.delete(id)
  } else {
    const body = { ...held.get(id), period: { start: dayOf(day), end: `2026-06-${String(day).padStart(2, '0')}` } }
    const changed = await world.server.send({ as: LA, method: 'PUT', path, body })
    held.set(id, resourceOf(changed, 'EpisodeOfCare'))
  }
  return id
}

async function pageAt(path: string): Promise<Bundle<EpisodeOfCare>> {
  return bundleOf(await world.server.send({ as: LA, path })) as Bundle<EpisodeOfCare>
}

/** Walks all pages, one write after each; what came, and what was touched meanwhile. */
async function walk(sort: string, count: number, writes: readonly Write[]) {
  const seen: EpisodeOfCare[] = []
  const touched = new Set<string>()
  let path: string | undefined = `EpisodeOfCare?_sort=${sort}&_count=${count}`
  for (let page = 0; path !== undefined; page += 1) {
    const bundle: Bundle<EpisodeOfCare> = await pageAt(path)
    const shown = (bundle.entry ?? []).flatMap((one) => one.resource ?? [])
    expect(shown.length).toBeLessThanOrEqual(count)
    seen.push(...shown)
    path = bundle.link?.find((one) => one.relation === 'next')?.url.slice(world.server.base.length + 1)
    const next = writes[page]
    const id = next === undefined || path === undefined ? undefined : await write(next)
    if (id !== undefined) touched.add(id)
  }
  return { seen, touched }
}

function keyOf(plan: EpisodeOfCare, sort: string): string {
  const id = plan.id ?? ''
  if (sort.endsWith('date')) return `${plan.period?.start} ${id}`
  return sort.endsWith('_id') ? id : `${plan.meta?.lastUpdated} ${id}`
}

const aWrite = fc.record({
  kind: fc.constantFrom('create', 'update', 'delete', 'nothing'),
  at: fc.nat(100),
  day: fc.integer({ min: 1, max: 5 }),
})

describe('pages', () => {
  test('hold each row that is not written meanwhile exactly once, in order, whatever is written between them', async () => {
    const facts = fc.record({
      sort: fc.constantFrom(...SORTS),
      count: fc.integer({ min: 1, max: 5 }),
      writes: fc.array(aWrite, { maxLength: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(facts, async ({ sort, count, writes }) => {
        const before = new Map(held)
        const { seen, touched } = await walk(sort, count, writes)
        const still = [...before.keys()].filter((id) => !touched.has(id)).sort()
        const quiet = seen.filter((one) => !touched.has(one.id ?? ''))
        expect(quiet.map((one) => one.id ?? '').sort()).toEqual(still)
        const keys = quiet.map((one) => keyOf(one, sort))
        const inOrder = keys.toSorted()
        expect(keys).toEqual(sort.startsWith('-') ? inOrder.toReversed() : inOrder)
        for (const one of quiet) expect(one).toEqual(before.get(one.id ?? ''))
      }),
      { numRuns: 25 },
    )
  }, 120_000)

  test('of a history, likewise: what was there is told once, newest first, though versions are added', async () => {
    const before = bundleOf(await world.server.send({ as: LA, path: 'EpisodeOfCare/_history?_count=500' }))
    const told = (bundle: Bundle): string[] =>
      (bundle.entry ?? []).map((one) => `${one.fullUrl} ${one.response?.etag} ${one.response?.lastModified}`)
    const seen: string[] = []
    let path: string | undefined = 'EpisodeOfCare/_history?_count=7'
    for (let page = 0; path !== undefined; page += 1) {
      const bundle: Bundle = bundleOf(await world.server.send({ as: LA, path }))
      seen.push(...told(bundle))
      path = bundle.link?.find((one) => one.relation === 'next')?.url.slice(world.server.base.length + 1)
      await write({ kind: 'update', at: page, day: (page % 5) + 1 })
    }
    expect(seen).toEqual(told(before))
  })
})
