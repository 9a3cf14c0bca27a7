/** The server with its own embedded mongod, as it is delivered; a stand-in of the binary puts a proxy on the port that the server asks for. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../src/store/mongod-process.ts'
import type { Place } from './place.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const STAND_IN = fileURLToPath(new URL('./mongod-behind-proxy.sh', import.meta.url))
const LOOK_MS = 10

/** Nothing runs yet: the server starts its mongod. */
export async function openEmbeddedPlace(options: { readonly folder: string; readonly mongod: string }): Promise<Place> {
  const { folder, mongod } = options
  const dbPath = join(folder, 'data', 'mongo')
  mkdirSync(dbPath, { recursive: true, mode: 0o700 })
  const standIn = join(folder, 'mongod-behind-proxy')
  copyFileSync(STAND_IN, standIn)
  chmodSync(standIn, 0o700)
  const portFile = join(folder, 'asked-port')
  const targetPort = await freePort(0)
  let proxy: TcpProxy | undefined
  let isClosed = false

  /** A start may ask for another port: the proxy goes there. */
  const watching = setInterval(() => void follow(), LOOK_MS)
  let following = Promise.resolve()
  function follow(): void {
    following = following.then(async () => {
      const asked = readNumber(portFile)
      if (isClosed || asked === undefined || proxy?.port === asked) return
      await proxy?.close()
      proxy = undefined
      proxy = await startTcpProxy({ port: asked, targetPort })
      writeFileSync(`${portFile}.open`, String(asked))
    })
    // a port that is not free yet is tried again
    following = following.catch(() => undefined)
  }

  return {
    name: 'embedded',
    members: [{ pid: () => pidOfMongod(dbPath), proxy: () => proxy, dbPath }],
    env: {
      CPIS_MONGOD: standIn,
      FAULTS_MONGOD: mongod,
      FAULTS_MONGOD_PORT: String(targetPort),
      FAULTS_PORT_FILE: portFile,
    },
    findPrimary: async () => 0,
    async release() {
      rmSync(portFile, { force: true })
      rmSync(`${portFile}.open`, { force: true })
      await following
      await proxy?.close()
      proxy = undefined
    },
    readUrl: () => `mongodb://127.0.0.1:${targetPort}/?directConnection=true`,
    async close() {
      isClosed = true
      clearInterval(watching)
      await following
      await proxy?.close()
    },
  }
}

/** Its lock file tells the process, also one that is gone and whose number another has by now. */
function pidOfMongod(dbPath: string): number | undefined {
  const pid = readNumber(join(dbPath, 'mongod.lock'))
  return pid !== undefined && readText(`/proc/${pid}/cmdline`).includes(dbPath) ? pid : undefined
}

/** A whole number above 0 in a file; undefined when there is none. */
function readNumber(file: string): number | undefined {
  const number = Number(readText(file).trim())
  return Number.isInteger(number) && number > 0 ? number : undefined
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
