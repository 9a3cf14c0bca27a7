/** Two authorities with rows of every kind, and every sort of caller, good and bad, for the matrix of access. */
import { randomUUID } from 'node:crypto'
import type { Bundle, EpisodeOfCare, Flag, Organization, Resource, Subscription } from '@medplum/fhirtypes'
import type { CallerKind } from '../../src/auth/caller.ts'
import { revokeToken } from '../../src/auth/revocations.ts'
import { signAssertion, signIdToken } from '../../src/auth/sandbox-token.ts'
import { SCOPE } from '../../src/auth/scopes.ts'
import { patientOf, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, resourceOf, sendCheck, type TestAnswer, type TestServer } from '../support/server.ts'
import { getToken, handMadeJwt, identitiesOf } from '../support/tokens.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'

export const DERBYSHIRE = 'E10000007'
export const LUTON = 'E06000032'
export type Authority = typeof DERBYSHIRE | typeof LUTON

export interface MatrixCaller {
  readonly name: string
  readonly kind: CallerKind | 'nobody'
  /** Undefined: no Authorization header. */
  readonly authorization: string | undefined
  /** Whose rows are own to it. */
  readonly authority: Authority
  /** The token must be refused as such: 401 wherever one is needed. */
  readonly isBad?: true
  /** The token carries these scopes alone. */
  readonly scopes?: readonly string[]
  /** The job role may not check. */
  readonly mayNotCheck?: true
}

/** Rows of an authority that every cell may read and none changes. */
export interface Rows {
  readonly plan: EpisodeOfCare
  readonly patientId: string
  readonly flag: Flag
  readonly subscription: Subscription
  readonly auditId: string
  /** AuditEvent of a check that found the plan. */
  readonly accessId: string
  readonly organization: Organization
}

const numbers = unrelatedNumbers(4000)
let next = 0
/** A number that no one used before. */
export function freshNumber(): string {
  return numbers[next++] ?? ''
}

/** Sends with this Authorization header. */
export function sendAs(
  server: TestServer,
  authorization: string | undefined,
  request: Parameters<TestServer['send']>[0],
): Promise<TestAnswer> {
  const headers = { ...request.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) }
  return server.send({ ...request, headers })
}

/** A plan with its child, filed in one transaction; by the authority's system. */
export async function filePlan(
  server: TestServer,
  authority: Authority,
  number = freshNumber(),
): Promise<{ readonly planId: string; readonly patientId: string }> {
  const urls = [`urn:uuid:${randomUUID()}`, `urn:uuid:${randomUUID()}`] as const
  const answer = await server.send({
    as: `la-${authority}`,
    body: transactionOf([
      {
        fullUrl: urls[0],
        resource: patientOf({ nhsNumber: number, birthDate: '2018-02-03', family: 'Matrix' }),
        url: 'Patient',
      },
      { fullUrl: urls[1], resource: planOf({ identifier: randomUUID(), patient: urls[0] }), url: 'EpisodeOfCare' },
    ]),
  })
  const [patient, plan] = bundleOf(answer).entry ?? []
  return { planId: idOf(plan?.resource), patientId: idOf(patient?.resource) }
}

function idOf(resource: Resource | undefined): string {
  if (resource?.id === undefined) throw new Error('nothing was filed')
  return resource.id
}

export function subscriptionOf(): Subscription {
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Tell the duty desk',
    criteria: 'https://cpis.example/fhir/SubscriptionTopic/child-checked',
    channel: {
      type: 'rest-hook',
      endpoint: `http://127.0.0.1:9/${randomUUID()}`,
      payload: 'application/fhir+json',
      _payload: {
        extension: [
          {
            url: 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content',
            valueCode: 'id-only',
          },
        ],
      },
    } as Subscription['channel'],
  }
}

export async function makeRows(server: TestServer, authority: Authority): Promise<Rows> {
  const as = `la-${authority}`
  const number = freshNumber()
  const { planId, patientId } = await filePlan(server, authority, number)
  const plan = resourceOf(await server.send({ as, path: `EpisodeOfCare/${planId}` }), 'EpisodeOfCare')
  const flags = bundleOf(await server.send({ as, path: 'Flag/_search', form: { detail: `EpisodeOfCare/${planId}` } }))
  const subscription = resourceOf(
    await server.send({ as, path: 'Subscription', body: subscriptionOf() }),
    'Subscription',
  )
  const audits = bundleOf(
    await server.send({ as, path: 'AuditEvent/_search', form: { entity: `EpisodeOfCare/${planId}` } }),
  )
  return {
    plan,
    patientId,
    flag: first(flags, 'Flag'),
    subscription,
    auditId: idOf(first(audits, 'AuditEvent')),
    accessId: (bundleOf(await sendCheck(server, number)).identifier?.value ?? '').replace('urn:uuid:', ''),
    organization: resourceOf(await server.send({ as, path: `Organization/${authority}` }), 'Organization'),
  }
}

function first<T extends Resource['resourceType']>(bundle: Bundle, type: T): Extract<Resource, { resourceType: T }> {
  const found = bundle.entry?.[0]?.resource
  if (found?.resourceType !== type) throw new Error(`no ${type}`)
  return found as Extract<Resource, { resourceType: T }>
}

