/** Limits and the sequence detector over several server processes on one database (docs/decisions/0006): a user who goes from one to the other is seen by both. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { ORDERED_RUN } from '../../src/domain/enumeration.ts'
import { checkOf } from '../support/server.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { numbersFrom, unrelatedNumbers } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'

const A_MINUTE = 400
/** Seconds: longer than any limit of a minute makes one wait. */
const STOP_S = 600
const folder = mkdtempSync(join(tmpdir(), 'cpis-several-'))
const limits = join(folder, 'limits.json')
writeFileSync(limits, JSON.stringify({ checksPerUserPerMinute: A_MINUTE }))

let first: ServerProcess
let second: ServerProcess
let client: MongoClient
beforeAll(async () => {
  first = await startServerProcess({ CPIS_LIMITS: limits })
  second = await startServerProcess({ CPIS_LIMITS: limits, CPIS_BASE_URL: first.url }, first)
  client = await MongoClient.connect(first.database.url)
}, 90_000)
afterAll(async () => {
  await client.close()
  await second.close()
  await first.close()
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

interface Told {
  readonly status: number
  readonly retryAfter: number
}

async function ask(server: ServerProcess, token: string, number: string): Promise<Told> {
  const answer = await fetch(`${server.url}/FHIR/R4/Patient/$cpis-check`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/fhir+json',
      'X-Request-ID': crypto.randomUUID(),
    },
    body: JSON.stringify(checkOf(number, 'general-practice')),
  })
  await answer.arrayBuffer()
  return { status: answer.status, retryAfter: Number(answer.headers.get('retry-after')) }
}

const check = async (server: ServerProcess, token: string, number: string): Promise<number> =>
  (await ask(server, token, number)).status

/** Whether the user is stopped there, rather than slowed. */
async function isStopped(server: ServerProcess, token: string, number: string): Promise<boolean> {
  const { status, retryAfter } = await ask(server, token, number)
  return status === 429 && retryAfter > STOP_S
}

test('a user who runs through numbers at two processes in turn is stopped at both', async () => {
  const token = await first.token('gp')
  const run = numbersFrom(999_400_000, ORDERED_RUN + 1)
  const before = run.slice(0, ORDERED_RUN)
  for (const [nth, number] of before.entries()) {
    // each of the two sees half of a run: too little by itself
    expect(await check(nth % 2 === 0 ? first : second, token, number)).toBe(200)
  }
  const next = run[ORDERED_RUN] ?? ''
  await waitFor('the run to be known at the first', () => isStopped(first, token, next))
  const [unrelated = ''] = unrelatedNumbers(1)
  await waitFor('the stop to be known at the second', () => isStopped(second, token, unrelated))
  expect(await check(second, await first.token('gp-out-of-hours'), unrelated)).toBe(200)
}, 60_000)

test('what a user may check in a minute is not twice as much at two processes', async () => {
  const token = await first.token('call-handler-111')
  const [number = ''] = unrelatedNumbers(1)
  for (let nth = 0; nth < A_MINUTE / 2 + 5; nth += 1) {
    expect([await check(first, token, number), await check(second, token, number)]).toEqual([200, 200])
  }
  await waitFor('the limit to hold at the first', async () => (await check(first, token, number)) === 429)
  await waitFor('and at the second', async () => (await check(second, token, number)) === 429)
}, 60_000)

test('what the processes tell each other is sealed: no number and no name stands in the database', async () => {
  const board = client.db(first.database.database).collection('board')
  const messages = await waitFor('messages', async () => {
    const found = await board.find().toArray()
    return found.length > 1 ? found : undefined
  })
  expect(new Set(messages.map((one) => one['from'])).size).toBe(2)
  for (const message of messages) {
    expect(Object.keys(message).sort()).toEqual(['_id', 'at', 'from', 'text'])
    expect(JSON.stringify(message)).not.toMatch(/99940|5550000|Lindqvist|position/)
  }
  const [expiry] = (await board.indexes()).filter((one) => one.expireAfterSeconds !== undefined)
  expect(expiry?.expireAfterSeconds).toBe(900)
})
