/** Mutants of every example on every route: no 5xx, no echo, and what is refused changes nothing (security.md "Abuse and bad input"). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FHIR_ROUTES } from '../../src/http/routes.ts'
import { readExample, readExampleRows } from '../support/examples.ts'
import type { TestRequest } from '../support/server.ts'
import { sendAs } from './access-world.ts'
import { type HostileWorld, inBatches, openHostileWorld } from './hostile-world.ts'
import { OPERATOR_PAYLOADS } from './operator-payloads.ts'

const BATCH = 100
const RUNS = 50
const OWN_RUNS = 120

const ROWS = readExampleRows().filter((row) => row.method !== 'GET')
const BODIES: readonly unknown[] = ROWS.map((row) => readExample(row.request))

/** Less the Subscription, which the server itself changes when its handshake fails. */
const OWN = ROWS.filter((row) => row.request !== 'subscription.json')

let world: HostileWorld
let tokens: Readonly<Record<string, string>>
beforeAll(async () => {
  world = await openHostileWorld()
  const names = ['la-E10000007', 'ed-nurse', 'number-feed', 'receiver-E10000007', 'auditor']
  tokens = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, `Bearer ${await world.server.token(name)}`])),
  )
})
afterAll(() => world.close())

/** One change of one value, wherever a walk by these numbers ends. */
interface Mutation {
  readonly path: readonly number[]
  readonly how: 'replace' | 'remove' | 'rename' | 'repeat' | 'wrap' | 'insert'
  readonly value: unknown
}

const VALUE = fc.oneof(
  fc.constantFrom(...OPERATOR_PAYLOADS),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('a'.repeat(5000), '9'.repeat(400), '2026-02-30', '0000', '9999-12-31T23:59:60Z', -0, 2 ** 53, 1e21),
)
const MUTATION: fc.Arbitrary<Mutation> = fc.record({
  path: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 7 }),
  how: fc.constantFrom('replace', 'replace', 'remove', 'rename', 'repeat', 'wrap', 'insert'),
  value: VALUE,
})
const MUTANT = fc.record({
  body: fc.nat({ max: BODIES.length - 1 }),
  mutations: fc.array(MUTATION, { minLength: 1, maxLength: 3 }),
  route: fc.nat({ max: FHIR_ROUTES.length - 1 }),
})

function mutate(value: unknown, { path, how, value: brought }: Mutation): unknown {
  const [step = 0, ...rest] = path
  if (typeof value !== 'object' || value === null) return brought
  const keys = Object.keys(value)
  const key = keys[step % Math.max(1, keys.length)]
  if (key === undefined) return brought
  if (rest.length > 0) {
    const inner = mutate((value as Record<string, unknown>)[key], { path: rest, how, value: brought })
    return withMember(value, key, inner)
  }
  const member = (value as Record<string, unknown>)[key]
  switch (how) {
    case 'replace':
      return withMember(value, key, brought)
    case 'wrap':
      return withMember(value, key, [member])
    case 'repeat':
      return withMember(value, key, [member, member, member])
    case 'insert':
      return Array.isArray(value) ? [...value, brought] : { ...value, [JSON.stringify(brought).slice(0, 60)]: brought }
    case 'rename':
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name === key ? `${key}x` : name, one]))
    case 'remove':
      return Array.isArray(value)
        ? value.filter((_, at) => String(at) !== key)
        : Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
  }
}

function withMember(holder: object, key: string, member: unknown): unknown {
  if (Array.isArray(holder)) return holder.map((one, at) => (String(at) === key ? member : one))
  return { ...holder, [key]: member }
}

const mutantBody = ({ body, mutations }: { readonly body: number; readonly mutations: readonly Mutation[] }): unknown =>
  mutations.reduce<unknown>(mutate, BODIES[body])

const TAKES: Readonly<Record<string, string>> = {
  form: 'application/x-www-form-urlencoded',
  patch: 'application/json-patch+json',
}

/** A mutant on a route that cannot store it: of another type, or of a caller who may not, or where nothing is stored. */
function onAnyRoute(mutant: {
  readonly body: number
  readonly mutations: readonly Mutation[]
  readonly route: number
}): { readonly as: string; readonly request: TestRequest } | undefined {
  const route = FHIR_ROUTES[mutant.route]
  if (route === undefined) return undefined
  const body = mutantBody(mutant)
  const type = typeof body === 'object' && body !== null && 'resourceType' in body ? body.resourceType : undefined
  const isNotice = route.operation === 'number-changed' || route.operation === 'birth-notified'
  const isAtHome = type === route.type || (route.path === '' && type === 'Bundle') || isNotice
  const mayStore =
    isAtHome && route.operation !== 'validate' && route.operation !== 'reconcile' && route.method !== 'GET'
  const as = mayStore ? 'auditor' : route.operation === 'cpis-check' ? 'ed-nurse' : 'la-E10000007'
  const text =
    route.body === 'form' ? new URLSearchParams({ x: JSON.stringify(body) }).toString() : JSON.stringify(body)
  const path = route.path.replace('[id]', world.rows.plan.id ?? '').replace('[vid]', '1')
  // A conditional delete of everything is no mutant of an example
  if (route.method === 'DELETE') return undefined
  const takesBody = route.method !== 'GET'
  const headers = {
    'X-Request-ID': randomUUID(),
    ...(takesBody ? { 'Content-Type': TAKES[route.body] ?? 'application/fhir+json' } : {}),
  }
  return {
    as,
    request: { method: route.method, path, headers, ...(takesBody ? { body: text } : {}) },
  }
}

test(`${RUNS * BATCH} mutants on all routes are harmless and change nothing`, async () => {
  const before = await world.state()
  await fc.assert(
    fc.asyncProperty(fc.array(MUTANT, { minLength: BATCH, maxLength: BATCH }), async (mutants) => {
      const shots = mutants.flatMap((one) => onAnyRoute(one) ?? [])
      const answers = await inBatches(shots, (one) => sendAs(world.server, tokens[one.as], one.request))
      const faults = answers.flatMap((answer, at) => world.judge(answer, JSON.stringify(shots[at]).slice(0, 1500)))
      expect(faults).toEqual([])
    }),
    { numRuns: RUNS, endOnFailure: true },
  )
  expect(await world.state()).toBe(before)
}, 120_000)

test('a mutant sent where its example goes is taken, or refused without a trace', async () => {
  await fc.assert(
    fc.asyncProperty(MUTANT, async (mutant) => {
      const row = OWN[mutant.body % OWN.length]
      if (row === undefined) return
      const before = await world.state()
      const as = row.as === 'nobody' ? undefined : (tokens[row.as] ?? `Bearer ${await world.server.token(row.as)}`)
      const headers = {
        'Content-Type': 'application/fhir+json',
        ...(row.withRequestId ? { 'X-Request-ID': randomUUID() } : {}),
      }
      const path = row.path.replace(/^\/?(FHIR\/R4\/?)?/, '').replace('[base]', '')
      const answer = await sendAs(world.server, as, {
        method: row.method,
        path,
        headers,
        body: JSON.stringify(mutantBody({ ...mutant, body: ROWS.indexOf(row) })),
      })
      expect(world.judge(answer, `${row.request} ${JSON.stringify(mutant.mutations)}`)).toEqual([])
      if (answer.status >= 400) expect(await world.state()).toBe(before)
    }),
    { numRuns: OWN_RUNS, endOnFailure: true },
  )
}, 120_000)

test('nothing stood still, and memory is given back', () => world.checkRest())
