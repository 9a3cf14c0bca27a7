/** Fills the register to a size in minutes: children with their plans, and the audit of years of checks, deterministic by the seed (measures.md, row check latency). */
import process from 'node:process'
import type { Access } from '../src/domain/access-history.ts'
import type { AuditRecord } from '../src/domain/audit-record.ts'
import type { AuthorityCode, NhsNumber, SubjectKey } from '../src/domain/brands.ts'
import { type ChildIncidents, decideAccess } from '../src/domain/incident.ts'
import type { LocalAuthority } from '../src/sandbox/authorities.ts'
import { COLLECTIONS, ROW_COLLECTIONS } from '../src/store/collections.ts'
import { toAccessDocument } from '../src/store/mongo-accesses.ts'
import { findAudits, insertAudits, toAuditDocument } from '../src/store/mongo-audits.ts'
import { saveChildState } from '../src/store/mongo-children.ts'
import { putRows } from '../src/store/mongo-writes.ts'
import { accessesOf, type Scope } from '../src/store/scope.ts'
import type { OwnedType, Row } from '../src/store/store.ts'
import type { Arena } from './arena.ts'
import { buildChecker } from './checker.ts'
import { buildBatches, buildChildren, buildTransaction, type Child } from './children.ts'
import { buildAuthorityPicker, pickHeavy } from './country.ts'
import { openCaller } from './http-caller.ts'
import type { Random } from './random.ts'
import { openSeedStore, type SeedStore } from './seed-store.ts'
import { type Filling, readTemplate, type Template } from './seed-templates.ts'

/** Whose children the templates are. */
export const COUNCIL: Pick<LocalAuthority, 'gss' | 'name'> = { gss: 'E10000007' as AuthorityCode, name: 'Derbyshire' }
/** The sandbox takes numbers of the never-issued range only, of which there are 909,000: so many of the children can be asked for, the others are under numbers outside it. */
const MOST_CHECKABLE = 100_000
/** One council in four sends the child as a Patient; the others name it by number. */
const WITH_PATIENT = 0.25
const HITS = 0.02
const CHUNK = 2_000
const AUDITED_DAYS = 365
const HISTORY_DAYS = 150
const DAY_MS = 86_400_000

export interface Seeder {
  /** Children that may be asked for. */
  readonly filed: readonly Child[]
  /** Numbers that may be known. */
  readonly taken: Set<string>
  /** Brings the register up to this many seeded children and checks in the audit; never takes any away. Resolves with what was added and how long it took. */
  growTo(size: Size): Promise<Grown>
  /** Files so many children more, all of one council; resolves with them. */
  fillCouncil(count: number): Promise<readonly Child[]>
  /** Gives a filed child a history of so many accesses within the last five months, each with its audit record and its incident. */
  giveHistory(child: Child, accesses: number): Promise<void>
  /** Bytes a document and an index entry of each collection. Store I/O. */
  measure(): Promise<readonly CollectionSize[]>
  readonly scope: Scope
  close(): Promise<void>
}

export interface Size {
  readonly children: number
  readonly audits: number
}

export interface Grown extends Size {
  readonly childrenSeconds: number
  readonly auditsSeconds: number
}

export interface CollectionSize {
  readonly name: string
  readonly count: number
  /** BSON bytes a document, and bytes on disk a document and of its indexes. */
  readonly bytes: number
  readonly storedBytes: number
  readonly indexBytes: number
}

interface Templates {
  readonly withPatient: Template
  readonly byNumber: Template
  readonly miss: AuditRecord
  readonly hit: AuditRecord
}

