/** After all tests: stops the MongoDB of this run. */
import { stopTestMongod } from './test-mongod.ts'

export default stopTestMongod
