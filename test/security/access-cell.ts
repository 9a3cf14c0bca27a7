/** One cell of the matrix of access: what to send to a route for own, another authority's or absent rows, and what must come back. */
import { randomUUID } from 'node:crypto'
import type { FhirRoute } from '../../src/http/route-table.ts'
import { LA_SYSTEM, NHS, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { checkOf, type TestRequest, type TestServer } from '../support/server.ts'
import { type Authority, DERBYSHIRE, filePlan, freshNumber, LUTON, type Rows, subscriptionOf } from './access-world.ts'
import type { Allowed } from './expected-access.ts'

export type Place = 'own' | 'other' | 'absent'
export const PLACES: readonly Place[] = ['own', 'other', 'absent']

export interface Cell {
  readonly route: FhirRoute
  readonly place: Place
  readonly authority: Authority
  /** Rows by whose they are. */
  readonly rows: Readonly<Record<Authority, Rows>>
}

const other = (authority: Authority): Authority => (authority === DERBYSHIRE ? LUTON : DERBYSHIRE)
const ownerOf = ({ place, authority }: Cell): Authority => (place === 'other' ? other(authority) : authority)
const params = (...parameter: readonly object[]): object => ({ resourceType: 'Parameters', parameter })
const REPORT_DAYS = [
  { name: 'from', valueDate: '2026-05-01' },
  { name: 'until', valueDate: '2026-05-31' },
]
const numberParameter = (name: string): object => ({ name, valueIdentifier: { system: NHS, value: freshNumber() } })

/** The request of a cell. `mayWrite`: it will be let in, so a row that may be deleted is made for it. */
export async function requestOf(cell: Cell, server: TestServer, mayWrite: boolean): Promise<TestRequest> {
  const { route, place } = cell
  const { type = '', method, path } = route
  if (route.operation !== undefined) {
    const id = place === 'absent' ? absentIdOf(type) : await idFor(cell, server, mayWrite)
    const query = route.operation === 'report' && method === 'GET' ? '?from=2026-05-01&until=2026-05-31' : ''
    return { ...(await operationOf(cell)), method, path: `${path.replace('[id]', id)}${query}` }
  }
  if (path === '') return { method, path, body: transactionFor(cell) }
  if (path === 'metadata') return { method, path }
  if (!path.includes('[id]')) return withoutId(cell, server, mayWrite)
  const id = place === 'absent' ? absentIdOf(type) : await idFor(cell, server, mayWrite)
  const filled = path.replace('[id]', id).replace('[vid]', '1')
  if (method === 'GET' || method === 'DELETE') return { method, path: filled }
  if (method === 'PATCH') return { method, path: filled, ...patchOf() }
  return { method, path: filled, body: { ...contentOf(cell), id } }
}

const DEFINITION_IDS: Readonly<Record<string, string>> = {
  SearchParameter: 'cpis-flag-status',
  StructureDefinition: 'cpis-plan',
  ValueSet: 'cpis-plan-type',
  CodeSystem: 'cpis-error',
  OperationDefinition: 'cpis-check',
  CapabilityStatement: 'cpis-register',
  Basic: 'child-checked',
}

function absentIdOf(type: string): string {
  return type === 'Organization' ? 'E99999999' : randomUUID()
}

async function idFor(cell: Cell, server: TestServer, mayWrite: boolean): Promise<string> {
  const { route, place, rows } = cell
  if (route.operation === 'acknowledge' || route.operation === 'disclosed') return rows[ownerOf(cell)].accessId
  const type = route.type ?? ''
  const known = DEFINITION_IDS[type]
  if (known !== undefined) return known
  if (route.method === 'DELETE' && mayWrite && place === 'own') return await deletableId(cell, server)
  return idIn(rows[ownerOf(cell)], type, ownerOf(cell))
}

function idIn(rows: Rows, type: string, authority: Authority): string {
  switch (type) {
    case 'EpisodeOfCare':
      return rows.plan.id ?? ''
    case 'Flag':
      return rows.flag.id ?? ''
    case 'Patient':
      return rows.patientId
    case 'Subscription':
      return rows.subscription.id ?? ''
    case 'AuditEvent':
      return rows.auditId
    default:
      return authority
  }
}

/** Something of its own to be deleted, so that what the other cells look at stays. */
async function deletableId({ route, authority, rows }: Cell, server: TestServer): Promise<string> {
  const as = `la-${authority}`
  const type = route.type ?? ''
  if (type === 'EpisodeOfCare') return (await filePlan(server, authority)).planId
  if (type === 'Flag') return rows[authority].flag.id ?? ''
  const body = type === 'Patient' ? patientOf({ nhsNumber: freshNumber() }) : subscriptionOf()
  const made = await server.send({ as, path: type, body })
  return (made.json as { id?: string }).id ?? ''
}

/** What a PUT sends: the row as it stands, or content that names its owner. */
function contentOf(cell: Cell): object {
  const { route, rows, place } = cell
  const theirs = rows[ownerOf(cell)]
  switch (route.type) {
    case 'EpisodeOfCare':
      return place === 'absent' ? planOf({ nhsNumber: freshNumber() }) : theirs.plan
    case 'Flag':
      return theirs.flag
    case 'Patient':
      return patientOf({ nhsNumber: freshNumber(), birthDate: '2018-02-03' })
    case 'Subscription':
      return subscriptionOf()
    default:
      return place === 'absent'
        ? {
            ...theirs.organization,
            identifier: [{ system: 'http://statistics.data.gov.uk/id/statistical-geography', value: 'E99999999' }],
          }
        : theirs.organization
  }
}

function patchOf(): Pick<TestRequest, 'body' | 'headers'> {
  const body = [{ op: 'test', path: '/resourceType', value: 'Nothing' }]
  return { body, headers: { 'Content-Type': 'application/json-patch+json' } }
}

/** Routes of a type: searches, creates, and what is conditional. */
async function withoutId(cell: Cell, server: TestServer, mayWrite: boolean): Promise<TestRequest> {
  const { route, place } = cell
  const { method, path, type = '' } = route
  const condition = await conditionOf(cell, server, mayWrite)
  const query = new URLSearchParams(condition).toString()
  if (path.endsWith('_history')) return { method, path }
  if (path.endsWith('_search')) return { method, path, form: condition }
  if (method === 'GET' || method === 'DELETE') return { method, path: `${path}?${query}` }
  if (method === 'PATCH') return { method, path: `${path}?${query}`, ...patchOf() }
  if (method === 'PUT') return { method, path: `${path}?${query}`, body: conditionalContent(cell) }
  const namesOther = place === 'other' && (type === 'EpisodeOfCare' || type === 'Flag')
  return { method, path, body: createdContent(cell, namesOther) }
}

function createdContent(cell: Cell, namesOther: boolean): object {
  const { route, rows, authority } = cell
  const who = {
    type: 'Organization',
    identifier: {
      system: 'http://statistics.data.gov.uk/id/statistical-geography',
      value: namesOther ? other(authority) : authority,
    },
  }
  switch (route.type) {
    case 'EpisodeOfCare':
      return { ...planOf({ nhsNumber: freshNumber(), identifier: randomUUID() }), managingOrganization: who }
    case 'Flag': {
      const { id: _id, meta: _meta, ...flag } = rows[namesOther ? other(authority) : authority].flag
      return flag
    }
    case 'Patient':
      return patientOf({ nhsNumber: freshNumber() })
    default:
      return subscriptionOf()
  }
}

function conditionalContent(cell: Cell): object {
  const { rows, authority, place, route } = cell
  if (place !== 'own') return { ...createdContent(cell, false) }
  const {
    id: _id,
    meta: _meta,
    ...content
  } = (route.type === 'EpisodeOfCare' ? rows[authority].plan : rows[authority].flag) as { id?: string; meta?: object }
  return route.type === 'Patient' ? patientOf({ nhsNumber: freshNumber() }) : content
}

/** A criterion that means the row; for audits with the date that an auditor must give. */
async function conditionOf(
  cell: Cell,
  server: TestServer,
  mayWrite: boolean,
): Promise<Readonly<Record<string, string>>> {
  const { route, place, rows } = cell
  const type = route.type ?? ''
  const known = DEFINITION_IDS[type]
  if (known !== undefined)
    return {
      ...(type === 'Basic' ? { code: 'subscription-topic' } : { url: `https://cpis.example/fhir/${type}/${known}` }),
    }
  const dated = type === 'AuditEvent' ? { date: 'ge2026-05-01' } : {}
  if (place === 'absent') return { _id: randomUUID(), ...dated }
  if (route.method === 'DELETE' && mayWrite && place === 'own') return { _id: await deletableId(cell, server) }
  if (type === 'EpisodeOfCare' && route.method === 'PUT')
    return { identifier: `${LA_SYSTEM}|${rows[ownerOf(cell)].plan.identifier?.[0]?.value}` }
  return { _id: idIn(rows[ownerOf(cell)], type, ownerOf(cell)), ...dated }
}

function transactionFor({ rows, place, authority }: Cell): object {
  if (place === 'own') {
    return transactionOf([
      { resource: planOf({ nhsNumber: freshNumber(), identifier: randomUUID() }), url: 'EpisodeOfCare' },
    ])
  }
  const id = place === 'other' ? (rows[other(authority)].plan.id ?? '') : randomUUID()
  return transactionOf([{ method: 'DELETE', url: `EpisodeOfCare/${id}` }])
}

async function operationOf(cell: Cell): Promise<Pick<TestRequest, 'body' | 'headers'>> {
  const { route, rows } = cell
  switch (route.operation) {
    case 'cpis-check':
      return { body: checkOf(freshNumber()), headers: { 'X-Request-ID': randomUUID() } }
    case 'number-changed':
      return {
        body: params(numberParameter('from'), numberParameter('to'), { name: 'reason', valueCode: 'superseded' }),
      }
    case 'birth-notified':
      return {
        body: params(numberParameter('mother'), numberParameter('baby'), {
          name: 'birthDate',
          valueDate: '2026-05-01',
        }),
      }
    case 'reconcile':
      return { body: { resourceType: 'Bundle', type: 'collection', entry: [{ resource: rows[ownerOf(cell)].plan }] } }
    case 'validate':
      return {
        body:
          route.type === 'Bundle' ? transactionFor({ ...cell, place: 'own' }) : planOf({ nhsNumber: freshNumber() }),
      }
    case 'disclosed':
      return {}
    case 'report':
      return route.method === 'GET' ? {} : { body: params(...REPORT_DAYS) }
    case 'acknowledge':
      return { body: params({ name: 'code', valueCode: 'seen' }, { name: 'by', valueString: 'duty social worker' }) }
    case 'status':
    case 'events':
    case 'resend':
      return route.method === 'GET' ? {} : { body: params() }
    default:
      throw new Error(`the matrix does not know the operation ${route.operation}`)
  }
}

/** Statuses that may come back to a caller that the table lets in. */
export function statusesOf({ route, place }: Cell, allowed: Allowed): readonly number[] {
  const { type = '', method, path, interaction } = route
  if (allowed === 'public') return place === 'absent' && path.includes('[id]') ? [404] : [200]
  const isOfAny = allowed === 'any' && place === 'other'
  if (route.operation !== undefined) return path.includes('[id]') && place !== 'own' && !isOfAny ? [404] : [200]
  if (path === '') return place === 'own' ? [200] : [404]
  if (interaction === 'search-type' || interaction === 'history-type') return [200]
  const isHere = place === 'own' || isOfAny
  if (method === 'GET') return isHere ? [200] : [404]
  if (method === 'PATCH') return patchStatuses(type, isHere)
  if (method === 'DELETE') return deleteStatuses({ type, isHere, isConditional: !path.includes('[id]') })
  if (method === 'PUT' && path.includes('[id]')) return putStatuses(type, place, isHere)
  if (method === 'PUT') return type === 'Flag' ? [200, 409, 422, 412] : [200, 201]
  if (type === 'EpisodeOfCare' && place === 'other') return [403]
  if (type === 'Flag') return place === 'other' ? [403, 422] : [200, 409, 422]
  return [201]
}

/** A patch whose test fails finds its row first; a Flag is never patched. */
function patchStatuses(type: string, isHere: boolean): readonly number[] {
  if (type === 'Flag') return [409]
  return isHere ? [422] : [404]
}

function deleteStatuses(asked: {
  readonly type: string
  readonly isHere: boolean
  readonly isConditional: boolean
}): readonly number[] {
  if (!asked.isHere) return [asked.isConditional ? 204 : 404]
  return [asked.type === 'Flag' ? 409 : 204]
}

/** A body that names another authority is refused before anything is looked for. */
function putStatuses(type: string, place: Place, isHere: boolean): readonly number[] {
  if (isHere) return [200]
  if (type === 'Organization') return [403, 405]
  if (type === 'Subscription' || type === 'Patient') return [405]
  return place === 'other' ? [403, 405] : [405, 422]
}
