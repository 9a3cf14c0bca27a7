/** The two gates of security.md: the token's scope and the register's table, both required; plus who may make a check. Pure. */
import { type Issue, issue } from '../fhir/outcome.ts'
import { ACCESS_TABLE, type AccessRow, type Interaction } from './access-table.ts'
import type { Caller, UserCaller } from './caller.ts'
import { hasScope, parseResourceScope } from './scopes.ts'

export interface AccessRequest {
  readonly interaction: Interaction
  /** Absent for the system level: transaction, batch, capabilities. */
  readonly type?: string
  /** Without `$`. */
  readonly operation?: string
}

/** `own`: only rows of caller.authority; `any`: all rows of the type. */
export type Access =
  | { readonly allowed: true; readonly scope: 'own' | 'any' }
  | { readonly allowed: false; readonly code: 'UNAUTHENTICATED' | 'NOT_PERMITTED'; readonly text: string }

/** What a deployment may set of the policy. */
export interface CheckPolicy {
  readonly checkRoles: readonly string[]
  readonly leastAssuranceLevel: number
}

export const DEFAULT_CHECK_POLICY: CheckPolicy = {
  checkRoles: ['R8000', 'R8001', 'R8003', 'R0260', 'R8015'],
  leastAssuranceLevel: 2,
}

const LETTER: Readonly<Partial<Record<Interaction, string>>> = {
  read: 'r',
  vread: 'r',
  'history-instance': 'r',
  'history-type': 's',
  'search-type': 's',
  create: 'c',
  update: 'u',
  patch: 'u',
  delete: 'd',
}

/** The letter of a SMART scope that an interaction needs; undefined for those of no single type. Pure. */
export function resourceLetter(interaction: Interaction): string | undefined {
  return LETTER[interaction]
}

/** Whether this caller (undefined: nobody) may do this, on which rows, else what to say. Pure. */
export type DecideAccess = (caller: Caller | undefined, request: AccessRequest, policy?: CheckPolicy) => Access

/** The decision by one table: what no row of it allows is refused. The rows are sorted once. */
export function buildDecideAccess(table: readonly AccessRow[]): DecideAccess {
  const rows = sortRows(table)
  return (caller, request, policy = DEFAULT_CHECK_POLICY) =>
    decideBy(rows.get(keyOf(request)) ?? [], {
      caller,
      request,
      policy,
    })
}

/** The decision by the register's own table. */
export const decideAccess: DecideAccess = buildDecideAccess(ACCESS_TABLE)

interface Asking {
  readonly caller: Caller | undefined
  readonly request: AccessRequest
  readonly policy: CheckPolicy
}

function decideBy(rows: readonly AccessRow[], { caller, request, policy }: Asking): Access {
  if (rows.some((row) => row.allow.nobody === 'public')) return { allowed: true, scope: 'any' }
  if (caller === undefined) {
    return {
      allowed: false,
      code: 'UNAUTHENTICATED',
      text: 'A valid access token is needed. Get a new one and try again.',
    }
  }
  const allowing = rows.filter((row) => row.allow[caller.kind] !== undefined)
  const row = allowing.find((one) => passesScope(one, request, caller))
  if (row === undefined) return refuse(allowing.length === 0 ? NOT_FOR_KIND : NOT_IN_SCOPE)
  const fault = row.needsCheckRole === true ? findCheckFault(caller, policy) : undefined
  if (fault !== undefined) return refuse(fault)
  return { allowed: true, scope: row.allow[caller.kind] === 'own' ? 'own' : 'any' }
}

/** For the check, with what the directory said of caller.organization: an unknown organisation may not check. Pure. */
export function checkOrganization(isKnown: boolean): readonly Issue[] {
  return isKnown ? [] : [issue('NOT_PERMITTED', undefined, NOT_IN_DIRECTORY)]
}

const NOT_FOR_KIND = 'This caller may not do this.'
const NOT_IN_SCOPE = 'The access token has no scope for this. Ask for a token with the scope that is needed.'
const NOT_IN_DIRECTORY = 'Your organisation is not in the directory of the register. Ask the administrator to add it.'
const NOT_THE_ROLE = 'Your job role may not make checks. Sign in with a clinical role profile.'
const NOT_ASSURED = 'You signed in with too low an assurance level for a check. Sign in again with a stronger one.'

function refuse(text: string): Access {
  return { allowed: false, code: 'NOT_PERMITTED', text }
}

/** Rows by what a request names, so that a decision costs one look-up. */
function sortRows(table: readonly AccessRow[]): ReadonlyMap<string, readonly AccessRow[]> {
  const rows = new Map<string, AccessRow[]>()
  for (const row of table) {
    for (const interaction of row.interactions) {
      for (const operation of row.operations ?? ['']) {
        const key = keyOf({ interaction, type: row.type, operation })
        rows.set(key, [...(rows.get(key) ?? []), row])
      }
    }
  }
  return rows
}

function keyOf({ interaction, type = 'Bundle', operation = '' }: AccessRequest): string {
  return `${type} ${interaction} ${operation}`
}

function passesScope(row: AccessRow, request: AccessRequest, caller: Caller): boolean {
  if (row.scope === 'none') return true
  const context = 'authority' in caller ? 'system' : 'user'
  if (row.scope === 'any-resource') {
    return caller.scopes.some((one) => parseResourceScope(one)?.context === context)
  }
  if (row.scope !== 'resource') return row.scope.some((one) => hasScope(caller.scopes, one))
  const letter = row.letter ?? resourceLetter(request.interaction)
  return letter !== undefined && hasScope(caller.scopes, `${context}/${row.type}.${letter}`)
}

function findCheckFault(caller: Caller, policy: CheckPolicy): string | undefined {
  if (!isUser(caller)) return NOT_FOR_KIND
  if (!policy.checkRoles.includes(caller.user.roleCode)) return NOT_THE_ROLE
  return caller.assuranceLevel >= policy.leastAssuranceLevel ? undefined : NOT_ASSURED
}

function isUser(caller: Caller): caller is UserCaller {
  return 'user' in caller
}
