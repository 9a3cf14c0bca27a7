/** What the directory holds of the Organizations that are sent: read inside the transaction that changes it. */
import { partsOf, relativeReference, textOf } from '../../domain/upload/tolerant.ts'
import type { LockKey, Reader, Row, Token, Unit } from '../../store/store.ts'
import type { DirectoryFacts } from './decide-entries.ts'
import type { PreparedEntry } from './prepare-entry.ts'

/** Whoever changes the directory does so one after the other: codes may stand once among all owners. */
const DIRECTORY_LOCK: LockKey = { kind: 'condition', owner: 'directory', text: 'directory' }

/** Takes the lock and reads: two reads for any number of entries. Database I/O. */
export async function readDirectoryFacts(
  unit: Unit,
  entries: readonly PreparedEntry[],
): Promise<Pick<DirectoryFacts, 'held' | 'holders'>> {
  await unit.lock([DIRECTORY_LOCK])
  const ids = [
    ...new Set(entries.flatMap((entry) => [...(entry.id === undefined ? [] : [entry.id]), ...parentsOf(entry)])),
  ]
  const tokens = entries.flatMap(tokensOf)
  const rows = await findByIds(unit, ids)
  return { held: new Map(rows.map((row) => [row.id, row])), holders: await findHolders(unit, tokens) }
}

function findByIds(reader: Reader, ids: readonly string[]): Promise<readonly Row<'Organization'>[]> {
  if (ids.length === 0) return Promise.resolve([])
  return reader.organizations.search({ criteria: [{ field: 'id', anyOf: ids }], limit: ids.length })
}

function findHolders(reader: Reader, tokens: readonly Token[]): Promise<readonly Row<'Organization'>[]> {
  if (tokens.length === 0) return Promise.resolve([])
  // a code stands once in the directory
  return reader.organizations.search({ criteria: [{ field: 'identifier', tokens }], limit: tokens.length })
}

/** Codes that an organisation which it is part of may have: as an identifier, and as an id. */
function parentsOf({ sent }: PreparedEntry): readonly string[] {
  const { literal, identifier } = partsOf(sent?.partOf)
  const byAddress = literal === undefined ? undefined : relativeReference(literal, undefined).split('/').at(-1)
  return [textOf(identifier?.value), byAddress].filter((one) => one !== undefined)
}

function tokensOf({ sent }: PreparedEntry): readonly Token[] {
  if (!Array.isArray(sent?.identifier)) return []
  return sent.identifier.flatMap((one) => {
    const system = textOf(one?.system)
    const value = textOf(one?.value)
    return system === undefined || value === undefined ? [] : [{ system, value }]
  })
}
