/** `npm run bench -- search`: every kind of search of a council with 10,000 plans in a country of 60,000, and paging through all of them (issue 8, item 1). */
import type { Arena } from './arena.ts'
import type { Child } from './children.ts'
import { openCaller, type Received } from './http-caller.ts'
import { buildRound, type Round } from './latencies.ts'
import type { BenchOptions } from './options.ts'
import { type Measured, runInArena } from './publish-run.ts'
import { buildRandom, type Random } from './random.ts'
import { figure, type Table } from './report.ts'
import { say } from './say.ts'
import { SCENARIO_NUMBERS } from './scenario-numbers.ts'
import { COUNCIL, openSeeder } from './seed-country.ts'

const PLANS = 10_000
const COUNTRY = { children: 50_000, audits: 200_000 }
const PAGE = 100

interface Facts {
  readonly child: Child
  readonly random: Random
}

interface Kind {
  readonly name: string
  /** Path below the FHIR base; with a form it is a POST. */
  readonly path: string
  readonly form?: (facts: Facts) => Readonly<Record<string, string>>
  readonly query?: (facts: Facts) => string
}

const NUMBER = 'https://fhir.nhs.uk/Id/nhs-number'
const PLAN = 'https://bench.example/Id/plan'
const day = (ahead: number): string => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10)

const KINDS: readonly Kind[] = [
  {
    name: 'plans by identifier',
    path: 'EpisodeOfCare',
    query: ({ child }) => `identifier=${encodeURIComponent(`${PLAN}|${child.local}`)}`,
  },
  {
    name: 'plans by NHS number',
    path: 'EpisodeOfCare/_search',
    form: ({ child }) => ({ 'patient:identifier': `${NUMBER}|${child.nhsNumber}` }),
  },
  { name: 'plans without a number', path: 'EpisodeOfCare', query: () => 'nhs-number:missing=true' },
  { name: 'plans by status', path: 'EpisodeOfCare', query: () => 'status=active' },
  { name: 'plans by type', path: 'EpisodeOfCare', query: () => 'type=342191000000101' },
  { name: 'plans by date', path: 'EpisodeOfCare', query: ({ random }) => `date=eq${day(-random.below(300))}` },
  { name: 'plans changed since', path: 'EpisodeOfCare', query: () => `_lastUpdated=ge${day(-3)}&_sort=-_lastUpdated` },
  { name: 'plans with their Flags', path: 'EpisodeOfCare', query: () => '_revinclude=Flag:detail' },
  { name: 'plans with a total', path: 'EpisodeOfCare', query: () => '_total=accurate' },
  { name: 'Flags by status', path: 'Flag', query: () => 'status=active' },
  {
    name: 'Patients by number',
    path: 'Patient/_search',
    form: ({ child }) => ({ identifier: `${NUMBER}|${child.nhsNumber}` }),
  },
  { name: 'Organizations by name', path: 'Organization', query: () => 'name=Derby' },
  { name: 'audit of the authority', path: 'AuditEvent', query: () => '' },
  {
    name: 'audit of the authority by date',
    path: 'AuditEvent',
    query: ({ random }) => `date=ge${day(-1 - random.below(300))}`,
  },
  {
    name: 'audit of a child',
    path: 'AuditEvent/_search',
    form: ({ child }) => ({ 'patient:identifier': `${NUMBER}|${child.nhsNumber}` }),
  },
  { name: 'accesses not yet answered', path: 'AuditEvent', query: () => 'acknowledged=false' },
  { name: 'history of all plans', path: 'EpisodeOfCare/_history', query: () => '' },
]

export async function benchSearch(options: BenchOptions): Promise<void> {
  await runInArena('search', options, (arena) => measure(arena, options))
}

