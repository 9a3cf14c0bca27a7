/** `cpis audit archive`: writes whole months that are older than the retention of CPIS_POLICY to files and removes them from the database, which it works on itself, under a role of its own (docs/operating.md "Archive"). */
import { existsSync, statSync } from 'node:fs'
import { parseConfig } from '../../config.ts'
import { readPolicyFile } from '../../policy-file.ts'
import { lastMonthToGo, type Retention } from '../../retention.ts'
import { type Archived, ArchiveFault, type Archivist, fileOf, openArchivist } from '../../store/archive-months.ts'
import { StoreError } from '../../store/store.ts'
import { openDatabaseAddress } from '../database-address.ts'
import { CliError, EXIT, type Io, say } from '../io.ts'

export interface AuditArchiveOptions {
  readonly to: string
  /** `YYYY-MM`: only months before it; all that the retention lets go when left out. */
  readonly before?: string
  /** Without it nothing is written and nothing removed. */
  readonly apply?: boolean
}

const RULES: readonly { readonly what: Archived; readonly member: keyof Retention }[] = [
  { what: 'auditEvents', member: 'auditMonths' },
  { what: 'accesses', member: 'accessMonths' },
  { what: 'acknowledgements', member: 'accessMonths' },
]
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/

/** Says month by month what it does, or would do. Throws CliError: without a rule that is configured it does nothing. Disk and database I/O. */
export async function runAuditArchive(options: AuditArchiveOptions, io: Io): Promise<number> {
  const config = parseConfig(io.env)
  const at = config.sandboxNow ?? new Date()
  const jobs = planJobs(options, readPolicyFile(config.policyFile).retention, at)
  const folder = checkFolder(options.to)
  const database = await openDatabaseAddress(config)
  try {
    const archivist = await openArchivist({ url: database.url, database: config.mongodbDatabase })
    try {
      for (const { what, last } of jobs) await archiveAll({ what, last, folder, at, options }, archivist, io)
    } finally {
      await archivist.close()
    }
    return EXIT.ok
  } catch (error) {
    if (error instanceof ArchiveFault) throw new CliError(EXIT.failed, error.message, { cause: error })
    if (error instanceof StoreError) {
      throw new CliError(EXIT.unsure, 'The database failed. Run this again: it goes on where it was.', { cause: error })
    }
    throw error
  } finally {
    await database.close()
  }
}

interface Job {
  readonly what: Archived
  /** Last month that goes. */
  readonly last: string
}

function planJobs({ before }: AuditArchiveOptions, retention: Retention | undefined, at: Date): readonly Job[] {
  if (retention?.auditMonths === undefined) {
    throw new CliError(
      EXIT.usage,
      'CPIS_POLICY: retention.auditMonths is not set: nothing is archived until it says how many months AuditEvents stay.',
    )
  }
  if (before !== undefined && !MONTH.test(before)) {
    throw new CliError(EXIT.usage, '--before must be a month, such as 2024-06.')
  }
  return RULES.flatMap(({ what, member }) => {
    const months = retention[member]
    if (months === undefined) return []
    const last = lastMonthToGo(months, at)
    if (before === undefined) return [{ what, last }]
    const wanted = lastMonthToGo(0, new Date(`${before}-01T00:00:00Z`))
    // the audit's rule bounds what may be asked for; accesses go as far as both allow
    if (what === 'auditEvents' && wanted > last) {
      throw new CliError(
        EXIT.usage,
        `--before ${before}: retention.auditMonths keeps ${months} months, so ${last} is the last that goes.`,
      )
    }
    return [{ what, last: wanted < last ? wanted : last }]
  })
}

function checkFolder(folder: string): string {
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder
  throw new CliError(EXIT.usage, `--to ${folder}: there is no such folder. Make it, readable by its owner alone.`)
}

async function archiveAll(
  { what, last, folder, at, options }: Job & { folder: string; at: Date; options: AuditArchiveOptions },
  archivist: Archivist,
  io: Io,
): Promise<void> {
  const months = await archivist.months(what, last)
  if (months.length === 0) say(io, `${what}: nothing up to ${last} is in the database.`)
  for (const { month, count, isMarked } of months) {
    const file = fileOf(month, { what, folder })
    if (options.apply !== true) {
      const words = isMarked
        ? 'archived already; what it holds would be removed'
        : `would be written to ${file} and removed`
      say(io, `${what} ${month}: ${count} records, ${words} (--apply)`)
      continue
    }
    const done = await archivist.archive(month, { what, folder, at })
    say(io, `${what} ${month}: ${done.count} records in ${file}, SHA-256 ${done.sha256}; ${done.removed} removed`)
    if (done.stayed > 0) say(io, `${what} ${month}: ${done.stayed} came after it was archived and stay`)
  }
}
