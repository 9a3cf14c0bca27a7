import { describe, expect, test } from '@jest/globals'
import { ACCESS_TABLE, DEFINITION_TYPES, FILED_TYPES, type Interaction } from '../../src/auth/access-table.ts'
import type { CallerKind } from '../../src/auth/caller.ts'
import { type AccessRequest, checkOrganization, decideAccess } from '../../src/auth/policy.ts'
import { SCOPE } from '../../src/auth/scopes.ts'
import { authorityCaller, CALLERS, userCaller } from '../support/callers.ts'

const INTERACTIONS: readonly Interaction[] = [
  'read',
  'vread',
  'history-instance',
  'history-type',
  'create',
  'update',
  'patch',
  'delete',
  'search-type',
]
const TYPES = [...FILED_TYPES, 'Organization', 'AuditEvent', 'Subscription', ...DEFINITION_TYPES]
const KINDS = Object.keys(CALLERS) as CallerKind[]
const EVERYONE = [...KINDS, 'nobody'] as const

const ADMINISTRATION = [
  'clients',
  'lanes',
  'alerts',
  'dead-letters',
  'revoke-client',
  'restore-client',
  'revoke-token',
  'load-directory',
]

/** Every request there is: each type with each interaction, and the operations and system interactions. */
const REQUESTS: readonly AccessRequest[] = [
  ...TYPES.flatMap((type) => INTERACTIONS.map((interaction) => ({ type, interaction }))),
  ...['cpis-check', 'number-changed', 'birth-notified'].map((name) => operation('Patient', name)),
  ...['EpisodeOfCare', 'Bundle'].map((type) => operation(type, 'validate')),
  operation('EpisodeOfCare', 'reconcile'),
  ...['acknowledge', 'disclosed', 'report'].map((name) => operation('AuditEvent', name)),
  ...['status', 'events', 'resend', 'release', 'pause', 'resume', 'resend-lane'].map((name) =>
    operation('Subscription', name),
  ),
  ...ADMINISTRATION.map((name) => operation('admin', name)),
  { interaction: 'transaction' },
  { interaction: 'batch' },
  { interaction: 'capabilities' },
]

function operation(type: string, name: string): AccessRequest {
  return { interaction: 'operation', type, operation: name }
}

function words({ interaction, type = '[base]', operation: name }: AccessRequest): string {
  return name === undefined ? `${type} ${interaction}` : `${type}/$${name}`
}

function each(types: readonly string[], interactions: readonly string[]): readonly string[] {
  return types.flatMap((type) => interactions.map((interaction) => `${type} ${interaction}`))
}

/** The table of security.md, written a second time by hand: caller → what is allowed, `own` or `any`. All else is refused. */
const READING = ['read', 'vread', 'search-type']
const DEFINITIONS = ['[base] capabilities', ...each(DEFINITION_TYPES, ['read', 'search-type'])]
const RECEIVER_OWN = [
  ...each(FILED_TYPES, READING),
  ...each(['AuditEvent'], ['read', 'search-type']),
  ...each(['Subscription'], [...READING, 'create', 'update', 'delete']),
  'Subscription/$status',
  'Subscription/$events',
  'Subscription/$resend',
  'AuditEvent/$acknowledge',
]
const SUPPLIER_OWN = [
  ...new Set([
    ...RECEIVER_OWN,
    ...each(FILED_TYPES, INTERACTIONS),
    '[base] transaction',
    '[base] batch',
    'EpisodeOfCare/$validate',
    'EpisodeOfCare/$reconcile',
    'Bundle/$validate',
    'Organization update',
  ]),
]
const EXPECTED: Readonly<Record<CallerKind | 'nobody', { own: readonly string[]; any: readonly string[] }>> = {
  'nhs-user': { own: [], any: ['Patient/$cpis-check', ...each(['Organization'], READING)] },
  'maternity-user': {
    own: [],
    any: ['Patient/$cpis-check', 'Patient/$birth-notified', ...each(['Organization'], READING)],
  },
  'la-supplier': { own: SUPPLIER_OWN, any: each(['Organization'], READING) },
  'la-receiver': { own: RECEIVER_OWN, any: each(['Organization'], READING) },
  'number-feed': { own: [], any: ['Patient/$number-changed', 'Patient/$birth-notified'] },
  auditor: {
    own: [],
    any: [
      ...each(['AuditEvent'], ['read', 'search-type']),
      'AuditEvent/$disclosed',
      'AuditEvent/$report',
      ...each(['Organization'], READING),
    ],
  },
  administrator: {
    own: [],
    any: [
      ...each(['Organization'], [...READING, 'update']),
      ...each(['Subscription'], READING),
      'Subscription/$release',
      'Subscription/$pause',
      'Subscription/$resume',
      'Subscription/$resend-lane',
      'admin/$clients',
      'admin/$lanes',
      'admin/$alerts',
      'admin/$dead-letters',
      'admin/$revoke-client',
      'admin/$restore-client',
      'admin/$revoke-token',
      'admin/$load-directory',
    ],
  },
  nobody: { own: [], any: [] },
}

