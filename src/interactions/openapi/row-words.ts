/** How a row is called and described in the OpenAPI document: id, tag, summary, and who may do it, from the access table. */
import { ACCESS_TABLE, type AccessRow } from '../../auth/access-table.ts'
import { resourceLetter } from '../../auth/policy.ts'
import { definitionOf, type Material, type OpenApiRow, type Part } from './openapi-types.ts'

const SUMMARIES: Readonly<Record<OpenApiRow['interaction'], string>> = {
  read: 'Read one',
  vread: 'Read one version',
  'history-instance': 'Versions of one',
  'history-type': 'Versions of all',
  create: 'Create',
  update: 'Update',
  patch: 'Patch',
  delete: 'Delete',
  'search-type': 'Search',
  transaction: 'File many things at once: transaction or batch',
  batch: 'File many things at once: batch',
  capabilities: 'What the server offers',
  operation: 'Operation',
}

const UNKNOWN_LOOKS_ALIKE = 'An unknown id and another authority’s id look the same.'
const DESCRIPTIONS: Readonly<Partial<Record<OpenApiRow['interaction'], string>>> = {
  read: UNKNOWN_LOOKS_ALIKE,
  vread: UNKNOWN_LOOKS_ALIKE,
  'history-instance': UNKNOWN_LOOKS_ALIKE,
  create: 'Conditional with If-None-Exist.',
  update: 'Never creates by id: an unknown id is 405, a deleted one 410.',
  delete: 'A deleted id of your own is 204 again.',
  'search-type':
    'Repeat a parameter for and, put commas for or; prefixes on dates. Without criteria: all rows of your authority. An NHS number in a URL is refused: use POST _search.',
  transaction: 'Order of a transaction: DELETE, POST, PUT, GET, all in one commit. PATCH inside a Bundle is refused.',
}

/** Id, tag, summary, description, security. Pure. */
export function wordsOf(row: OpenApiRow, material: Material): Part {
  const definition = definitionOf(row, material)
  const what = definition?.title ?? nameOf(row)
  const words = [definition?.description ?? DESCRIPTIONS[row.interaction], whoOf(row)]
  return {
    operationId: operationIdOf(row),
    tags: [tagOf(row)],
    summary: what,
    description: words.filter((one) => one !== undefined && one !== '').join('\n\n'),
    security: securityOf(row, material.facts.embeddedIssuer),
  }
}

/** The tag under which a row stands. Pure. */
export function tagOf({ type, public: isPublic, operation }: OpenApiRow): string {
  if (operation === 'cpis-check') return 'Check'
  if (operation === 'number-changed' || operation === 'birth-notified') return 'Numbers and births'
  if (type === undefined) return 'System'
  return isPublic === true ? 'Definitions' : type
}

function nameOf(row: OpenApiRow): string {
  const { interaction, type, operation, path } = row
  if (operation !== undefined) return `$${operation}`
  const isConditional = path === type && ['update', 'patch', 'delete'].includes(interaction)
  return `${SUMMARIES[interaction]}${isConditional ? ' by search parameters' : ''}${type === undefined ? '' : `: ${type}`}`
}

function operationIdOf({ method, path }: OpenApiRow): string {
  const words = path
    .replaceAll(/[[\]$]/g, '')
    .split('/')
    .filter((one) => one !== '')
  return [method.toLowerCase(), ...(words.length === 0 ? ['base'] : words)].join('-')
}

function rowsOf({ type = 'Bundle', interaction, operation }: OpenApiRow): readonly AccessRow[] {
  return ACCESS_TABLE.filter(
    (one) =>
      one.type === type &&
      one.interactions.includes(interaction) &&
      (operation === undefined || one.operations?.includes(operation) === true),
  )
}

/** Who may, and on which rows. */
function whoOf(row: OpenApiRow): string | undefined {
  if (row.public === true) return 'Without a token.'
  const who = rowsOf(row).flatMap(({ allow }) =>
    Object.entries(allow).map(([kind, reach]) => (reach === 'own' ? `${kind} (rows of its own authority)` : kind)),
  )
  return who.length === 0 ? undefined : `May: ${[...new Set(who)].join(', ')}.`
}

/** Either scheme: a pasted token, or the flow that gets one with these scopes. One entry for each scope that suffices. */
function securityOf(row: OpenApiRow, hasFlow: boolean): Part[] {
  if (row.public === true) return []
  const scopes = hasFlow ? rowsOf(row).flatMap((access) => scopesOf(access, row)) : []
  return [{ bearer: [] }, ...[...new Set(scopes)].map((scope) => ({ oauth2: [scope] }))]
}

function scopesOf(access: AccessRow, { interaction }: OpenApiRow): readonly string[] {
  if (access.scope === 'none' || access.scope === 'any-resource') return []
  if (access.scope !== 'resource') return access.scope
  const letter = access.letter ?? resourceLetter(interaction)
  const isUser = Object.keys(access.allow).includes('auditor')
  const contexts = isUser ? ['system', 'user'] : ['system']
  return letter === undefined ? [] : contexts.map((context) => `${context}/${access.type}.${letter}`)
}