const bearer = (token: string): string => `Bearer ${token}`

/** Everyone who may knock: good tokens of every kind, narrowed ones, and all that only looks like a token. */
export async function makeCallers(server: TestServer): Promise<readonly MatrixCaller[]> {
  const good = async (name: string, kind: CallerKind, authority: Authority = DERBYSHIRE): Promise<MatrixCaller> => ({
    name,
    kind,
    authority,
    authorization: bearer(await getToken(server, name)),
  })
  const narrowed = async (name: string, kind: CallerKind, scopes: readonly string[]): Promise<MatrixCaller> => ({
    name: `${name} narrowed to ${scopes.join(' ')}`,
    kind,
    authority: DERBYSHIRE,
    scopes,
    authorization: bearer(await getToken(server, name, { scope: scopes.join(' ') })),
  })
  return [
    { name: 'no token', kind: 'nobody', authority: DERBYSHIRE, authorization: undefined },
    await good('ed-nurse', 'nhs-user'),
    await good('midwife', 'maternity-user'),
    await good(`la-${DERBYSHIRE}`, 'la-supplier'),
    await good(`la-${LUTON}`, 'la-supplier', LUTON),
    await good(`receiver-${DERBYSHIRE}`, 'la-receiver'),
    await good(`receiver-${LUTON}`, 'la-receiver', LUTON),
    await good('number-feed', 'number-feed'),
    await good('auditor', 'auditor'),
    await good('administrator', 'administrator'),
    { ...(await good('admin-clerk', 'nhs-user')), mayNotCheck: true },
    await narrowed(`la-${DERBYSHIRE}`, 'la-supplier', ['system/EpisodeOfCare.r']),
    await narrowed(`la-${DERBYSHIRE}`, 'la-supplier', ['system/EpisodeOfCare.c']),
    await narrowed(`la-${DERBYSHIRE}`, 'la-supplier', ['system/Patient.s', 'system/Flag.u']),
    await narrowed(`la-${DERBYSHIRE}`, 'la-supplier', ['system/Patient.d', 'system/Subscription.c']),
    await narrowed(`receiver-${DERBYSHIRE}`, 'la-receiver', ['system/Subscription.d', 'system/AuditEvent.r']),
    await narrowed('midwife', 'maternity-user', [SCOPE.check]),
    await narrowed('midwife', 'maternity-user', [SCOPE.birth]),
    ...(await badCallers(server)),
  ]
}

async function badCallers(server: TestServer): Promise<readonly MatrixCaller[]> {
  const bad = (name: string, authorization: string): MatrixCaller => ({
    name,
    kind: 'nobody',
    authority: DERBYSHIRE,
    authorization,
    isBad: true,
  })
  const [key] = server.context.keys.tokens
  if (key === undefined) throw new Error('no key')
  const now = server.context.clock()
  const sign = (claims: object, header: object = {}): string =>
    handMadeJwt({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header }, { ...claimsOf(server), ...claims }, key)
  const identities = identitiesOf(server)
  const client = identities.clients.find((one) => one.clientId === `la-${DERBYSHIRE}`)
  const person = identities.people.find((one) => one.name === 'ed-nurse')
  if (client === undefined || person === undefined) throw new Error('no identities')
  const request = { tokenEndpoint: `${server.url}/oauth2/token`, now, newId: randomUUID }
  const revoked = await getToken(server, `la-${DERBYSHIRE}`)
  const { jti } = JSON.parse(Buffer.from(revoked.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }
  await revokeToken(jti, new Date(now.getTime() + 600_000), server.context)
  const seconds = Math.floor(now.getTime() / 1000)
  return [
    bad('expired', bearer(sign({ iat: seconds - 600, exp: seconds - 300 }))),
    bad('not yet valid', bearer(sign({ iat: seconds + 3000, exp: seconds + 3300 }))),
    bad('revoked', bearer(revoked)),
    bad('of a wrong audience', bearer(sign({ aud: 'https://elsewhere.example/FHIR/R4' }))),
    bad('of another issuer', bearer(sign({ iss: 'https://elsewhere.example' }))),
    bad('an id_token', bearer(await signIdToken(identities, person, request))),
    bad('a client assertion', bearer(await signAssertion(client, request))),
    bad('unsigned', bearer(handMadeJwt({ alg: 'none', typ: 'at+jwt', kid: key.kid }, claimsOf(server)))),
    bad('of a kind that is none', bearer(sign({ caller_kind: 'root' }))),
    bad('of typ JWT', bearer(sign({}, { typ: 'JWT' }))),
    bad('not Bearer', `Basic ${Buffer.from('la:secret').toString('base64')}`),
  ]
}

function claimsOf(server: TestServer): object {
  const seconds = Math.floor(server.context.clock().getTime() / 1000)
  return {
    iss: server.url,
    aud: server.base,
    sub: `la-${DERBYSHIRE}`,
    client_id: `la-${DERBYSHIRE}`,
    jti: randomUUID(),
    iat: seconds,
    exp: seconds + 300,
    scope: 'system/EpisodeOfCare.cruds system/Patient.cruds system/Flag.cruds',
    caller_kind: 'la-supplier',
    authority: DERBYSHIRE,
  }
}
