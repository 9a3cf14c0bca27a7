/** After all tests: stops the MongoDB of this run and removes its identities. */
import { removeTestIdentities } from './test-identities.ts'
import { stopTestMongod } from './test-mongod.ts'

export default async function tearDown(): Promise<void> {
  removeTestIdentities()
  await stopTestMongod()
}
