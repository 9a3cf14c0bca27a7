/** Before all tests: the real MongoDB of this run (storage.md "The embedded server"). */
import { startTestMongod } from './test-mongod.ts'

export default startTestMongod
