/** The recipes of docs/recipes say of each message what they should: those of Node always, of Java and Python where the runtime is at hand (CPIS_PYTHON names one with `cryptography`). */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from '@jest/globals'
import nacl from 'tweetnacl'
import { parseWebhookKeys, verifyMessage } from '../../src/cli/webhook-signature.ts'
import { buildSigner } from '../../src/delivery/signature.ts'
import { makeJwk } from '../../src/keys.ts'
import { type WebhookCase, webhookCases } from '../support/webhook-cases.ts'

const RECIPES = fileURLToPath(new URL('../../docs/recipes/', import.meta.url))
const PYTHON = process.env['CPIS_PYTHON'] ?? 'python3'

/** Runtime → its command, and how to know that it is there. */
const RUNTIMES: readonly {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly probe: readonly [string, ...string[]]
  readonly fits: RegExp
}[] = [
  {
    name: 'verify-webhook.mjs',
    command: [process.execPath, join(RECIPES, 'verify-webhook.mjs')],
    probe: [process.execPath, '--version'],
    fits: /^v/,
  },
  {
    name: 'VerifyWebhook.java',
    command: ['java', join(RECIPES, 'VerifyWebhook.java')],
    probe: ['java', '-version'],
    fits: /version "(1[7-9]|[2-9]\d)/,
  },
  {
    name: 'verify_webhook.py',
    command: [PYTHON, join(RECIPES, 'verify_webhook.py')],
    probe: [PYTHON, '-c', 'import cryptography; print("ready")'],
    fits: /ready/,
  },
]

function run([command, ...more]: readonly [string, ...string[]], folders: readonly string[] = []): string {
  const { stdout, stderr } = spawnSync(command, [...more, ...folders], { encoding: 'utf8', timeout: 25_000 })
  return `${stdout ?? ''}${stderr ?? ''}`
}

const AT_HAND = RUNTIMES.filter(({ probe, fits }) => fits.test(run(probe)))
const CASES = webhookCases()

const folder = mkdtempSync(join(tmpdir(), 'cpis-recipes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const FOLDERS = CASES.map((one, nth) => writeCase(one, join(folder, String(nth))))

function writeCase({ headers, body, jwks, now }: WebhookCase, to: string): string {
  mkdirSync(to)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)
  writeFileSync(join(to, 'headers'), lines.join(''))
  writeFileSync(join(to, 'body'), body)
  writeFileSync(join(to, 'jwks.json'), JSON.stringify(jwks))
  writeFileSync(join(to, 'now'), `${now}`)
  return to
}

test('the recipe for Node is at hand', () => {
  expect(AT_HAND.map(({ name }) => name)).toContain('verify-webhook.mjs')
})

describe.each(AT_HAND)('$name', ({ command }) => {
  const said = run(command, FOLDERS).trim().split('\n')

  test('speaks once for each message', () => {
    expect(said).toHaveLength(CASES.length)
  })

  test.each(CASES.map((one, nth) => [one.name, nth, one.verdict] as const))('%s', (_name, nth, verdict) => {
    expect(said[nth]).toBe(verdict)
  })
})

describe('the receiver of `cpis listen`', () => {
  test.each(CASES)('$name', ({ headers, body, jwks, now, verdict }) => {
    const message = {
      id: headers['webhook-id'],
      timestamp: headers['webhook-timestamp'],
      signature: headers['webhook-signature'],
      body,
    }
    const { good } = verifyMessage(message, parseWebhookKeys({ keys: jwks.keys.filter(isReal) }), new Date(now * 1_000))
    expect(good).toBe(verdict === 'good')
  })
})

const isReal = (key: object): boolean => !('y' in key)

test('what the register signs is good for an implementation that is not Node’s', () => {
  const keys = [makeJwk('ed25519'), makeJwk('ed25519')]
  const at = new Date('2026-05-03T09:00:00.900Z')
  const headers = buildSigner(keys)({ id: 'a_1_1', at, body: '{"ü":1}' })
  const signed = Buffer.from(`a_1_1.${headers['webhook-timestamp']}.{"ü":1}`)
  const fits = headers['webhook-signature'].split(' ').map((one, nth) => {
    const key = Buffer.from(keys[nth]?.x ?? '', 'base64url')
    return nacl.sign.detached.verify(signed, Buffer.from(one.slice(4), 'base64'), key)
  })
  expect(fits).toEqual([true, true])
})

test('docs/integrating.md names every recipe', () => {
  const text = readFileSync(new URL('../../docs/integrating.md', import.meta.url), 'utf8')
  for (const name of [...RUNTIMES.map((one) => one.name), 'VerifyWebhook.cs']) expect(text).toContain(`recipes/${name}`)
})
