/** A process of its own: downloads the vendor's mongod into a folder and writes its path to a file. Arguments: folder, version, result file. */
import { writeFile } from 'node:fs/promises'
import { argv, env } from 'node:process'

const [, , downloadDir, version, resultFile] = argv
if (downloadDir === undefined || version === undefined || resultFile === undefined) {
  throw new Error('Usage: mongod-vendor-download.ts FOLDER VERSION RESULT')
}
// The library checks the host's certificate only when it is told to.
env['npm_config_strict_ssl'] = 'true'
const { MongoBinary } = await import('mongodb-memory-server-core')
const file = await MongoBinary.getPath({ downloadDir, version, checkMD5: true })
await writeFile(resultFile, file)
