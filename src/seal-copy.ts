/** The second place of the audit's seals: append-only NDJSON files in a folder of another disk or write-once storage (issue 6). A line is a whole seal with its list, so that a rewritten database can be told from the true one. */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Seal, type SealEntry, sealHash } from './domain/audit-seal.ts'

export interface CopiedSeal {
  readonly seal: Seal
  readonly entries: readonly SealEntry[]
}

export interface SealCopy {
  readonly folder: string
  /** The last whole seal there. Disk I/O. */
  last(): Promise<Seal | undefined>
  /** Adds a line for each and resolves when they are on the disk. Disk I/O. */
  append(seals: readonly CopiedSeal[]): Promise<void>
}

/** Seals of one file: its name has the number of the first. */
const SEALS_PER_FILE = 100_000
const NAME = /^audit-seals-\d{10}\.ndjson$/
const TAIL_BYTES = 1024 * 1024

/** `mayMake`: a sandbox makes its folder; elsewhere one that is missing is a disk that is not mounted. No I/O by itself. */
export function openSealCopy(folder: string, { mayMake }: { readonly mayMake: boolean }): SealCopy {
  return {
    folder,
    async last() {
      if (mayMake) await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const file of (await filesOf(folder)).toReversed()) {
        const found = await lastOf(file)
        if (found !== undefined) return found
      }
      return undefined
    },
    async append(seals) {
      const byFile = Map.groupBy(seals, ({ seal }) => join(folder, nameOf(seal.number)))
      for (const [file, group] of byFile) await appendLines(file, group.map(lineOf))
    },
  }
}

/** All seals of a folder, or of one file, in the order of the files; a line that broke off is passed by. Disk I/O, one line at a time. */
export async function* readSealCopy(path: string): AsyncGenerator<CopiedSeal> {
  const isFolder = (await stat(path)).isDirectory()
  for (const file of isFolder ? await filesOf(path) : [path])
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      const copied = parseLine(line)
      if (copied !== undefined) yield copied
    }
}

function nameOf(number: number): string {
  const first = number - ((number - 1) % SEALS_PER_FILE)
  return `audit-seals-${String(first).padStart(10, '0')}.ndjson`
}

async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => NAME.test(name))
    .toSorted()
    .map((name) => join(folder, name))
}

/** One write, so that lines of two processes never mix; what a crash left unfinished becomes a line of its own. */
async function appendLines(file: string, lines: readonly string[]): Promise<void> {
  const handle = await open(file, 'a+', 0o600)
  try {
    const { size } = await handle.stat()
    const end = size === 0 ? '\n' : await readText(handle, size - 1, size)
    await handle.write(`${end === '\n' ? '' : '\n'}${lines.join('')}`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function lastOf(file: string): Promise<Seal | undefined> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    for (let bytes = TAIL_BYTES; ; bytes *= 2) {
      const from = Math.max(0, size - bytes)
      const lines = (await readText(handle, from, size)).split('\n')
      // the last has no end; the first may have lost its beginning
      const whole = lines.slice(from === 0 ? 0 : 1, -1)
      const found = whole.map(parseLine).findLast((one) => one !== undefined)
      if (found !== undefined || from === 0) return found?.seal
    }
  } finally {
    await handle.close()
  }
}

type Handle = Awaited<ReturnType<typeof open>>

async function readText(handle: Handle, from: number, before: number): Promise<string> {
  const buffer = Buffer.alloc(before - from)
  await handle.read(buffer, 0, buffer.length, from)
  return buffer.toString('utf8')
}

function lineOf({ seal, entries }: CopiedSeal): string {
  return `${JSON.stringify({ seal, entries: entries.map(({ id, recorded, content }) => [id, recorded, content]) })}\n`
}

/** Undefined for what is no line of this file. */
function parseLine(line: string): CopiedSeal | undefined {
  try {
    const { seal, entries } = JSON.parse(line) as { seal: Seal; entries: [string, string, string][] }
    sealHash(seal)
    return { seal, entries: entries.map(([id, recorded, content]) => ({ id, recorded, content })) }
  } catch {
    return undefined
  }
}
