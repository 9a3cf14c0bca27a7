/** A server process of its own for tests that kill it: embedded mongod and store over the folder of the first argument (keys from the second), writing audit records and printing each id once it is acknowledged. */
import { readFileSync } from 'node:fs'
import { argv, stdout } from 'node:process'
import { pino } from 'pino'
import type { Keys } from '../../src/keys.ts'
import { startEmbeddedMongod } from '../../src/store/embedded-mongod.ts'
import { openStore } from '../../src/store/mongo-store.ts'
import { auditRecord } from './test-store.ts'

const [, , dataDir, keysFile] = argv
if (dataDir === undefined || keysFile === undefined) throw new Error('Usage: store-process.ts FOLDER KEYS')
const log = pino({ level: 'silent' })
const mongod = await startEmbeddedMongod({ dataDir, log })
const keys = JSON.parse(readFileSync(keysFile, 'utf8')) as Keys
const store = await openStore({ url: mongod.url, database: 'cpis', keys, clock: () => new Date(), log })
stdout.write(`mongod ${mongod.pid}\n`)
for (let n = 0; ; n++) {
  await store.transact((unit) => unit.appendAudit(auditRecord(`written-${n}`)))
  stdout.write(`written-${n}\n`)
}
