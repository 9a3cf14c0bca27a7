/** `cpis upload FILE|FOLDER`: posts Bundles (or single resources) of an authority and says what became of each entry. */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isObject } from '../fhir/json-object.ts'
import { getBearer } from './bearer.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { buildReceipt, type Receipt, receiptLines } from './receipt.ts'
import { type Answer, send, serverOrigin } from './server-client.ts'

export interface UploadOptions {
  readonly as: string
  readonly receipts?: string
  readonly json?: boolean
}

/** Posts every file in order of name; one that is refused does not stop the others. Resolves to 1 when anything was refused, 4 when the server could not answer surely. */
export async function runUpload(path: string, options: UploadOptions, io: Io): Promise<number> {
  const files = findJsonFiles(path)
  const origin = serverOrigin(io.env)
  const receipts: Receipt[] = []
  for (const [place, file] of files.entries()) {
    if (io.stopped.aborted) break
    showProgress(io, options, `${place + 1}/${files.length} ${basename(file)}`)
    const resource = readJson(file)
    const { token } = await getBearer(origin, options.as, io)
    const answer = await send(origin, { method: 'POST', path: pathOf(resource), token, body: resource })
    const receipt = buildReceipt(basename(file), answer)
    if (options.receipts !== undefined) writeReceipt(options.receipts, file, answer)
    showProgress(io, options, '')
    if (options.json) sayJson(io, receipt)
    else for (const line of receiptLines(receipt)) say(io, receipt.refused.length > 0 ? styled(io, 'red', line) : line)
    receipts.push(receipt)
  }
  if (receipts.some((one) => one.status === 503)) return EXIT.unsure
  const isWhole = receipts.length === files.length && receipts.every((one) => one.refused.length === 0)
  return isWhole ? EXIT.ok : EXIT.failed
}

/** The file itself, or the *.json files of a folder in order of name. Disk I/O. */
function findJsonFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const files = readdirSync(path)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .sort()
    if (files.length > 0) return files.map((name) => join(path, name))
  } catch (error) {
    throw new CliError(EXIT.usage, `${path} cannot be read.`, { cause: error })
  }
  throw new CliError(EXIT.usage, `${path} holds no *.json files.`)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} is no JSON.`, { cause: error })
  }
}

function pathOf(resource: unknown): string {
  const type = isObject(resource) ? resource['resourceType'] : undefined
  if (typeof type !== 'string')
    throw new CliError(EXIT.usage, 'The file holds no FHIR resource: resourceType is missing.')
  return type === 'Bundle' ? '/FHIR/R4' : `/FHIR/R4/${encodeURIComponent(type)}`
}

function writeReceipt(folder: string, file: string, answer: Answer): void {
  mkdirSync(folder, { recursive: true })
  const name = basename(file).replace(/\.json$/, '.receipt.json')
  writeFileSync(join(folder, name), `${JSON.stringify(answer.body ?? null, null, 2)}\n`, { mode: 0o600 })
}

function showProgress(io: Io, options: UploadOptions, text: string): void {
  if (io.isTerminal && !options.json) io.err(`\r\u001b[K${text}`)
}
