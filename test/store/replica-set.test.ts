/** Making one mongod the only member of its set, also when it is slow to answer: then it is asked again, never given up (storage.md "The embedded server"). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { defaultCacheDir, findMongod } from '../../src/store/mongod-binary.ts'
import { freePort, type MongodProcess, startMongod } from '../../src/store/mongod-process.ts'
import { openReplicaSet } from '../../src/store/replica-set.ts'
import { startTcpProxy, type TcpProxy } from '../faults/harness/tcp-proxy.ts'

/** More than the driver waits for a server. */
const SILENT_MS = 2_500

const folder = mkdtempSync(join(tmpdir(), 'cpis-replica-set-'))
let mongod: MongodProcess
let proxy: TcpProxy
beforeAll(async () => {
  const mongodPath = process.env['CPIS_MONGOD']
  const named = mongodPath ? { mongodPath } : {}
  const binary = await findMongod({ ...named, cacheDir: defaultCacheDir(), log: pino({ level: 'error' }) })
  const port = await freePort(0)
  mongod = await startMongod({ binary, dbPath: folder, port, cacheSizeMb: 256 })
  proxy = await startTcpProxy({ targetPort: port })
}, 60_000)
afterAll(async () => {
  await proxy.close()
  await mongod.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('a mongod that takes connections and says nothing for a while becomes primary when it speaks', async () => {
  proxy.treat(() => ({ kind: 'silent' }))
  const opened = openReplicaSet(proxy.port, { timeoutMs: 25_000, isGone: mongod.hasExited })
  const isEarly = await Promise.race([opened.then(() => true), sleep(SILENT_MS, false)])
  expect(isEarly).toBe(false)
  proxy.treat(() => ({ kind: 'pass' }))
  await opened
})

test('one that says nothing to the end is an error with its cause, in time', async () => {
  proxy.treat(() => ({ kind: 'silent' }))
  await expect(openReplicaSet(proxy.port, { timeoutMs: 1_500, isGone: mongod.hasExited })).rejects.toThrow(
    'did not become primary',
  )
})
