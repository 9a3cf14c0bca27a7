/** Where the embedded database of a data folder listens, for another process of the machine: the port it wrote down, believed only when a mongod of that very folder answers there. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MongoClient } from 'mongodb'
import { REPLICA_SET } from './mongod-process.ts'

const SELECTION_MS = 1_500

/** Its connection string; undefined while none runs. Disk and store I/O. */
export async function findEmbeddedUrl(dataDir: string): Promise<string | undefined> {
  const dbPath = join(resolve(dataDir), 'mongo')
  const port = Number(await readFile(join(dbPath, 'port'), 'utf8').catch(() => ''))
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: SELECTION_MS,
  })
  try {
    const { parsed } = await client.db('admin').command({ getCmdLineOpts: 1 })
    if (parsed?.storage?.dbPath === undefined || resolve(String(parsed.storage.dbPath)) !== dbPath) return undefined
    return `mongodb://127.0.0.1:${port}/?replicaSet=${REPLICA_SET}`
  } catch {
    return undefined
  } finally {
    await client.close()
  }
}