async function measure(arena: Arena, options: BenchOptions): Promise<Measured> {
  const random = buildRandom(options.seed)
  const seeder = await openSeeder(arena, { random, taken: new Set(SCENARIO_NUMBERS) })
  const own = await seeder.fillCouncil(PLANS)
  await seeder.growTo({ children: PLANS + COUNTRY.children, audits: COUNTRY.audits })
  await seeder.close()
  say(`${PLANS} plans of ${COUNCIL.name} among ${PLANS + COUNTRY.children}`)
  const http = openCaller(arena.origin)
  const token = arena.token(`la-${COUNCIL.gss}`)
  const ask = async (path: string, form?: Readonly<Record<string, string>>): Promise<Received> => {
    const more =
      form === undefined
        ? { method: 'GET' as const }
        : {
            method: 'POST' as const,
            body: `${new URLSearchParams(form)}`,
            contentType: 'application/x-www-form-urlencoded',
          }
    const answer = await http.send({
      ...more,
      path: `/FHIR/R4/${path}`,
      token: await token(),
      requestId: random.uuid(),
    })
    if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}: ${answer.text.slice(0, 500)}`)
    return answer
  }
  const kinds: { name: string; round: Round }[] = []
  for (const kind of KINDS)
    kinds.push({ name: kind.name, round: await run(kind, { own, random, ask, seconds: options.seconds }) })
  const paging = await pageThrough(ask)
  await http.close()
  return { tables: [kindsTable(kinds, options), pagingTable(paging)], figures: { kinds, paging } }
}

interface Asking {
  readonly own: readonly Child[]
  readonly random: Random
  readonly ask: (path: string, form?: Readonly<Record<string, string>>) => Promise<Received>
  readonly seconds: number
}

async function run(kind: Kind, { own, random, ask, seconds }: Asking): Promise<Round> {
  const once = async (): Promise<number> => {
    const child = own[random.below(own.length)]
    if (child === undefined) throw new Error('There is no child.')
    const facts = { child, random }
    const begun = performance.now()
    await (kind.form === undefined
      ? ask(`${kind.path}?${kind.query?.(facts) ?? ''}`)
      : ask(kind.path, kind.form(facts)))
    return performance.now() - begun
  }
  await once()
  const times: number[] = []
  const start = performance.now()
  while (performance.now() - start < seconds * 1000) times.push(await once())
  const round = buildRound([{ times, seconds: (performance.now() - start) / 1000, cpuMicros: {} }])
  say(`${kind.name}: p50 ${figure(round.p50Ms)} ms`)
  return round
}

interface Paging {
  readonly pages: number
  readonly plans: number
  readonly all: Round
  readonly first: Round
  readonly last: Round
}

/** By next links to the end; every plan must come once. */
async function pageThrough(ask: Asking['ask']): Promise<Paging> {
  const times: number[] = []
  const ids = new Set<string>()
  let plans = 0
  const start = performance.now()
  for (let path: string | undefined = `EpisodeOfCare?_count=${PAGE}`; path !== undefined; ) {
    const begun = performance.now()
    const { text } = await ask(path)
    times.push(performance.now() - begun)
    const bundle: unknown = JSON.parse(text)
    const { entry = [], link = [] } = Object(bundle)
    for (const { resource } of entry) ids.add(resource.id)
    plans += entry.length
    const next: string | undefined = link.find((one: { relation: string }) => one.relation === 'next')?.url
    path = next?.slice(next.indexOf('/FHIR/R4/') + '/FHIR/R4/'.length)
  }
  const seconds = (performance.now() - start) / 1000
  if (ids.size !== plans || plans < PLANS) throw new Error(`Paging gave ${ids.size} of ${plans} plans.`)
  const tenth = Math.max(1, Math.floor(times.length / 10))
  const round = (some: readonly number[]): Round => buildRound([{ times: some, seconds, cpuMicros: {} }])
  return {
    pages: times.length,
    plans,
    all: round(times),
    first: round(times.slice(0, tenth)),
    last: round(times.slice(-tenth)),
  }
}

function kindsTable(kinds: readonly { name: string; round: Round }[], { seconds, seed }: BenchOptions): Table {
  return {
    title: `Searches of a council with ${PLANS.toLocaleString('en-GB')} plans, one caller, pages of 50; ${seconds} s each, seed ${seed}`,
    columns: ['search', 'p50 ms', 'p99 ms', 'searches'],
    rows: kinds.map(({ name, round }) => [name, figure(round.p50Ms), figure(round.p99Ms), String(round.operations)]),
  }
}

function pagingTable({ pages, plans, all, first, last }: Paging): Table {
  return {
    title: `Paging through all plans, ${PAGE} a page`,
    columns: ['plans', 'pages', 'p50 ms', 'p99 ms', 'first tenth p50 ms', 'last tenth p50 ms'],
    rows: [
      [plans.toLocaleString('en-GB'), String(pages), ...[all.p50Ms, all.p99Ms, first.p50Ms, last.p50Ms].map(figure)],
    ],
  }
}