describe('decideAccess equals the table of security.md', () => {
  const cells = EVERYONE.flatMap((kind) => REQUESTS.map((request) => [kind, words(request), request] as const))

  test.each(cells)('%s: %s', (kind, name, request) => {
    const access = decideAccess(kind === 'nobody' ? undefined : CALLERS[kind], request)
    const { own, any } = EXPECTED[kind]
    if (own.includes(name)) expect(access).toEqual({ allowed: true, scope: 'own' })
    else if (any.includes(name) || DEFINITIONS.includes(name)) expect(access).toEqual({ allowed: true, scope: 'any' })
    else expect(access).toMatchObject({ allowed: false, code: kind === 'nobody' ? 'UNAUTHENTICATED' : 'NOT_PERMITTED' })
  })

  test('names no request that is not walked here', () => {
    const walked = new Set(REQUESTS.map((request) => words(request)))
    const named = ACCESS_TABLE.flatMap((row) =>
      row.interactions.flatMap((interaction) =>
        (row.operations ?? [undefined]).map((name) =>
          name === undefined ? `${row.type} ${interaction}` : `${row.type}/$${name}`,
        ),
      ),
    ).map((name) => name.replace('Bundle transaction', '[base] transaction').replace('Bundle batch', '[base] batch'))
    expect(named.filter((name) => !walked.has(name))).toEqual(['Bundle capabilities'])
  })

  test('no request is allowed twice to one caller by the same kind of scope', () => {
    const seen = ACCESS_TABLE.flatMap((row) =>
      Object.keys(row.allow).flatMap((kind) =>
        row.interactions.flatMap((interaction) =>
          (row.operations ?? ['']).map((name) => `${kind} ${row.type} ${interaction} ${name}`),
        ),
      ),
    )
    expect(seen.filter((one, index) => seen.indexOf(one) !== index)).toEqual([])
  })
})

describe('what is not in the table is refused', () => {
  const STRANGE: readonly AccessRequest[] = [
    { interaction: 'read', type: 'Observation' },
    { interaction: 'operation', type: 'Patient', operation: 'everything' },
    { interaction: 'operation', type: 'Patient' },
    { interaction: 'read', type: 'Patient', operation: 'cpis-check' },
    { interaction: 'operation', operation: 'cpis-check' },
    { interaction: 'transaction', type: 'Patient' },
    { interaction: 'read', type: '__proto__' },
    { interaction: 'read', type: 'constructor' },
  ]
  test.each(KINDS.flatMap((kind) => STRANGE.map((request) => [kind, JSON.stringify(request), request] as const)))(
    '%s: %s',
    (kind, _, request) => {
      expect(decideAccess(CALLERS[kind], request)).toMatchObject({ allowed: false, code: 'NOT_PERMITTED' })
    },
  )
})

