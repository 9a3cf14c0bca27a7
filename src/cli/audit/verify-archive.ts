/** Holds an archive of the audit (`auditEvents-YYYY-MM.ndjson`, or .ndjson.gz: one stored document a line, extended JSON) against the seals (issue 6: `cpis audit verify --archive`). */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import type { SealEntry } from '../../domain/audit-seal.ts'
import type { FoundRecord } from '../../domain/audit-seal-check.ts'
import { toFound } from './found-record.ts'
import type { Verification } from './verification.ts'

const NAME = /^auditEvents-(\d{4}-\d{2})\.ndjson(\.gz)?$/
const BATCH = 2_000
const MINUTE_CHARACTERS = 16

export interface ArchiveFile {
  readonly month: string
  readonly path: string
}

/** The months that a folder holds, in their order. Disk I/O. */
export async function findArchives(folder: string): Promise<readonly ArchiveFile[]> {
  return (await readdir(folder)).toSorted().flatMap((name) => {
    const month = NAME.exec(name)?.[1]
    return month === undefined ? [] : [{ month, path: join(folder, name) }]
  })
}

export interface ArchiveVerification extends Verification {
  /** Newest seal of the database. */
  readonly upto: number
}

/** Every line must be as sealed, and every sealed record of the month be a line or still in the database. Disk and store I/O, one batch in memory at a time. */
export async function verifyArchive(its: ArchiveVerification, { month, path }: ArchiveFile): Promise<void> {
  const left = new Map(await its.inspection.countsOf(month, its.upto))
  const seen = { minute: '', ids: new Set<string>() }
  for await (const batch of readBatches(its, { month, path }, true)) {
    const sealed = await its.inspection.sealedAt(
      batch.map(({ entry }) => entry.recorded),
      its.upto,
    )
    for (const record of batch) {
      const { entry } = record
      const minute = minuteOf(entry.recorded)
      if (minute !== seen.minute) {
        if (minute < seen.minute) report(its, entry, 'reordered', 'the archive is not in the order of time')
        Object.assign(seen, { minute, ids: new Set<string>() })
      }
      if (seen.ids.has(entry.id)) report(its, entry, 'inserted', 'it is in the archive twice')
      else if (judge(its, record, sealed.get(entry.id))) left.set(minute, (left.get(minute) ?? 0) - 1)
      seen.ids.add(entry.id)
    }
    its.count({ inArchive: batch.length })
  }
  await reportMissing(its, { month, path }, left)
}

/** Whether it is the one that was sealed under that id, changed or not. */
function judge(its: Verification, { entry, number }: FoundRecord, sealed: SealEntry | undefined): boolean {
  if (sealed === undefined) report(its, entry, 'inserted', 'it is in the archive, and no seal has it')
  else if (sealed.content !== entry.content || sealed.recorded !== entry.recorded)
    report(its, entry, 'edited', 'in the archive it is not what was sealed')
  else if (number === 'other') report(its, entry, 'number', 'in the archive its number is of another child')
  if (number === 'unopened') its.count({ unopened: 1 })
  return sealed !== undefined
}

/** Names the first record of each minute that has fewer lines than were sealed; some may still be in the database. */
async function reportMissing(
  its: ArchiveVerification,
  file: ArchiveFile,
  left: ReadonlyMap<string, number>,
): Promise<void> {
  const minutes = [...left].filter(([, count]) => count > 0).map(([minute]) => minute)
  for (let at = 0; at < minutes.length; at += BATCH) {
    const some = minutes.slice(at, at + BATCH)
    const sealed = new Map(await its.inspection.sealedAt(some, its.upto))
    const wanted = new Set(some)
    for await (const batch of readBatches(its, file, false))
      for (const { entry } of batch) if (wanted.has(minuteOf(entry.recorded))) sealed.delete(entry.id)
    const still = await its.inspection.records([...sealed.keys()])
    for (const entry of sealed.values())
      if (!still.has(entry.id))
        report(its, entry, 'dropped', 'it was sealed, and is neither in the archive nor in the database')
  }
}

function parse({ inspection }: Verification, line: string): FoundRecord | undefined {
  try {
    return toFound(inspection.readArchived(line))
  } catch {
    return undefined
  }
}

async function* readBatches(
  its: Verification,
  { path, month }: ArchiveFile,
  isFirst: boolean,
): AsyncGenerator<readonly FoundRecord[]> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  file.once('error', (error) => input.destroy(error))
  let batch: FoundRecord[] = []
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === '') continue
    number += 1
    const record = parse(its, line)
    if (record !== undefined) batch.push(record)
    else if (isFirst) its.report({ what: 'edited', words: `line ${number} of ${path} is no record`, recorded: month })
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

const minuteOf = (recorded: string): string => recorded.slice(0, MINUTE_CHARACTERS)

function report(
  its: Verification,
  { id, recorded }: SealEntry,
  what: 'inserted' | 'edited' | 'dropped' | 'number' | 'reordered',
  words: string,
): void {
  its.report({ what, words, id, recorded })
}
