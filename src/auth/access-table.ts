/** The table of access of security.md as data: what is not in it is refused. It drives the policy and the generated tests. */
import type { CallerKind } from './caller.ts'
import { SCOPE } from './scopes.ts'

/** R4 restful-interaction codes, and `operation`. */
export type Interaction =
  | 'read'
  | 'vread'
  | 'history-instance'
  | 'history-type'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'search-type'
  | 'transaction'
  | 'batch'
  | 'capabilities'
  | 'operation'

/** `own`: rows of the token's authority; `any`: all rows; `public`: all rows, even without a token. */
export type Reach = 'own' | 'any' | 'public'

export interface AccessRow {
  /** R4 type, `Bundle` for the system level, `admin` for the routes under /admin. */
  readonly type: string
  readonly interactions: readonly Interaction[]
  /** Names without `$`; for interaction operation only. */
  readonly operations?: readonly string[]
  readonly allow: Readonly<Partial<Record<CallerKind | 'nobody', Reach>>>
  /**
   * The first gate. `resource`: `system/` or `user/` scope for this type and interaction; `letter` names it for an operation;
   * `any-resource`: a scope for some resource, as each entry is judged again; `none`: public; else one of the scopes listed.
   */
  readonly scope: 'resource' | 'any-resource' | 'none' | readonly string[]
  readonly letter?: 'c' | 'r' | 'u' | 'd' | 's'
  /** The person's job role and assurance level must allow a check as well. */
  readonly needsCheckRole?: boolean
}

const READ = ['read', 'vread', 'search-type'] as const
const HISTORY = ['history-instance', 'history-type'] as const
const WRITE = ['create', 'update', 'patch', 'delete'] as const
const EVERY_CALLER = {
  'nhs-user': 'public',
  'maternity-user': 'public',
  'la-supplier': 'public',
  'la-receiver': 'public',
  'number-feed': 'public',
  auditor: 'public',
  administrator: 'public',
  nobody: 'public',
} as const satisfies Record<CallerKind | 'nobody', Reach>

/** Types whose content is published by the server itself; Basic carries the topics. */
export const DEFINITION_TYPES = [
  'SearchParameter',
  'StructureDefinition',
  'ValueSet',
  'CodeSystem',
  'OperationDefinition',
  'CapabilityStatement',
  'Basic',
] as const

/** Types that hold what an authority files. */
export const FILED_TYPES = ['EpisodeOfCare', 'Flag', 'Patient'] as const

