/** `cpis keys rotate` under load: no check or read fails, old data stays readable, and everything is sealed again in the background (issue 6). */
import { createHash } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { newestBegin, orderKeys, replaceKeysFile, rotateKeys } from '../../src/key-rotation.ts'
import { keysText, makeKeys, readKeysFile } from '../../src/keys.ts'
import { SEALED_PLACES } from '../../src/store/sealed-places.ts'
import { openConsole } from '../support/console.ts'
import { readExample } from '../support/examples.ts'
import { bundleOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { getToken } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

const NOW = Date.parse('2026-05-03T11:00:00Z')

describe('rotated keys', () => {
  const keys = makeKeys()
  const rotated = rotateKeys(keys, { tokens: true, webhooks: true, now: NOW })

  test('open and verify at once, and are first only when every process has read them', () => {
    const before = orderKeys(rotated, NOW)
    expect(before.data.map(({ id }) => id)).toEqual(['d1', 'd2'])
    expect(before.tokens[0]).toEqual(keys.tokens[0])
    expect(before.webhooks[0]).toEqual(keys.webhooks[0])
    const after = orderKeys(rotated, NOW + 10_000)
    expect(after.data.map(({ id }) => id)).toEqual(['d2', 'd1'])
    expect(after.tokens[1]).toEqual(keys.tokens[0])
    expect(newestBegin(keys)).toBeUndefined()
    expect(newestBegin(rotated)).toBe(NOW + 10_000)
  })

  test('never change the HMAC key, lose no data key, and keep two keys for signing', () => {
    const again = rotateKeys(rotated, { tokens: true, webhooks: false, now: NOW })
    expect(again.hmac).toEqual(keys.hmac)
    expect(again.data.map(({ id }) => id)).toEqual(['d3', 'd2', 'd1'])
    expect(again.data.at(-1)).toEqual(keys.data[0])
    expect(again.tokens).toHaveLength(2)
    expect(again.webhooks).toBe(rotated.webhooks)
  })
})

describe('a server whose keys are rotated', () => {
  let server: TestServer
  let client: MongoClient
  let file: string
  const logged: string[] = []
  const env = () => ({ CPIS_DATA_DIR: server.dataDir })
  const database = () => client.db(server.context.config.mongodbDatabase)

  beforeAll(async () => {
    const log = pino({ level: 'info' }, { write: (line: string) => logged.push(line) })
    server = await startTestServer({ overrides: { log, rotation: { pollMs: 20, resealAfterMs: 200 } } })
    file = join(server.dataDir, 'keys.json')
    client = new MongoClient(server.context.config.mongodbUrl ?? '')
  })
  afterAll(async () => {
    await client.close()
    await server.close()
  })

  /** Ids of the keys that anything in the database is sealed with. */
  async function keysInUse(): Promise<string[]> {
    const ids = new Set<string>()
    for (const { collection, field } of SEALED_PLACES)
      for (const id of await database().collection(collection).distinct(`${field}.key`)) ids.add(id)
    return [...ids].sort()
  }

  test('takes no file with another HMAC key, or that is none, and goes on', async () => {
    const before = readFileSync(file, 'utf8')
    for (const content of [keysText(makeKeys()), '{', keysText({ ...readKeysFile(file), data: [] })]) {
      writeFileSync(file, content)
      await waitFor('the log to say so', () => logged.splice(0).some((line) => line.includes('key file not taken up')))
      expect(server.context.keys.hmac).toEqual(JSON.parse(before).hmac)
      expect((await sendCheck(server, '9995973952')).status).toBe(200)
    }
    writeFileSync(file, before)
  })

  test('answers every check and read meanwhile, and afterwards every record carries only the new key', async () => {
    const bundle = readExample('la-new-plan.transaction.json')
    server.setNow('2026-06-01T08:12:00Z')
    expect((await server.send({ as: 'la-E10000007', body: bundle })).status).toBe(200)
    const first = await sendCheck(server, '9998450055')
    expect(bundleOf(first).total).toBe(1)
    const plan = bundleOf(await server.send({ as: 'la-E10000007', path: 'EpisodeOfCare' })).entry?.[0]?.resource?.id
    const page = bundleOf(await server.send({ as: 'la-E08000019', path: 'EpisodeOfCare?_count=1' }))
    const next = page.link?.find(({ relation }) => relation === 'next')?.url ?? 'no next page'
    const oldToken = await server.token('ed-nurse')
    const oldKid = server.context.keys.tokens[0]?.kid
    expect(await keysInUse()).toEqual(['d1'])

    let isOver = false
    const failures: string[] = []
    let answered = 0
    const load = async (ask: () => Promise<{ readonly status: number; readonly text: string }>): Promise<void> => {
      while (!isOver) {
        const { status, text } = await ask()
        answered += 1
        if (status !== 200) failures.push(`${status} ${text.slice(0, 200)}`)
      }
    }
    const loads = [
      load(() => sendCheck(server, '9998450055', { site: 'RCUEF' })),
      load(() => sendCheck(server, '9996621235')),
      load(() => server.send({ as: 'la-E10000007', path: `EpisodeOfCare/${plan}/_history` })),
      load(() => server.send({ as: 'la-E10000007', path: 'EpisodeOfCare' })),
    ]

    const console = openConsole(env())
    expect(await console.run('keys', 'rotate', '--tokens', '--webhooks')).toBe(0)
    expect(console.out()).toContain('data key d2 is first')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readKeysFile(file).madeBy).toBe('sandbox')
    await waitFor('the keys of before go on while others read the file', () => server.context.keys.data.length === 2)
    expect(server.context.keys.data[0]?.id).toBe('d1')
    await waitFor('the new key to be first', () => server.context.keys.data[0]?.id === 'd2', 15_000)
    await waitFor('all records under the new key', async () => JSON.stringify(await keysInUse()) === '["d2"]', 20_000)
    await waitFor('the mark of a whole pass', () =>
      database()
        .collection<{ readonly _id: string }>('migrations')
        .findOne({ _id: 'resealed/d2' })
        .then((mark) => mark !== null),
    )
    isOver = true
    await Promise.all(loads)
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(50)

    const metrics = await server.context.metrics.registry.metrics()
    expect(Number(/^cpis_resealed_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(300)
    expect(metrics).toMatch(/^cpis_reseal_waiting 0$/m)

    // what the old keys made is still good: a page's link, a token, the history; and new tokens have the new key
    const second = await server.send({ as: 'la-E08000019', path: next.replace(`${server.base}/`, '') })
    expect([second.status, second.text]).toEqual([200, expect.stringContaining('EpisodeOfCare')])
    const auth = { authorization: `Bearer ${oldToken}` }
    expect((await server.send({ path: 'Organization/E10000007', headers: auth })).status).toBe(200)
    const header = (await getToken(server, 'ed-nurse')).split('.')[0] ?? ''
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
    expect(kid).toBe(server.context.keys.tokens[0]?.kid)
    expect(kid).not.toBe(oldKid)
    const published = await (await fetch(`${server.url}/.well-known/jwks.json`)).json()
    expect((published as { keys: { kid: string }[] }).keys.map((one) => one.kid).sort()).toEqual([kid, oldKid].sort())
  }, 60_000)

  test('without the old key all is readable; the audit says what it said', async () => {
    const audits = () => server.context.store.read.audits({ from: '2026-01-01T00:00:00Z', limit: 500 })
    const before = await audits()
    const { data, ...keys } = readKeysFile(file)
    replaceKeysFile(file, { ...keys, data: data.slice(0, 1) })
    await waitFor('the old key to be gone', () => server.context.keys.data.length === 1)
    const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')
    expect(digest(await audits())).toBe(digest(before))
    expect(before.some((one) => one.nhsNumber !== undefined)).toBe(true)
    expect(bundleOf(await sendCheck(server, '9998450055')).total).toBe(1)
  })

  test('is not rotated twice within the life of a token, nor by two at once', async () => {
    const soon = openConsole(env())
    expect(await soon.run('keys', 'rotate')).toBe(1)
    expect(soon.err()).toContain('less than five minutes ago')
    const lone = join(server.dataDir, 'lone.json')
    writeFileSync(lone, keysText(makeKeys()), { mode: 0o600 })
    writeFileSync(`${lone}.new`, '')
    const busy = openConsole(env())
    expect(await busy.run('keys', 'rotate', lone)).toBe(1)
    expect(busy.err()).toContain('another rotation is under way')
    expect(readKeysFile(lone).data).toHaveLength(1)
  })

  test('doctor tells the versions of the keys and of the database', async () => {
    chmodSync(file, 0o600)
    const { mongodbUrl = '', mongodbDatabase } = server.context.config
    const console = openConsole({
      CPIS_DATA_DIR: server.dataDir,
      MONGODB_URL: mongodbUrl,
      CPIS_DATABASE: mongodbDatabase,
      CPIS_LIMITS: 'off',
      PORT: new URL(server.url).port,
      CPIS_SANDBOX_NOW: '2026-06-01T08:12:00Z',
    })
    const code = await console.run('doctor', '--json')
    const findings = console
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; state: string; found: string; remedy?: string })
    expect(findings.filter(({ state }) => state === 'fail')).toEqual([])
    expect(code).toBe(0)
    const of = (what: string) => findings.find((one) => one.what === what)
    expect(of('data keys')).toMatchObject({ state: 'ok', found: 'd2 seals all' })
    expect(of('replica set')).toMatchObject({ state: 'ok' })
    expect(of('migrations')).toMatchObject({ state: 'ok' })
    expect(of('indexes')).toMatchObject({ state: 'ok' })
    expect(of('limits')).toMatchObject({ state: 'warn', remedy: expect.stringContaining('CPIS_LIMITS') })
  })
})