/** Files two children and makes two checks through HTTP, whose records are what all seeded ones are made after. The server must run; it may be stopped while the register grows. */
export async function openSeeder(
  arena: Arena,
  {
    random,
    taken,
    cacheSizeMb,
  }: { readonly random: Random; readonly taken: Set<string>; readonly cacheSizeMb?: number | undefined },
): Promise<Seeder> {
  const models = buildChildren(2, random, taken)
  await fileModels(arena, models, random)
  const store = await openSeedStore(arena, cacheSizeMb)
  const templates = await readTemplates(store.scope, models)
  const filed: Child[] = [...models]
  const owners = new Map<string, string>(models.map((one) => [one.nhsNumber, COUNCIL.gss]))
  const pickAuthority = buildAuthorityPicker(random)
  const outsideNumber = buildOutsideNumbers(random)
  const have = { children: 0, audits: 0 }

  const nextChild = (council: Pick<LocalAuthority, 'gss' | 'name'> = pickAuthority()): Filling => {
    const isCheckable = filed.length < MOST_CHECKABLE
    const [child] = isCheckable
      ? buildChildren(1, random, taken)
      : [{ nhsNumber: outsideNumber(), local: `B-${random.uuid()}`, start: pastDay(random) }]
    if (child === undefined) throw new Error('No child was made.')
    const { gss, name } = council
    if (isCheckable) {
      filed.push(child)
      owners.set(child.nhsNumber, gss)
    }
    const at = new Date(Date.parse(child.start) + random.below(8) * 3_600_000).toISOString()
    const ids = { patientId: random.uuid(), planId: random.uuid(), flagId: random.uuid() }
    return { ...child, owner: gss, ownerName: name, lastUpdated: at, ...ids }
  }
  const addChildren = async (count: number, council?: Pick<LocalAuthority, 'gss' | 'name'>): Promise<void> => {
    const rows: Row<OwnedType>[] = []
    for (let one = 0; one < count; one++) {
      const template = random.fraction() < WITH_PATIENT ? templates.withPatient : templates.byNumber
      for (const row of template(nextChild(council))) rows.push(row)
    }
    await putRows(store.scope, rows)
  }
  const addAudits = (from: number, to: number, all: number): Promise<void> => {
    const since = Date.now() - AUDITED_DAYS * DAY_MS
    const records: AuditRecord[] = []
    const accesses: { record: AuditRecord; child: Child }[] = []
    for (let place = from; place < to; place++) {
      const recorded = new Date(since + Math.floor((place / all) * AUDITED_DAYS * DAY_MS)).toISOString()
      const child = random.fraction() < HITS ? filed[pickHeavy(filed.length, random)] : undefined
      const record = buildRecord(templates, { child, owners, random, recorded })
      records.push(record)
      if (child !== undefined) accesses.push({ record, child })
    }
    return insertChecks(store.scope, records, accesses)
  }

  return {
    filed,
    taken,
    scope: store.scope,
    async growTo(size) {
      const more = {
        children: Math.max(0, size.children - have.children),
        audits: Math.max(0, size.audits - have.audits),
      }
      const first = { ...have }
      const childrenSeconds = await timed(() =>
        loading(store, { collections: CHILD_COLLECTIONS, isMany: more.children > have.children }, () =>
          inChunks(more.children, 'children', (from, to) => addChildren(to - from)),
        ),
      )
      const auditsSeconds = await timed(() =>
        loading(store, { collections: AUDIT_COLLECTIONS, isMany: more.audits > have.audits }, () =>
          inChunks(more.audits, 'checks', (from, to) => addAudits(first.audits + from, first.audits + to, size.audits)),
        ),
      )
      have.children += more.children
      have.audits += more.audits
      return { ...more, childrenSeconds, auditsSeconds }
    },
    async fillCouncil(count) {
      const { length } = filed
      await inChunks(count, 'children', (from, to) => addChildren(to - from, COUNCIL))
      have.children += count
      return filed.slice(length)
    },
    giveHistory: (child, accesses) => giveHistory(store.scope, { child, accesses, hit: templates.hit, random }),
    measure: () => measureCollections(store.scope),
    close: () => store.close(),
  }
}

