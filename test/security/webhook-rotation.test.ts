/** `cpis keys rotate --webhooks` while notifications go out: each verifies, by an implementation that is not Node's, against the keys published at that moment, and against those that a receiver fetched before the rotation. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import nacl from 'tweetnacl'
import { replaceKeysFile, rotateKeys } from '../../src/key-rotation.ts'
import { readKeysFile } from '../../src/keys.ts'
import { openConsole } from '../support/console.ts'
import { START, startTestServer, type TestServer } from '../support/server.ts'
import { commitEvents, subscribe, subscriptionOf } from '../support/subscriptions.ts'
import { waitFor } from '../support/wait-for.ts'

interface Taken {
  /** By the keys published when it came, and by those published before the last rotation. */
  readonly now: boolean
  readonly cached: boolean
  readonly signatures: number
}

let server: TestServer
let receiver: Server
const taken: Taken[] = []
let cached: readonly string[] = []

/** The member x of each published key. */
async function published(): Promise<string[]> {
  const answer = await fetch(`${server.url}/.well-known/webhook-keys.json`)
  return ((await answer.json()) as { keys: { x: string }[] }).keys.map(({ x }) => x)
}

function fits(keys: readonly string[], signatures: readonly string[], signed: Buffer): boolean {
  return signatures.some((one) =>
    keys.some((x) =>
      nacl.sign.detached.verify(signed, Buffer.from(one.replace('v1a,', ''), 'base64'), Buffer.from(x, 'base64url')),
    ),
  )
}

beforeAll(async () => {
  const begun = performance.now()
  server = await startTestServer({
    // One that goes on: what failed is tried again
    overrides: {
      clock: () => new Date(Date.parse(START) + performance.now() - begun),
      rotation: { pollMs: 20, resealAfterMs: 60_000 },
    },
  })
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Buffer))
    const header = (name: string): string => String(request.headers[name])
    const signatures = header('webhook-signature').split(' ')
    const text = `${header('webhook-id')}.${header('webhook-timestamp')}.`
    const signed = Buffer.concat([Buffer.from(text), ...chunks])
    // Once more, as a connection that is used again may have ended meanwhile
    const keys = await published()
      .catch(() => published())
      .catch(() => undefined)
    // The server is being stopped
    if (keys === undefined) return response.writeHead(503).end()
    taken.push({
      now: fits(keys, signatures, signed),
      cached: fits(cached, signatures, signed),
      signatures: signatures.length,
    })
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await server.close()
  await new Promise((resolve) => receiver.close(resolve))
})

test('every notification is good, through two rotations', async () => {
  cached = await published()
  const { port } = receiver.address() as AddressInfo
  await subscribe(server, subscriptionOf(`http://127.0.0.1:${port}/hook`))
  let isOver = false
  const load = (async () => {
    while (!isOver) await commitEvents(server, 5)
  })()
  const more = async (count: number): Promise<void> => {
    const goal = taken.length + count
    await waitFor(`${count} more`, () => taken.length >= goal, 20_000)
  }
  await more(10)
  expect(cached).toHaveLength(1)

  const file = join(server.dataDir, 'keys.json')
  const console = openConsole({ CPIS_DATA_DIR: server.dataDir })
  expect(await console.run('keys', 'rotate', '--webhooks')).toBe(0)
  await waitFor('two keys published', async () => (await published()).length === 2)
  await waitFor('two signatures', () => taken.at(-1)?.signatures === 2)
  await waitFor('the new key to be first', async () => (await published())[0] !== cached[0], 15_000)
  await more(10)

  // The second takes the oldest key away; a receiver that has fetched since the first knows the other
  cached = await published()
  const before = taken.length
  replaceKeysFile(
    file,
    rotateKeys(readKeysFile(file), { tokens: false, webhooks: true, now: Date.now(), takeUpMs: 500 }),
  )
  await waitFor('the newest key published', async () => (await published()).some((x) => !cached.includes(x)))
  await more(10)
  isOver = true
  await load
  expect(taken.length - before).toBeGreaterThanOrEqual(10)
  expect(taken.filter(({ now }) => !now)).toEqual([])
  expect(taken.filter((one) => !one.cached)).toEqual([])
}, 60_000)
