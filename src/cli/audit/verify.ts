/** `cpis audit verify`: holds the audit against its seals, reading the database itself, and names the first record that is not as it was (docs/operating.md "Audit"; issue 6). */
import { existsSync } from 'node:fs'
import { type Config, parseConfig } from '../../config.ts'
import type { Seal } from '../../domain/audit-seal.ts'
import { type AuditFault, checkHeader } from '../../domain/audit-seal-check.ts'
import { keysFileOf, readKeysFile, sealKeys } from '../../keys.ts'
import { readSealCopy } from '../../seal-copy.ts'
import { openAuditInspection } from '../../store/audit-inspection.ts'
import { StoreError } from '../../store/store.ts'
import { openDatabaseAddress } from '../database-address.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from '../io.ts'
import { parseInstant } from './parse-instant.ts'
import { readPublished } from './published.ts'
import { type Counts, collectFindings, type Findings, type Verification } from './verification.ts'
import { findArchives, verifyArchive } from './verify-archive.ts'
import { verifyChain } from './verify-chain.ts'
import { verifyUnsealed } from './verify-unsealed.ts'

export interface AuditVerifyOptions {
  readonly from?: string
  readonly until?: string
  readonly copy?: string
  readonly url?: string
  readonly archive?: string
  readonly acceptLate?: boolean
  readonly json?: boolean
}

interface Outcome {
  readonly counts: Counts
  readonly first?: AuditFault
  /** The first that is of one record: `first` may be of a whole seal. */
  readonly firstRecord?: AuditFault
  readonly faults: readonly AuditFault[]
  readonly total: number
  /** Sealed after their time had passed, and accepted by --accept-late. */
  readonly late: readonly AuditFault[]
  readonly head?: { readonly number: number; readonly through: string }
  readonly oldestUnsealed?: string
  /** Months that are in an archive at which nobody looked. */
  readonly archivesUnseen: readonly string[]
  readonly copy?: string
}

const PROGRESS_MS = 5_000
const MOST_SHOWN = 20

/** Resolves to 0 when all is as it was sealed, 1 when not. Throws CliError: 4 when the database could not be read to the end. Store, disk and network I/O. */
export async function runAuditVerify(options: AuditVerifyOptions, io: Io): Promise<number> {
  const config = parseConfig(io.env)
  const database = await openDatabaseAddress(config)
  try {
    const outcome = await verify(options, { config, url: database.url, io })
    if (options.json === true) sayJson(io, outcome)
    else for (const line of outcomeLines(outcome, io)) say(io, line)
    return outcome.total === 0 ? EXIT.ok : EXIT.failed
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new CliError(EXIT.unsure, `The audit could not be read to its end: ${error.message}`, { cause: error })
  } finally {
    await database.close()
  }
}

interface Where {
  readonly config: Config
  readonly url: string
  readonly io: Io
}

async function verify(options: AuditVerifyOptions, { config, url, io }: Where): Promise<Outcome> {
  const keys = readKeysFile(keysFileOf(config))
  const seals = sealKeys(keys)
  // before anything is read: what is published later may be sealed later
  const published = options.url === undefined ? undefined : await readPublished(options.url)
  const copy = findCopy(options, config)
  const archives = options.archive === undefined ? [] : await findArchives(options.archive)
  const inspection = await openAuditInspection({ url, database: config.mongodbDatabase, keys })
  try {
    const marked = (await inspection.archives()).map(({ month }) => month)
    const months = new Set([...marked, ...archives.map(({ month }) => month)])
    const findings = collectFindings(progressOf(io))
    const its: Verification = {
      inspection,
      keys: seals,
      ...(copy === undefined ? {} : { copy: readSealCopy(copy) }),
      ...(published === undefined ? {} : { published }),
      range: rangeOf(options),
      isArchived: (recorded) => months.has(recorded.slice(0, 'YYYY-MM'.length)),
      report: findings.report,
      count: findings.count,
    }
    if (published !== undefined) reportForged(its, published)
    const heads = await verifyChain(its)
    const oldestUnsealed = await verifyUnsealed(its, heads)
    for (const file of archives) await verifyArchive({ ...its, upto: heads.database?.number ?? 0 }, file)
    const seen = new Set(archives.map(({ month }) => month))
    return {
      ...sortFaults(findings, options.acceptLate === true),
      counts: findings.counts(),
      ...(heads.database === undefined ? {} : { head: headOf(heads.database) }),
      ...(oldestUnsealed === undefined ? {} : { oldestUnsealed }),
      archivesUnseen: marked.filter((month) => !seen.has(month)),
      ...(copy === undefined ? {} : { copy }),
    }
  } finally {
    await inspection.close()
  }
}

