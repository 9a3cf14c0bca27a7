/** Before all tests: the real MongoDB of this run (storage.md "The embedded server") and its identities. */
import { makeTestIdentities } from './test-identities.ts'
import { startTestMongod } from './test-mongod.ts'

export default async function setUp(): Promise<void> {
  makeTestIdentities()
  await startTestMongod()
}
