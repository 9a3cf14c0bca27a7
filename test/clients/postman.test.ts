/** The Postman collection of examples/postman, run by newman against a real server: every request and every assertion that a person would run. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, verify } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ENVIRONMENT_TEMPLATE } from '../../src/cli/postman-environment.ts'
import { consoleOf } from '../support/console.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

const FOLDER = new URL('../../examples/postman/', import.meta.url)
const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const readJson = (name: string): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))

interface Summary {
  readonly run: {
    readonly stats: Readonly<Record<'requests' | 'assertions', { readonly total: number; readonly failed: number }>>
    readonly failures: readonly { readonly source?: { readonly name?: string }; readonly error: Error }[]
    readonly executions: readonly { readonly item: { readonly name: string }; readonly response?: { code: number } }[]
  }
  readonly environment: { readonly values: { get(key: string): string | undefined } }
}
interface Newman {
  run(options: object, done: (error: Error | null, summary: Summary) => void): void
}
const newman = createRequire(import.meta.url)('newman') as Newman

interface Collection {
  readonly item: readonly { readonly item: readonly { readonly name: string }[] }[]
  readonly event: readonly { readonly script: { readonly exec: readonly string[] } }[]
}
const collection = readJson('cpis.postman_collection.json') as Collection

function runCollection(environment: unknown, chosen: unknown = collection): Promise<Summary> {
  return new Promise((resolve, reject) => {
    newman.run({ collection: chosen, environment, reporters: [] }, (error, summary) =>
      error === null ? resolve(summary) : reject(error),
    )
  })
}

const faultsOf = ({ run }: Summary): string[] =>
  run.failures.map(({ source, error }) => `${source?.name}: ${error.message}`)

let server: TestServer
let receiver: Receiver
let folder: string
let environment: typeof ENVIRONMENT_TEMPLATE

function withValues(values: Readonly<Record<string, string>>): typeof ENVIRONMENT_TEMPLATE {
  return {
    ...environment,
    values: environment.values.map((one) => ({ ...one, value: values[one.key] ?? one.value })),
  }
}

beforeAll(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  folder = mkdtempSync(join(tmpdir(), 'cpis-postman-'))
  const file = join(folder, 'sandbox.json')
  expect(await consoleOf(server).run('postman', file)).toBe(0)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  environment = JSON.parse(readFileSync(file, 'utf8')) as typeof ENVIRONMENT_TEMPLATE
})

afterAll(async () => {
  await receiver.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the files', () => {
  test('are as generated: else run tools/generate-postman.ts', () => {
    execFileSync(process.execPath, [join(PROJECT, 'tools/generate-postman.ts'), '--check'], { stdio: 'pipe' })
  })

  test('hold no key and no token', () => {
    const template = readJson('cpis.postman_environment.json') as typeof ENVIRONMENT_TEMPLATE
    expect(template.values.filter((one) => one.type === 'secret').map((one) => one.value)).toEqual(['', '', '', '', ''])
    expect(JSON.stringify(collection)).not.toMatch(/"d\\?":|eyJ/)
  })

  test('an environment is never written over', async () => {
    expect(await consoleOf(server).run('postman', join(folder, 'sandbox.json'))).toBe(1)
  })
})

describe('newman', () => {
  test('refusals first: with a key that is not the client’s there is no token, and every check is refused', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const foreign = { ...privateKey.export({ format: 'jwk' }), alg: 'ES384', kid: 'another' }
    const summary = await runCollection(withValues({ nurse_key: JSON.stringify(foreign) }))
    const faults = faultsOf(summary)
    expect(faults.filter((one) => one.includes('invalid_client'))).toHaveLength(3)
    const checks = summary.run.executions.filter((one) => one.item.name.startsWith('nurse:'))
    expect([...new Set(checks.map((one) => one.response?.code))]).toEqual([401])
  })

  test('the whole collection passes, and the endpoint is told of the check', async () => {
    const summary = await runCollection(withValues({ endpoint: receiver.url }))
    expect(faultsOf(summary)).toEqual([])
    const requests = collection.item.flatMap(({ item }) => item)
    // A request of the pre-request script stands under the name of the one that it is made for
    const sent = [...new Set(summary.run.executions.map((one) => one.item.name))]
    expect(sent).toEqual(requests.map((one) => one.name))
    expect(summary.run.stats.assertions.total).toBeGreaterThan(20)
    expect(receiver.ofType('handshake')).toHaveLength(1)
    await waitFor('the event', () => receiver.ofType('event-notification').length > 0)
  })

  test('a second run on the same server passes too: re-sending is safe', async () => {
    expect(faultsOf(await runCollection(withValues({ endpoint: receiver.url })))).toEqual([])
  })
})

describe('the signatures of the pre-request script, made in Postman’s own sandbox', () => {
  const [library = ''] = (collection.event[0]?.script.exec ?? []).join('\n').split('const [who] =')

  /** What an expression over the script's functions and `given` is worth in the sandbox. */
  async function evaluate(expression: string, given: unknown): Promise<unknown> {
    const exec = [
      ...library.split('\n'),
      "const given = JSON.parse(pm.environment.get('given'))",
      `pm.environment.set('found', JSON.stringify(${expression}))`,
    ]
    const item = [{ name: 'one', request: { method: 'GET', url: `${server.url}/health/live` } }]
    const chosen = { info: { name: 'one' }, item, event: [{ listen: 'prerequest', script: { exec } }] }
    const summary = await runCollection({ values: [{ key: 'given', value: JSON.stringify(given) }] }, chosen)
    expect(faultsOf(summary)).toEqual([])
    return JSON.parse(summary.environment.values.get('found') ?? 'null')
  }

  test.each([
    ['ES256', 'P-256', 'sha256'],
    ['ES384', 'P-384', 'sha384'],
  ] as const)('%s is verified by another library, key after key', async (alg, namedCurve, hash) => {
    const pairs = Array.from({ length: 10 }, () => generateKeyPairSync('ec', { namedCurve }))
    const jwks = pairs.map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), alg, kid: 'k' }))
    const found = await evaluate("given.map((jwk, nth) => signJwt({ iss: 'ö', nth }, jwk))", jwks)
    const tokens = found as string[]
    for (const [nth, { publicKey: key }] of pairs.entries()) {
      const [head = '', body = '', signature = ''] = (tokens[nth] ?? '').split('.')
      const holds = (text: string): boolean =>
        verify(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
      expect([holds(`${head}.${body}`), holds(`${head}.${body}x`)]).toEqual([true, false])
      expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toEqual({ iss: 'ö', nth })
    }
  })

  test('the secret number is the one of RFC 6979 A.2.6 (P-384, SHA-384, "sample")', async () => {
    const key = '0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5'
    const secret = "secretNumber(BigInt(given), numberOf(CURVES.ES384.hash('sample')), CURVES.ES384).toString(16)"
    expect(await evaluate(secret, key)).toBe(
      '94ed910d1a099dad3254e9242ae85abde4ba15168eaf0ca87a555fd56d10fbca2907e3e83ba95368623b8c4686915cf9',
    )
  })

  test('a key of another algorithm is refused', async () => {
    const asked = '(() => { try { return signJwt({}, given) } catch (error) { return error.message } })()'
    expect(await evaluate(asked, { alg: 'RS256', kid: 'x' })).toBe('RS256 is not signed here: use an ES384 key.')
  })
})
