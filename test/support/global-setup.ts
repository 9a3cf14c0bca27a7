/** Before all tests: the real MongoDB of this run (storage.md "The embedded server") and its identities. */
import { fileURLToPath } from 'node:url'
import { makeTestIdentities } from './test-identities.ts'
import { startTestMongod } from './test-mongod.ts'

export default async function setUp(): Promise<void> {
  // For the processes that tests start, as the launcher has it
  process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../../node_modules/.cache/cpis', import.meta.url))
  makeTestIdentities()
  await startTestMongod()
}
