/** The table of access of security.md, written down by hand a second time, by routes: what the server really does is compared with this, never with its own table. */
import type { CallerKind } from '../../src/auth/caller.ts'

/** Rows of the caller's authority; rows of every authority; served without a token. */
export type Allowed = 'own' | 'any' | 'public'

const FILED = ['EpisodeOfCare', 'Flag', 'Patient']
const readsOf = (type: string): readonly string[] => [
  `GET ${type}/[id]`,
  `GET ${type}/[id]/_history/[vid]`,
  `GET ${type}`,
  `POST ${type}/_search`,
]
const writesOf = (type: string): readonly string[] => [
  `GET ${type}/[id]/_history`,
  `GET ${type}/_history`,
  `POST ${type}`,
  `PUT ${type}/[id]`,
  `PUT ${type}`,
  `PATCH ${type}/[id]`,
  `PATCH ${type}`,
  `DELETE ${type}/[id]`,
  `DELETE ${type}`,
]
const DEFINITIONS = [
  'SearchParameter',
  'StructureDefinition',
  'ValueSet',
  'CodeSystem',
  'OperationDefinition',
  'CapabilityStatement',
  'Basic',
]

/** Columns of the table → routes as `METHOD path`. */
const COLUMNS = {
  check: ['POST Patient/$cpis-check'],
  plansRead: FILED.flatMap(readsOf),
  plansWrite: [
    ...FILED.flatMap(writesOf),
    'POST EpisodeOfCare/$validate',
    'POST Bundle/$validate',
    'POST EpisodeOfCare/$reconcile',
    'POST ',
  ],
  organizationRead: readsOf('Organization'),
  organizationUpdate: ['PUT Organization/[id]'],
  auditEvent: ['GET AuditEvent/[id]', 'GET AuditEvent', 'POST AuditEvent/_search'],
  auditReport: ['GET AuditEvent/[id]/$disclosed', 'GET AuditEvent/$report', 'POST AuditEvent/$report'],
  auditAcknowledge: ['POST AuditEvent/[id]/$acknowledge'],
  subscriptionRead: readsOf('Subscription'),
  subscriptionWrite: ['POST Subscription', 'PUT Subscription/[id]', 'DELETE Subscription/[id]'],
  subscriptionAsk: [
    'GET Subscription/$status',
    'POST Subscription/$status',
    'GET Subscription/[id]/$status',
    'POST Subscription/[id]/$status',
    'GET Subscription/[id]/$events',
    'POST Subscription/[id]/$events',
  ],
  subscriptionResend: ['POST Subscription/[id]/$resend'],
  admin: [
    'GET admin/alerts',
    'GET admin/dead-letters',
    'GET admin/clients',
    'POST admin/clients/[id]/revoke',
    'POST admin/clients/[id]/restore',
    'POST admin/tokens/[id]/revoke',
    'POST admin/directory',
    'GET admin/lanes',
    'POST admin/lanes/release',
    'POST admin/lanes/[id]/release',
    'POST admin/lanes/[id]/pause',
    'POST admin/lanes/[id]/resume',
    'POST admin/lanes/[id]/resend',
  ],
  numberChanged: ['POST Patient/$number-changed'],
  birthNotified: ['POST Patient/$birth-notified'],
  published: [
    'GET metadata',
    ...DEFINITIONS.flatMap((type) => [`GET ${type}/[id]`, `GET ${type}`, `POST ${type}/_search`]),
  ],
} as const satisfies Record<string, readonly string[]>

type Column = keyof typeof COLUMNS
type Line = Readonly<Partial<Record<Column, Allowed>>>

const PUBLISHED: Line = { published: 'public' }
const AS_RECEIVER: Line = {
  ...PUBLISHED,
  plansRead: 'own',
  organizationRead: 'any',
  auditEvent: 'own',
  auditAcknowledge: 'own',
  subscriptionRead: 'own',
  subscriptionWrite: 'own',
  subscriptionAsk: 'own',
  subscriptionResend: 'own',
}

/** Lines of the table. */
export const EXPECTED: Readonly<Record<CallerKind | 'nobody', Line>> = {
  'nhs-user': { ...PUBLISHED, check: 'any', organizationRead: 'any' },
  'maternity-user': { ...PUBLISHED, check: 'any', organizationRead: 'any', birthNotified: 'any' },
  'la-supplier': { ...AS_RECEIVER, plansWrite: 'own', organizationUpdate: 'own' },
  'la-receiver': AS_RECEIVER,
  'number-feed': { ...PUBLISHED, numberChanged: 'any', birthNotified: 'any' },
  auditor: { ...PUBLISHED, organizationRead: 'any', auditEvent: 'any', auditReport: 'any' },
  administrator: {
    ...PUBLISHED,
    organizationRead: 'any',
    organizationUpdate: 'any',
    subscriptionRead: 'any',
    admin: 'any',
  },
  nobody: PUBLISHED,
}

/** Every route that the table speaks of. */
export const EXPECTED_ROUTES: readonly string[] = Object.values(COLUMNS).flat()

/** What the table allows to a caller on a route; undefined: refused. */
export function expectedAccess(kind: CallerKind | 'nobody', route: string): Allowed | undefined {
  for (const [column, allowed] of Object.entries(EXPECTED[kind])) {
    const routes: readonly string[] = COLUMNS[column as Column]
    if (routes.includes(route)) return allowed
  }
  return undefined
}

/** The scopes each of which opens a route to a caller with all else: SMART letters by R4 interaction (create, read, update, delete, search). */
export function neededScopes(kind: CallerKind, route: string): readonly string[] | 'any' | undefined {
  const allowed = expectedAccess(kind, route)
  if (allowed === undefined || allowed === 'public') return undefined
  const [method = '', path = ''] = route.split(' ')
  const [type = '', second] = path.split('/')
  const ours = (...names: readonly string[]): readonly string[] =>
    names.map((name) => `https://cpis.example/fhir/scope/${name}`)
  if (route === 'POST Patient/$cpis-check') return ours('check')
  if (route === 'POST Patient/$number-changed') return ours('numbers')
  if (route === 'POST Patient/$birth-notified') return ours(kind === 'number-feed' ? 'numbers' : 'birth')
  if (kind === 'administrator') return ours('admin')
  if (path === '' || type === 'Bundle') return 'any'
  if (kind === 'auditor' && type === 'Organization') return 'any'
  if (type === 'Organization' && (kind === 'nhs-user' || kind === 'maternity-user')) return ours('check', 'birth')
  const context = kind === 'auditor' ? 'user' : 'system'
  return [`${context}/${type}.${letterOf(method, path.split('/').find((one) => one.startsWith('$')) ?? second)}`]
}

function letterOf(method: string, second: string | undefined): string {
  if (second === '$disclosed') return 'r'
  if (second === '$report') return 's'
  if (second === '$validate') return 'c'
  if (second === '$reconcile' || second === '$status' || second === '$events') return 'r'
  if (second === '$resend' || second === '$acknowledge') return 'u'
  if (second === '_search') return 's'
  if (method === 'GET') return second === '[id]' ? 'r' : 's'
  return { POST: 'c', PUT: 'u', PATCH: 'u', DELETE: 'd' }[method] ?? ''
}
