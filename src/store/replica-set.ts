/** Makes one mongod the only member of its replica set on whatever port it has now (storage.md "The embedded server", the trap). */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, type Document, MongoClient, MongoServerError } from 'mongodb'
import { REPLICA_SET } from './mongod-process.ts'

const NOT_YET_INITIALIZED = 94
const ALREADY_INITIALIZED = 23
const POLL_MS = 20

/**
 * Connects directly, initiates the set if it never was, else forces the member's host to this port, and waits until it takes writes.
 * Rejects when that takes more than `timeoutMs`.
 */
export async function openReplicaSet(port: number, timeoutMs: number): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: timeoutMs,
  })
  const deadline = performance.now() + timeoutMs
  try {
    const admin = client.db('admin')
    await pollUntil(deadline, () => setMember(admin, `127.0.0.1:${port}`))
    await pollUntil(deadline, () => isPrimary(admin))
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

async function pollUntil(deadline: number, isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('The embedded mongod did not become primary in time.')
    await sleep(POLL_MS)
  }
}