const CHILD_COLLECTIONS = [ROW_COLLECTIONS.EpisodeOfCare, ROW_COLLECTIONS.Flag, ROW_COLLECTIONS.Patient].flatMap(
  (name) => [name, `${name}History`],
)
const AUDIT_COLLECTIONS = [COLLECTIONS.auditEvents, COLLECTIONS.accesses]

/** A few are added under the indexes; many are indexed afterwards. */
async function loading(
  store: SeedStore,
  { collections, isMany }: { readonly collections: readonly string[]; readonly isMany: boolean },
  load: () => Promise<void>,
): Promise<void> {
  await store.loadFast(isMany ? collections : [], load)
}

/** Two chunks at a time: the next is made while the database writes the one before. */
async function inChunks(count: number, what: string, add: (from: number, to: number) => Promise<void>): Promise<void> {
  let before: Promise<void> = Promise.resolve()
  let told = performance.now()
  for (let from = 0; from < count; from += CHUNK) {
    const mine = add(from, Math.min(count, from + CHUNK))
    await before
    before = mine
    if (performance.now() - told > 15_000) {
      told = performance.now()
      process.stderr.write(`seeded ${from.toLocaleString('en-GB')} of ${count.toLocaleString('en-GB')} ${what}\n`)
    }
  }
  await before
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

async function fileModels(arena: Arena, models: readonly Child[], random: Random): Promise<void> {
  const [first, second] = models
  if (first === undefined || second === undefined) throw new Error('There are no models.')
  const http = openCaller(arena.origin)
  const token = await arena.token(`la-${COUNCIL.gss}`)()
  for (const body of [buildTransaction(first, random), ...buildBatches([second])]) {
    const { status, text } = await http.send({
      method: 'POST',
      path: '/FHIR/R4',
      token,
      requestId: random.uuid(),
      body,
    })
    if (status !== 200 || !text.includes('"status":"201'))
      throw new Error(`A model was answered ${status}: ${text.slice(0, 500)}`)
  }
  await http.close()
  for (const hits of [1, 0]) {
    const checker = buildChecker({
      arena,
      random,
      filed: [first],
      taken: new Set(models.map((one) => one.nhsNumber)),
      hits,
    })
    await checker.check(0)
    await checker.close()
  }
}

async function readTemplates(scope: Scope, models: readonly Child[]): Promise<Templates> {
  const [first, second] = models
  if (first === undefined || second === undefined) throw new Error('There are no models.')
  const checks = (await findAudits(scope, { subtypes: ['cpis-check'], limit: 50 })).filter((one) => one.outcome === '0')
  const hit = checks.find((one) => one.incident !== undefined)
  const miss = checks.find((one) => one.entities.length === 0)
  if (hit === undefined || miss === undefined) throw new Error('The checks of the models were not recorded.')
  return {
    withPatient: await readTemplate(scope, first, COUNCIL.name),
    byNumber: await readTemplate(scope, second, COUNCIL.name),
    miss,
    hit,
  }
}

interface History {
  readonly child: Child
  readonly accesses: number
  readonly hit: AuditRecord
  readonly random: Random
}

/** The state of the child is what the accesses, taken one after the other, leave of it (R21, R22). */
async function giveHistory(scope: Scope, { child, accesses, hit, random }: History): Promise<void> {
  const of = childOf(scope, child.nhsNumber)
  const since = Date.now() - HISTORY_DAYS * DAY_MS
  let state: ChildIncidents = { incidents: [] }
  for (let from = 0; from < accesses; from += CHUNK) {
    const records: AuditRecord[] = []
    for (let place = from; place < Math.min(accesses, from + CHUNK); place++) {
      const at = new Date(since + Math.floor((place / accesses) * HISTORY_DAYS * DAY_MS))
      const decided = decideAccess(state, at, random.uuid())
      state = decided.state
      const own = { id: random.uuid(), recorded: at.toISOString(), requestId: random.uuid(), incident: decided.carried }
      records.push({ ...hit, ...own, nhsNumber: of.asked })
    }
    await insertChecks(
      scope,
      records,
      records.map((record) => ({ record, child })),
    )
  }
  await saveChildState(scope, of.childKey, state)
}

interface RecordFacts {
  readonly child: Child | undefined
  readonly owners: ReadonlyMap<string, string>
  readonly random: Random
  readonly recorded: string
}

function buildRecord({ hit, miss }: Templates, { child, owners, random, recorded }: RecordFacts): AuditRecord {
  const own = { id: random.uuid(), recorded, requestId: random.uuid() }
  if (child === undefined) return { ...miss, ...own, nhsNumber: random.nhsNumber() as NhsNumber }
  const owner = (owners.get(child.nhsNumber) ?? COUNCIL.gss) as AuthorityCode
  return {
    ...hit,
    ...own,
    nhsNumber: child.nhsNumber as NhsNumber,
    entities: hit.entities.map((one) => ({ ...one, id: random.uuid(), ...(one.owner === undefined ? {} : { owner }) })),
    incident: { id: random.uuid(), leg: 1, inSixMonths: 1 },
    authorities: [owner],
  }
}

async function insertChecks(
  scope: Scope,
  records: readonly AuditRecord[],
  accesses: readonly { readonly record: AuditRecord; readonly child: Child }[],
): Promise<void> {
  await insertAudits(
    scope,
    records.map((record) => toAuditDocument(scope, record)),
  )
  const documents = accesses.flatMap(({ record, child }) => {
    const access = accessOf(record)
    return access === undefined ? [] : [toAccessDocument(scope, childOf(scope, child.nhsNumber), access)]
  })
  if (documents.length > 0) await accessesOf(scope).insertMany(documents)
}

/** A number that nothing has replaced is its own child. */
export function childOf(scope: Scope, nhsNumber: string): Parameters<typeof toAccessDocument>[1] {
  const asked = nhsNumber as NhsNumber
  const key: SubjectKey = scope.crypto.subjectKey(asked)
  return { childKey: key as string as Parameters<typeof toAccessDocument>[1]['childKey'], asked }
}

/** The access that the record of a hit tells of; undefined when it tells of none. */
export function accessOf(record: AuditRecord): Access | undefined {
  const { user, organization } = record.caller
  if (user === undefined || organization === undefined || record.incident === undefined) return undefined
  return {
    id: record.id,
    at: record.recorded,
    user,
    organization,
    ...(record.site === undefined ? {} : { site: record.site }),
    setting: record.setting ?? 'emergency-department',
    incident: record.incident,
    authorities: record.authorities,
  }
}

const OUTSIDE = 900_000_000
/** Shares no factor with OUTSIDE, so that no number comes twice before all have come. */
const OUTSIDE_STEP = 7_368_787

/** Numbers outside the range that the sandbox takes, all different: the database does not tell one kind from another, but an authority has a number once. */
export function buildOutsideNumbers(random: Random): () => string {
  let at = random.below(OUTSIDE)
  return () => {
    at = (at + OUTSIDE_STEP) % OUTSIDE
    return `9${String(at + 10_000_000).padStart(9, '0')}`
  }
}

function pastDay(random: Random): string {
  return new Date(Date.now() - (1 + random.below(300)) * DAY_MS).toISOString().slice(0, 10)
}

async function measureCollections({ db }: Scope): Promise<readonly CollectionSize[]> {
  const sizes: CollectionSize[] = []
  for (const name of [...CHILD_COLLECTIONS, ...AUDIT_COLLECTIONS]) {
    const { count, avgObjSize, storageSize, totalIndexSize } = await db.command({ collStats: name })
    const each = (bytes: unknown): number => Number(bytes ?? 0) / Math.max(1, Number(count))
    sizes.push({
      name,
      count,
      bytes: Number(avgObjSize ?? 0),
      storedBytes: each(storageSize),
      indexBytes: each(totalIndexSize),
    })
  }
  return sizes
}