const headOf = ({ number, through }: Seal) => ({ number, through })

function reportForged({ keys, report }: Verification, published: Seal): void {
  const faults = checkHeader(published, { before: undefined, keys }).filter(({ what }) => what === 'signature')
  for (const fault of faults) report({ ...fault, what: 'published' })
}

/** The one that is named, else that of the configuration when it is there. */
function findCopy({ copy }: AuditVerifyOptions, { sealCopy }: Config): string | undefined {
  if (copy !== undefined && !existsSync(copy)) throw new CliError(EXIT.usage, `--copy: ${copy} is not there.`)
  if (copy !== undefined) return copy
  return sealCopy !== undefined && existsSync(sealCopy) ? sealCopy : undefined
}

function rangeOf({ from, until }: AuditVerifyOptions): Verification['range'] {
  return {
    from: from === undefined ? '' : parseInstant('--from', from),
    ...(until === undefined ? {} : { before: parseInstant('--until', until) }),
  }
}

function sortFaults(
  findings: Findings,
  acceptLate: boolean,
): Pick<Outcome, 'first' | 'firstRecord' | 'faults' | 'total' | 'late'> {
  const all = findings.faults()
  const late = acceptLate ? all.filter(({ what }) => what === 'late') : []
  const faults = all.filter((fault) => !late.includes(fault))
  const [first] = faults
  const firstRecord = faults.find(({ id }) => id !== undefined)
  return {
    ...(first === undefined ? {} : { first }),
    ...(firstRecord === undefined ? {} : { firstRecord }),
    faults,
    total: findings.total() - late.length,
    late,
  }
}

function progressOf(io: Io): (counts: Counts) => void {
  let saidAt = Date.now()
  return ({ seals, records, inArchive }) => {
    if (Date.now() - saidAt < PROGRESS_MS) return
    saidAt = Date.now()
    io.err(`${seals} seals, ${records + inArchive} records …\n`)
  }
}

function outcomeLines(outcome: Outcome, io: Io): string[] {
  const { counts, head, faults, total, late, first, firstRecord } = outcome
  const lines = [
    head === undefined
      ? 'There is no seal yet.'
      : `${counts.seals} seals up to ${head.number}, through ${head.through}; ${counts.records} records looked at in the database, ${counts.inArchive} in archives.`,
    outcome.copy === undefined
      ? 'There is no second place to compare with: name it by --copy. A chain that was cut at its end is not found without.'
      : `Compared with ${outcome.copy}.`,
    ...restLines(outcome),
    ...late.slice(0, MOST_SHOWN).map((fault) => `accepted: ${faultLine(fault)}`),
  ]
  if (first === undefined) return [...lines, styled(io, 'green', 'All is as it was sealed.')]
  return [
    ...lines,
    styled(io, 'red', `First: ${faultLine(first)}`),
    ...(firstRecord === undefined || firstRecord === first ? [] : [`First record: ${faultLine(firstRecord)}`]),
    ...faults.slice(1, MOST_SHOWN).map(faultLine),
    ...(total > MOST_SHOWN ? [`… ${total} in all.`] : []),
  ]
}

function restLines({ counts, oldestUnsealed, archivesUnseen }: Outcome): string[] {
  return [
    ...(oldestUnsealed === undefined
      ? []
      : [`${counts.unsealed} records are not sealed yet, the oldest of ${oldestUnsealed}.`]),
    ...(archivesUnseen.length === 0
      ? []
      : [
          `${counts.archived} records are archived and were not looked at (${archivesUnseen.join(', ')}): --archive FOLDER.`,
        ]),
    ...(counts.unopened === 0
      ? []
      : [`${counts.unopened} records of archives have a number under a data key that is not in CPIS_KEYS.`]),
  ]
}

function faultLine({ what, words, seal, id, recorded }: AuditFault): string {
  const place = [
    id === undefined ? [] : [`record ${id}`],
    recorded === undefined ? [] : [`of ${recorded}`],
    seal === undefined ? [] : [`seal ${seal}`],
  ].flat()
  return `${what}: ${place.join(', ')}: ${words}`
}
