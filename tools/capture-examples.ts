/** Writes the answers in examples/ by telling the story of examples/README.md to a fresh server. With --check it writes nothing and fails when one differs. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parseConfig } from '../src/config.ts'
import { startServer } from '../src/server.ts'
import {
  comparable,
  type ExampleWorld,
  exampleInstant,
  exampleUrl,
  followUpsOf,
  readExampleRows,
  sendExample,
} from '../test/support/examples.ts'
import { type Receiver, startReceiver } from '../test/support/receiver.ts'
import { getToken } from '../test/support/tokens.ts'
import { waitFor } from '../test/support/wait-for.ts'

const isCheck = process.argv.includes('--check')
const dataDir = mkdtempSync(join(tmpdir(), 'cpis-examples-'))
const config = parseConfig({
  CPIS_DATA_DIR: dataDir,
  PORT: '0',
  METRICS_PORT: '0',
  // Mail is offered; no one takes it, which is a warning
  LOG_LEVEL: 'error',
  CPIS_LIMITS: 'off',
  CPIS_SMTP_URL: 'smtp://127.0.0.1:9',
  CPIS_MAIL_FROM: 'cpis@register.example',
})
let now = exampleInstant(0)
const server = await startServer(config, { clock: () => now })
const receiver = await startReceiver()
try {
  await tellStory({
    origin: server.url,
    endpoint: receiver.url,
    token: (name) => getToken({ url: server.url, dataDir }, name),
  })
} finally {
  await server.close()
  await receiver.close()
  rmSync(dataDir, { recursive: true, force: true })
}

async function tellStory(world: ExampleWorld): Promise<void> {
  for (const [nth, row] of readExampleRows().entries()) {
    now = exampleInstant(nth)
    const answer = await sendExample(row, world)
    if (answer.status !== row.status)
      fault(`${row.request} as ${row.as}: ${answer.status} instead of ${row.status}`, answer.body)
    keep(row.answer, answer.body)
    if (row.answer === 'subscription.answer.json') await waitFor('the handshake', () => has(receiver, 'handshake'))
    if (row.answer === 'check-answer-hit.json') await waitFor('the event', () => has(receiver, 'event-notification'))
  }
  for (const [name, body] of Object.entries(await followUpsOf(receiver, world))) keep(name, body)
}

function has(from: Receiver, type: string): boolean {
  return from.ofType(type).length > 0
}

/** Leaves a file alone that says the same already, so that a new run changes no ids for nothing. */
function keep(name: string, body: unknown): void {
  const url = exampleUrl(name)
  const stored: unknown = existsSync(url) ? JSON.parse(readFileSync(url, 'utf8')) : undefined
  if (isDeepStrictEqual(comparable(stored), comparable(body))) return
  if (isCheck) fault(`examples/${name} differs: run node tools/capture-examples.ts`)
  else writeFileSync(url, `${JSON.stringify(body, null, 2)}\n`)
}

function fault(words: string, body?: unknown): void {
  console.error(words, body === undefined ? '' : JSON.stringify(body, null, 1))
  process.exitCode = 1
}
