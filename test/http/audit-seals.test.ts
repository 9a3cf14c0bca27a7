/** Seals of the audit as a running server makes and publishes them (issue 6): for everyone, without a token, and without an id of a record. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import type { Seal } from '../../src/domain/audit-seal.ts'
import { checkHeader, type PublicSealKey } from '../../src/domain/audit-seal-check.ts'
import { openConsole } from '../support/console.ts'
import { sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

interface Published {
  readonly head?: Seal
  readonly seals: readonly Seal[]
  readonly next?: string
}

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const get = async (path: string): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(`${server.url}/.well-known/${path}`)
  return { status: response.status, text: await response.text() }
}
const seals = async (query = ''): Promise<Published> => JSON.parse((await get(`audit-seals${query}`)).text) as Published
const env = () => ({
  MONGODB_URL: server.context.config.mongodbUrl ?? '',
  CPIS_DATABASE: server.context.config.mongodbDatabase,
  CPIS_DATA_DIR: server.dataDir,
})

describe('refused', () => {
  test.each(['?after=x', '?after=-1', '?after=1&after=2', '?after='])('a page %s', async (query) => {
    expect((await get(`audit-seals${query}`)).status).toBe(400)
  })
})

describe('a check', () => {
  test('is sealed within seconds, in both places, and can be proven by what is published', async () => {
    const before = await sendCheck(server, '9995973952')
    expect(before.status).toBe(200)
    const { head } = await waitFor('a seal', async () => {
      const page = await seals()
      return page.head === undefined ? undefined : page
    })
    const keys = JSON.parse((await get('audit-seal-keys.json')).text).keys as readonly (PublicSealKey & {
      d?: string
    })[]
    expect(keys.every((key) => key.d === undefined && key.kty === 'OKP')).toBe(true)
    let previous: Seal | undefined
    for (const seal of (await seals()).seals) {
      expect(checkHeader(seal, { before: previous, keys })).toEqual([])
      previous = seal
    }
    expect(previous?.number).toBeGreaterThanOrEqual(head?.number ?? 0)
    const [record] = await server.context.store.read.audits({ subtypes: ['cpis-check'], limit: 1 })
    expect((await get('audit-seals')).text).not.toContain(record?.id)
    expect(existsSync(join(server.dataDir, 'audit-seals', 'audit-seals-0000000001.ndjson'))).toBe(true)

    const verifying = openConsole(env())
    const code = await verifying.run('audit', 'verify', '--url', server.url)
    expect([code, verifying.out()]).toEqual([0, expect.stringContaining('All is as it was sealed.')])
    const proving = openConsole(env())
    expect(await proving.run('audit', 'prove', record?.id ?? '')).toBe(0)
    const file = join(server.dataDir, 'proof')
    writeFileSync(file, proving.out())
    const checking = openConsole({})
    expect([await checking.run('audit', 'check-proof', file, '--url', server.url), checking.err()]).toEqual([0, ''])
  })

  test('whose seals were cut in the database is missed by what was published', async () => {
    const copy = join(server.dataDir, 'audit-seals', 'audit-seals-0000000001.ndjson')
    const client = new MongoClient(server.context.config.mongodbUrl ?? '')
    const db = client.db(server.context.config.mongodbDatabase)
    const known = await seals()
    try {
      await db.collection('auditSeals').deleteMany({})
      const console = openConsole(env())
      expect(await console.run('audit', 'verify', '--json', '--copy', copy)).toBe(1)
      expect(JSON.parse(console.out()).first).toMatchObject({ what: 'cut-off', seal: 1 })
      expect(readFileSync(copy, 'utf8')).toContain(known.head?.root ?? 'none')
    } finally {
      await client.close()
    }
  })
})

test('pages go on from a number', async () => {
  const many = Array.from({ length: 101 }, (_, at) => ({ number: at + 1 }) as Seal)
  const { answerSeals } = await import('../../src/http/audit-seals.ts')
  const context = {
    ...server.context,
    seals: {
      head: async () => many.at(-1),
      list: async ({ after, limit }: { readonly after: number; readonly limit: number }) =>
        many.slice(after, after + limit),
    },
  }
  const page = async (after: string) =>
    (await answerSeals(context, { parameters: [['after', after]], form: [], requestId: 'r', at: new Date() }))
      .body as Published
  expect(await page('0')).toMatchObject({
    head: { number: 101 },
    next: `${context.config.baseUrl}/.well-known/audit-seals?after=100`,
  })
  expect((await page('100')).seals).toEqual([{ number: 101 }])
  expect((await page('100')).next).toBeUndefined()
})
