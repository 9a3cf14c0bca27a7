/** `POST /admin/directory`: the administrator brings NHS organisations, their sites and local authorities (security.md "Tokens": the directory); each is made or brought up to date under its ODS or GSS code, and nothing is ever removed. */
import type { Caller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import { isError, issue } from '../fhir/outcome.ts'
import type { Unit } from '../store/store.ts'
import { auditRecord } from './build-audit-record.ts'
import { type DecidedEntry, decideEntries } from './directory/decide-entries.ts'
import { type PreparedEntry, prepareEntries } from './directory/prepare-entry.ts'
import { readDirectoryFacts } from './directory/read-facts.ts'
import { fhirBase } from './fhir-base.ts'
import type { AuditDetail, FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { listedEntries } from './listed-entries.ts'
import { buildEntry, buildRefusedEntry, wrap } from './transaction/build-reply.ts'

/** Most Organizations of one request. */
export const MOST_ORGANIZATIONS = 1_000

/** A batch-response: stores the good ones together, refuses each bad one alone with its place and codes; those that are held so already get no new version. `dryRun=true` stores none. Throws when the body is no list. Store I/O, in one transaction with its record. */
export const handleLoadDirectory: Handler = async (request, caller, context) => {
  if (caller?.kind !== 'administrator') throw fhirError('NOT_PERMITTED')
  const dryRun = parseDryRun(request)
  const entries = await prepareEntries(listedEntries(request.body, MOST_ORGANIZATIONS), context.profiles)
  if (dryRun) {
    const decided = await context.store.rehearse((unit) => decideIn(unit, entries, { request, context }))
    return {
      ...answerOf(decided, { request, context, isStored: false }),
      audit: { codes: codesOf(decided), parameters: ['dryRun'] },
    }
  }
  const decided = await load(entries, { request, caller, context })
  return { ...answerOf(decided, { request, context, isStored: true }), audited: true }
}

interface Loading {
  readonly request: FhirRequest
  readonly caller: Caller
  readonly context: Context
}

async function load(
  entries: readonly PreparedEntry[],
  { request, caller, context }: Loading,
): Promise<readonly DecidedEntry[]> {
  const auditId = context.newId()
  return context.store.transact(async (unit) => {
    const decided = await decideIn(unit, entries, { request, context })
    const changed = decided.flatMap(({ row, outcome }) => (row === undefined || outcome === 'unchanged' ? [] : [row]))
    if (changed.length > 0) await unit.putAll(changed)
    const entities = changed.map(({ type, id, version }) => ({ type, id, version }))
    const audit: AuditDetail = { entities, codes: codesOf(decided) }
    await unit.appendAudit(auditRecord(request, caller, { id: auditId, status: 200, audit }))
    return decided
  })
}

async function decideIn(
  unit: Unit,
  entries: readonly PreparedEntry[],
  { request, context }: Pick<Loading, 'request' | 'context'>,
): Promise<readonly DecidedEntry[]> {
  const facts = await readDirectoryFacts(unit, entries)
  return decideEntries(entries, { ...facts, profiles: context.profiles, at: request.at, keepsClosed: true })
}

function parseDryRun({ parameters }: FhirRequest): boolean {
  const [first, ...more] = parameters
  if (first === undefined) return false
  if (first[0] !== 'dryRun' || more.length > 0) throw fhirError('UNKNOWN_PARAMETER')
  if (first[1] === 'true' || first[1] === 'false') return first[1] === 'true'
  throw fhirError('INVALID_PARAMETER', undefined, 'dryRun is true or false.')
}

function codesOf(decided: readonly DecidedEntry[]): AuditDetail['codes'] & {} {
  return [...new Set(decided.flatMap(({ issues }) => issues.filter(isError).map(({ code }) => code)))]
}

/** One entry for each, in their order, as a batch is answered; without the resources, which were sent just now. */
function answerOf(
  decided: readonly DecidedEntry[],
  { request, context, isStored }: Pick<Loading, 'request' | 'context'> & { readonly isStored: boolean },
): Pick<FhirResponse, 'status' | 'resource'> {
  const facts = { fhirBase: fhirBase(context) }
  const asked = { today: request.today, prefer: { ...request.prefer, return: 'minimal' as const } }
  const entries = decided.map(({ entry, outcome, row, issues }) => {
    if (outcome === 'refused') return buildRefusedEntry(issues)
    const said = outcome === 'unchanged' ? [...issues, issue('UNCHANGED', entry.place)] : issues
    const shown = isStored && row !== undefined ? { row } : {}
    return buildEntry({ ...shown, status: outcome === 'created' ? 201 : 200, issues: said }, { request: asked, facts })
  })
  return { status: 200, resource: wrap('batch-response', entries) }
}