export const ACCESS_TABLE: readonly AccessRow[] = [
  // check
  {
    type: 'Patient',
    interactions: ['operation'],
    operations: ['cpis-check'],
    allow: { 'nhs-user': 'any', 'maternity-user': 'any' },
    scope: [SCOPE.check],
    needsCheckRole: true,
  },
  // plans, Flags, Patients
  ...FILED_TYPES.flatMap((type): readonly AccessRow[] => [
    { type, interactions: READ, allow: { 'la-supplier': 'own', 'la-receiver': 'own' }, scope: 'resource' },
    { type, interactions: [...HISTORY, ...WRITE], allow: { 'la-supplier': 'own' }, scope: 'resource' },
  ]),
  {
    type: 'EpisodeOfCare',
    interactions: ['operation'],
    operations: ['validate'],
    allow: { 'la-supplier': 'own' },
    scope: 'resource',
    letter: 'c',
  },
  {
    type: 'Bundle',
    interactions: ['operation'],
    operations: ['validate'],
    allow: { 'la-supplier': 'own' },
    scope: 'any-resource',
  },
  {
    type: 'EpisodeOfCare',
    interactions: ['operation'],
    operations: ['reconcile'],
    allow: { 'la-supplier': 'own' },
    scope: 'resource',
    letter: 'r',
  },
  { type: 'Bundle', interactions: ['transaction', 'batch'], allow: { 'la-supplier': 'own' }, scope: 'any-resource' },
  // Organization
  {
    type: 'Organization',
    interactions: READ,
    allow: { 'la-supplier': 'any', 'la-receiver': 'any' },
    scope: 'resource',
  },
  {
    type: 'Organization',
    interactions: READ,
    allow: { 'nhs-user': 'any', 'maternity-user': 'any' },
    scope: [SCOPE.check, SCOPE.birth],
  },
  // an auditor reads names of places beside the log: the scope for the log suffices
  { type: 'Organization', interactions: READ, allow: { auditor: 'any' }, scope: 'any-resource' },
  { type: 'Organization', interactions: ['update'], allow: { 'la-supplier': 'own' }, scope: 'resource' },
  {
    type: 'Organization',
    interactions: [...READ, 'update'],
    allow: { administrator: 'any' },
    scope: [SCOPE.admin],
  },
  // AuditEvent
  {
    type: 'AuditEvent',
    interactions: ['read', 'search-type'],
    allow: { 'la-supplier': 'own', 'la-receiver': 'own', auditor: 'any' },
    scope: 'resource',
  },
  // it adds to what the authority is shown of the record; the record itself stays as it is
  {
    type: 'AuditEvent',
    interactions: ['operation'],
    operations: ['acknowledge'],
    allow: { 'la-supplier': 'own', 'la-receiver': 'own' },
    scope: 'resource',
    letter: 'u',
  },
  // what was shown then, and how people used the register: for whoever reads all of the log
  {
    type: 'AuditEvent',
    interactions: ['operation'],
    operations: ['disclosed'],
    allow: { auditor: 'any' },
    scope: 'resource',
    letter: 'r',
  },
  {
    type: 'AuditEvent',
    interactions: ['operation'],
    operations: ['report'],
    allow: { auditor: 'any' },
    scope: 'resource',
    letter: 's',
  },
  // Subscription and its operations
  {
    type: 'Subscription',
    interactions: [...READ, 'create', 'update', 'delete'],
    allow: { 'la-supplier': 'own', 'la-receiver': 'own' },
    scope: 'resource',
  },
  {
    type: 'Subscription',
    interactions: ['operation'],
    operations: ['status', 'events'],
    allow: { 'la-supplier': 'own', 'la-receiver': 'own' },
    scope: 'resource',
    letter: 'r',
  },
  {
    type: 'Subscription',
    interactions: ['operation'],
    operations: ['resend'],
    allow: { 'la-supplier': 'own', 'la-receiver': 'own' },
    scope: 'resource',
    letter: 'u',
  },
  { type: 'Subscription', interactions: READ, allow: { administrator: 'any' }, scope: [SCOPE.admin] },
  {
    type: 'Subscription',
    interactions: ['operation'],
    operations: ['release', 'pause', 'resume', 'resend-lane'],
    allow: { administrator: 'any' },
    scope: [SCOPE.admin],
  },
  // number-changed, birth-notified
  {
    type: 'Patient',
    interactions: ['operation'],
    operations: ['number-changed'],
    allow: { 'number-feed': 'any' },
    scope: [SCOPE.numbers],
  },
  {
    type: 'Patient',
    interactions: ['operation'],
    operations: ['birth-notified'],
    allow: { 'number-feed': 'any' },
    scope: [SCOPE.numbers],
  },
  {
    type: 'Patient',
    interactions: ['operation'],
    operations: ['birth-notified'],
    allow: { 'maternity-user': 'any' },
    scope: [SCOPE.birth],
  },
  // clients, dead letters
  {
    type: 'admin',
    interactions: ['operation'],
    operations: [
      'clients',
      'revoke-client',
      'restore-client',
      'revoke-token',
      'lanes',
      'alerts',
      'dead-letters',
      'load-directory',
    ],
    allow: { administrator: 'any' },
    scope: [SCOPE.admin],
  },
  // metadata, definitions
  { type: 'Bundle', interactions: ['capabilities'], allow: EVERY_CALLER, scope: 'none' },
  ...DEFINITION_TYPES.map(
    (type): AccessRow => ({ type, interactions: ['read', 'search-type'], allow: EVERY_CALLER, scope: 'none' }),
  ),
]
