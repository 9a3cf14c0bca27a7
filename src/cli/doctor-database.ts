/** What `cpis doctor` says of the database: version, replica set, durability, schema, clock and data keys (issue 6). */
import type { Config } from '../config.ts'
import { type DatabaseFacts, findServerFault, isVersionSafe } from '../store/database-facts.ts'
import { TRANSACTION_LIFETIME_S } from '../store/mongod-process.ts'
import { type Finding, fail, ok, warn } from './doctor-finding.ts'

const SKEW_WARN_MS = 2_000
const SKEW_FAIL_MS = 30_000
const MEMBERS = 3
const MOST_LIFETIME_S = 2 * TRANSACTION_LIFETIME_S

export interface DatabaseCheck {
  readonly facts: DatabaseFacts
  readonly mode: Config['mode']
  /** The server's clock; undefined where a sandbox runs on another day. */
  readonly now: Date | undefined
  /** Ids of the data keys in the key file, the first first; undefined when it cannot be read. */
  readonly dataKeys: readonly string[] | undefined
}

/** All findings. Pure. */
export function databaseFindings(check: DatabaseCheck): Finding[] {
  return [
    checkVersion(check),
    checkReplicaSet(check),
    checkConcern(check.facts),
    ...checkTransactions(check.facts),
    checkMigrations(check.facts),
    checkIndexes(check.facts),
    ...checkDirectory(check),
    ...(check.now === undefined ? [] : [checkClock(check.facts, check.now)]),
    ...(check.dataKeys === undefined ? [] : [checkDataKeys(check.facts, check.dataKeys)]),
  ]
}

function checkVersion({ facts: { version }, mode }: DatabaseCheck): Finding {
  const what = 'database'
  const found = `MongoDB ${version}`
  const remedy = 'Upgrade to 7.0.32, 8.0.21 or the newest patch of 8.2 or later.'
  if (isVersionSafe(version)) return ok(what, found)
  return mode === 'production' ? fail(what, `${found} has known holes`, remedy) : warn(what, `${found} is old`, remedy)
}

function checkReplicaSet({ facts, mode }: DatabaseCheck): Finding {
  const what = 'replica set'
  if (facts.replicaSet === undefined) return fail(what, 'none', findServerFault(facts, mode) ?? '')
  const found = `${facts.replicaSet}, ${facts.members} members that hold data`
  if (mode === 'sandbox' || facts.members >= MEMBERS) return ok(what, found)
  return warn(what, found, 'Add members: three are needed to lose one and go on.')
}

/** The register asks for majority and journal with every write; the set must not undo the second. */
function checkConcern({ defaultWriteConcern, journalsMajority }: DatabaseFacts): Finding {
  const what = 'writes'
  const found = `majority and journal asked for by the register; the default of the set is ${defaultWriteConcern}`
  if (journalsMajority !== false) return ok(what, found)
  return fail(what, 'a majority does not wait for the journal', 'Set writeConcernMajorityJournalDefault to true.')
}

/** What a killed server process leaves locked: one child, or the numbering of notifications. */
function checkTransactions({ transactionSeconds: seconds }: DatabaseFacts): Finding[] {
  if (seconds === undefined) return []
  const what = 'transactions'
  const found = `ended by the database after ${seconds} s`
  const remedy = `Set its parameter transactionLifetimeLimitSeconds to ${TRANSACTION_LIFETIME_S}: what a killed server has locked is free sooner.`
  return [seconds > MOST_LIFETIME_S ? warn(what, found, remedy) : ok(what, found)]
}

function checkMigrations({ openMigrations }: DatabaseFacts): Finding {
  if (openMigrations.length === 0) return ok('migrations', 'all done')
  return warn('migrations', `to be run: ${openMigrations.join(', ')}`, 'Start the server: it runs them.')
}

function checkIndexes({ missingIndexes, openMigrations }: DatabaseFacts): Finding {
  const what = 'indexes'
  if (missingIndexes.length === 0) return ok(what, 'all there')
  const found = `missing: ${missingIndexes.join('; ')}`
  if (openMigrations.length > 0) return warn(what, found, 'Start the server: its migrations make them.')
  return fail(what, found, 'Make them again with createIndex: without them checks are slow, or records not unique.')
}

/** Without NHS organisations no check is answered, without authorities no answer says whom to call. */
function checkDirectory({ facts: { directory }, mode }: DatabaseCheck): Finding[] {
  if (directory === undefined) return []
  const what = 'directory'
  const found = `${directory.sites} NHS organisations and sites, ${directory.authorities} authorities`
  if (directory.sites > 0 && directory.authorities > 0) return [ok(what, found)]
  if (mode === 'sandbox') return [warn(what, found, 'Start the server: it brings those of the sandbox.')]
  return [
    fail(what, found, 'Load them with `cpis directory load FILE`: checks from unknown organisations are refused.'),
  ]
}

function checkClock({ at }: DatabaseFacts, now: Date): Finding {
  const what = 'clocks'
  const skewMs = Math.abs(at.getTime() - now.getTime())
  const found = `server and database differ by ${(skewMs / 1_000).toFixed(1)} s`
  const remedy = 'Let both machines take their time from NTP.'
  if (Number.isNaN(skewMs) || skewMs > SKEW_FAIL_MS) return fail(what, found, remedy)
  return skewMs > SKEW_WARN_MS ? warn(what, found, remedy) : ok(what, found)
}

/** Every key that sealed something must be in the file (P1: what cannot be opened is never "nothing known"). */
function checkDataKeys({ dataKeys: used }: DatabaseFacts, [first = '', ...older]: readonly string[]): Finding {
  const what = 'data keys'
  if (used === undefined) return warn(what, 'too many records to look at in time', 'Keep all data keys in the file.')
  const lost = used.filter((id) => id !== first && !older.includes(id))
  if (lost.length > 0)
    return fail(what, `records are sealed with ${lost.join(', ')}, not in the key file`, 'Put the key back into it.')
  const needed = older.filter((id) => used.includes(id))
  if (needed.length > 0)
    return warn(
      what,
      `${first} seals; ${needed.join(', ')} still opens records`,
      'Keep it: the server seals them again.',
    )
  const idle = older.length === 0 ? '' : `; ${older.join(', ')} is needed for backups only`
  return ok(what, `${first} seals all${idle}`)
}
