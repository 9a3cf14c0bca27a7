/** `cpis backup` and `cpis restore` on the embedded database, with the server running and stopped. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parseConfig } from '../../src/config.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { openConsole } from '../support/console.ts'

const SCENARIO_CHILD = '9995973952'
let work: string
let server: RunningServer

const environment = (folder: string): Record<string, string> => ({
  CPIS_DATA_DIR: join(work, folder),
  PORT: '0',
  METRICS_PORT: '0',
  LOG_LEVEL: 'silent',
  ...(process.env['CPIS_MONGOD'] === undefined ? {} : { CPIS_MONGOD: process.env['CPIS_MONGOD'] }),
})
const consoleAt = (folder: string) => openConsole(environment(folder))

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'cpis-backup-cli-'))
  server = await startServer(parseConfig(environment('first')))
}, 60_000)
afterAll(async () => {
  await server.close()
  rmSync(work, { recursive: true, force: true })
})

test('the whole way: backup beside a running server, backup of a stopped one, restore, and the register answers', async () => {
  const beside = consoleAt('first')
  expect(await beside.run('backup', join(work, 'beside'), '--json')).toBe(0)
  expect(JSON.parse(beside.out())).toMatchObject({ isHistoryHeld: true, keys: { data: ['d1'], hmac: ['h1'] } })
  expect(readFileSync(join(work, 'beside/manifest.json'), 'utf8')).toContain('cpis-backup/1')
  await server.close()

  const stopped = consoleAt('first')
  expect(await stopped.run('backup', join(work, 'stopped'), '--gzip')).toBe(0)
  expect(stopped.out()).toMatch(/documents of \d+ collections as they were at/)
  expect(stopped.out()).toContain('Keep a copy of that file elsewhere.')

  const keyless = consoleAt('second')
  expect(await keyless.run('restore', join(work, 'stopped'))).toBe(1)
  expect(keyless.err()).toMatch(/^There are no keys at .*keys\.json: put the key file of this backup there[^\n]*\n$/)

  mkdirSync(join(work, 'second'))
  copyFileSync(join(work, 'first/keys.json'), join(work, 'second/keys.json'))
  const looking = consoleAt('second')
  expect(await looking.run('restore', join(work, 'stopped'), '--check')).toBe(0)
  expect(looking.out()).toMatch(/whole, \d+ documents .*; the keys at hand open it\.\n$/)
  const restoring = consoleAt('second')
  expect(await restoring.run('restore', join(work, 'stopped'))).toBe(0)
  expect(restoring.out()).toContain('counted and opened. Start the server.')
  const again = consoleAt('second')
  expect(await again.run('restore', join(work, 'stopped'))).toBe(1)
  expect(again.err()).toContain('is not empty')

  server = await startServer(parseConfig(environment('second')))
  const port = new URL(server.url).port
  const asking = openConsole({ ...environment('second'), PORT: port })
  expect(await asking.run('check', SCENARIO_CHILD)).toBe(0)
  expect(asking.out()).toContain('Subject to a child protection plan')
  const inUse = consoleAt('second')
  expect(await inUse.run('restore', join(work, 'stopped'))).toBe(1)
  expect(inUse.err()).toContain('is in use by another server')
}, 120_000)
