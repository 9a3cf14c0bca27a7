/** Makes one mongod the only member of its replica set on whatever port it has now (storage.md "The embedded server", the trap). */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Db,
  type Document,
  MongoClient,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb'
import { REPLICA_SET } from './mongod-process.ts'

const NOT_YET_INITIALIZED = 94
const ALREADY_INITIALIZED = 23
const POLL_MS = 20
const SELECTION_MS = 1_000
const ANSWER_MS = 10_000

/**
 * Connects directly, initiates the set if it never was, else forces the member's host to this port, and waits until it takes writes,
 * also when it is slow to answer.
 * Rejects when that takes more than `timeoutMs`, or mongod is gone.
 */
export async function openReplicaSet(
  port: number,
  { timeoutMs, isGone }: { readonly timeoutMs: number; readonly isGone: () => boolean },
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const isOver = () => isGone() || performance.now() > deadline
  await pollUntil(isOver, () => ask(port, (admin) => setMember(admin, `127.0.0.1:${port}`)))
  await pollUntil(isOver, () => ask(port, isPrimary))
}

/** On a client of its own: one whose first connection failed stays closed for good. */
async function ask(port: number, question: (admin: Db) => Promise<boolean>): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: SELECTION_MS,
    socketTimeoutMS: ANSWER_MS,
  })
  try {
    return await question(client.db('admin'))
  } finally {
    await client.close()
  }
}

/** False while mongod has not loaded its stored configuration yet: it then says that there is none, and that it must not be made. */
async function setMember(admin: Db, host: string): Promise<boolean> {
  const config = await findConfig(admin)
  if (config === undefined) {
    const initiate = { replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host }] } }
    return unless(ALREADY_INITIALIZED, admin.command(initiate)).then((reply) => reply !== undefined)
  }
  const [member] = config['members']
  if (member.host === host) return true
  const next = { ...config, version: config['version'] + 1, members: [{ ...member, host }] }
  await admin.command({ replSetReconfig: next, force: true })
  return true
}

async function findConfig(admin: Db): Promise<Document | undefined> {
  const reply = await unless(NOT_YET_INITIALIZED, admin.command({ replSetGetConfig: 1 }))
  return reply?.['config']
}

/** The reply, or undefined when it is this error. */
async function unless(code: number, command: Promise<Document>): Promise<Document | undefined> {
  try {
    return await command
  } catch (error) {
    if (error instanceof MongoServerError && error.code === code) return undefined
    throw error
  }
}

async function isPrimary(admin: Db): Promise<boolean> {
  const hello = await admin.command({ hello: 1 }).catch(() => undefined)
  return hello?.['isWritablePrimary'] === true
}

/** mongod closes connections when its part in the set changes: that is "not yet", as false is. */
async function pollUntil(isOver: () => boolean, isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(notYet))) {
    if (isOver()) throw new Error('The embedded mongod stopped, or did not become primary in time.')
    await sleep(POLL_MS)
  }
}

function notYet(error: unknown): false {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return false
  throw error
}