describe('the scope gate', () => {
  const narrowed = REQUESTS.flatMap((request) =>
    KINDS.filter((kind) => {
      const { own, any } = EXPECTED[kind]
      return own.includes(words(request)) || any.includes(words(request))
    }).map((kind) => [kind, words(request), request] as const),
  )

  test.each(narrowed)('%s without the scope is refused: %s', (kind, _, request) => {
    const other = kind === 'auditor' ? ['user/AuditEvent.c'] : ['system/AuditEvent.c']
    const name = words(request)
    const anyDoes =
      name.startsWith('[base]') || name === 'Bundle/$validate' || /^auditor Organization/.test(`${kind} ${name}`)
    const scopes = anyDoes ? [] : other
    expect(decideAccess({ ...CALLERS[kind], scopes }, request)).toMatchObject({
      allowed: false,
      code: 'NOT_PERMITTED',
      text: expect.stringContaining('no scope'),
    })
  })

  test.each([
    ['read', 'r'],
    ['vread', 'r'],
    ['history-instance', 'r'],
    ['history-type', 's'],
    ['search-type', 's'],
    ['create', 'c'],
    ['update', 'u'],
    ['patch', 'u'],
    ['delete', 'd'],
  ] as const)('%s on plans needs exactly the letter %s', (interaction, letter) => {
    for (const one of 'cruds') {
      const caller = { ...authorityCaller(), scopes: [`system/EpisodeOfCare.${one}`] }
      const { allowed } = decideAccess(caller, { interaction, type: 'EpisodeOfCare' })
      expect([one, allowed]).toEqual([one, one === letter])
    }
  })

  test('a user scope does not serve a system, nor a system scope a user', () => {
    const system = { ...authorityCaller(), scopes: ['user/AuditEvent.rs'] }
    const user = userCaller('auditor', { scopes: ['system/AuditEvent.rs'] })
    const request = { interaction: 'search-type', type: 'AuditEvent' } as const
    expect([decideAccess(system, request).allowed, decideAccess(user, request).allowed]).toEqual([false, false])
  })

  test('a scope beyond the kind opens nothing: the table still refuses', () => {
    const scopes = ['user/AuditEvent.rs', 'user/EpisodeOfCare.cruds', 'system/EpisodeOfCare.cruds', SCOPE.admin]
    const nurse = userCaller('nhs-user', { scopes })
    expect(decideAccess(nurse, { interaction: 'create', type: 'EpisodeOfCare' }).allowed).toBe(false)
    expect(decideAccess(nurse, { interaction: 'search-type', type: 'AuditEvent' }).allowed).toBe(false)
    expect(decideAccess(nurse, operation('admin', 'clients')).allowed).toBe(false)
  })
})

describe('who may make a check', () => {
  const check = operation('Patient', 'cpis-check')

  test.each(['R8006', 'R0001', 'R8002', '', 'r8001', 'S8000:G8000:R8001'])('not the job role %p', (roleCode) => {
    expect(decideAccess(userCaller('nhs-user', { roleCode }), check)).toMatchObject({
      allowed: false,
      code: 'NOT_PERMITTED',
      text: expect.stringContaining('job role'),
    })
  })

  test.each([0, 1, 1.9, Number.NaN])('not at assurance level %p', (assuranceLevel) => {
    expect(decideAccess(userCaller('nhs-user', { assuranceLevel }), check)).toMatchObject({
      allowed: false,
      text: expect.stringContaining('assurance level'),
    })
  })

  test.each(['R8000', 'R8001', 'R8003', 'R0260', 'R8015'])('the job role %s at level 2', (roleCode) => {
    expect(decideAccess(userCaller('nhs-user', { roleCode, assuranceLevel: 2 }), check)).toEqual({
      allowed: true,
      scope: 'any',
    })
  })

  test('a deployment may list other roles and ask for a higher level', () => {
    const policy = { checkRoles: ['R9999'], leastAssuranceLevel: 3 }
    expect(decideAccess(userCaller('nhs-user'), check, policy).allowed).toBe(false)
    expect(decideAccess(userCaller('nhs-user', { roleCode: 'R9999' }), check, policy).allowed).toBe(true)
    const weak = userCaller('nhs-user', { roleCode: 'R9999', assuranceLevel: 2 })
    expect(decideAccess(weak, check, policy).allowed).toBe(false)
  })

  test('a midwife whose role may not check may still report a birth', () => {
    const midwife = userCaller('maternity-user', { roleCode: 'R8006' })
    expect(decideAccess(midwife, check).allowed).toBe(false)
    expect(decideAccess(midwife, operation('Patient', 'birth-notified')).allowed).toBe(true)
  })

  test('nobody of an organisation that the directory does not know', () => {
    expect(checkOrganization(false)).toEqual([{ code: 'NOT_PERMITTED', text: expect.stringContaining('directory') }])
    expect(checkOrganization(true)).toEqual([])
  })
})
