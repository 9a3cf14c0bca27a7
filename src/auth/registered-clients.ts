/** The registry of clients and named persons: who may ask for which token (security.md "Callers"), from the sandbox's own file and from CPIS_CLIENTS. */
import { ConfigError } from '../config.ts'
import type { AuthorityCode, OdsCode } from '../domain/brands.ts'
import {
  type KeySource,
  parseEach,
  parseKeySource,
  parseList,
  parseText,
  parseTexts,
  readSetting,
  refuseUnknownMembers,
  type Setting,
  settingError,
} from './parse-setting.ts'
import { coversScope, parseScopes, SCOPE } from './scopes.ts'

/** `nhs-system`: clinicians sign in to it; `staff-console`: auditors and administrators do. */
export type ClientKind = 'la-supplier' | 'la-receiver' | 'nhs-system' | 'number-feed' | 'staff-console'

export interface RegisteredClient {
  readonly clientId: string
  readonly kind: ClientKind
  /** GSS codes; at least one for an LA's client, none for others. Each token is for one of them. */
  readonly authorities: readonly AuthorityCode[]
  /** If any are named, only users of these organisations can use the system. */
  readonly organizations: readonly OdsCode[]
  /** All that its tokens may ever carry. */
  readonly scopes: readonly string[]
  readonly keys: KeySource
}

/** A named person who may have more than a clinician: an auditor or an administrator. */
export interface NamedPerson {
  readonly issuer: string
  /** SDS user id. */
  readonly userId: string
  readonly scopes: readonly string[]
}

export interface ClientRegistry {
  readonly clients: readonly RegisteredClient[]
  readonly people: readonly NamedPerson[]
}

/** What a kind may hold at most; a registration beyond it is refused at start. */
export const MOST_SCOPES: Readonly<Record<ClientKind, readonly string[]>> = {
  'la-supplier': [
    'system/EpisodeOfCare.cruds',
    'system/Flag.cruds',
    'system/Patient.cruds',
    'system/Organization.rus',
    'system/AuditEvent.rus',
    'system/Subscription.cruds',
  ],
  'la-receiver': [
    'system/EpisodeOfCare.rs',
    'system/Flag.rs',
    'system/Patient.rs',
    'system/Organization.rs',
    'system/AuditEvent.rus',
    'system/Subscription.cruds',
  ],
  'nhs-system': [SCOPE.check, SCOPE.birth],
  'number-feed': [SCOPE.numbers],
  'staff-console': [SCOPE.audit, SCOPE.admin],
}

const GSS = /^E(06|08|09|10)\d{6}$/
const ODS = /^[A-Z0-9]{3,10}$/
const CLIENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Reads the file of CPIS_CLIENTS: `{ "clients": [...], "people": [...] }`. Throws ConfigError. Disk I/O. */
export function readClients(file: string): ClientRegistry {
  return parseClients(readSetting('CPIS_CLIENTS', file))
}

/** A registry from its parsed JSON. Throws ConfigError that names the place. Pure. */
export function parseClients(setting: Setting): ClientRegistry {
  refuseUnknownMembers(setting, ['clients', 'people'])
  return {
    clients: parseEach(parseList(setting, 'clients'), parseClient),
    people: parseEach(parseList(setting, 'people'), parsePerson),
  }
}

/** One registry of several. Throws ConfigError when two clients share an id. Pure. */
export function joinRegistries(registries: readonly ClientRegistry[]): ClientRegistry {
  const clients = registries.flatMap((one) => one.clients)
  const ids = clients.map((one) => one.clientId)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new ConfigError(`CPIS_CLIENTS: the client id ${twice} stands twice. Rename one.`)
  return { clients, people: registries.flatMap((one) => one.people) }
}

/** The client with this id. Pure. */
export function findClient(registry: ClientRegistry, clientId: string): RegisteredClient | undefined {
  return registry.clients.find((one) => one.clientId === clientId)
}

/** Scopes that a person may have beyond a clinician's. Pure. */
export function scopesOfPerson(people: readonly NamedPerson[], issuer: string, userId: string): readonly string[] {
  return people.filter((one) => one.issuer === issuer && one.userId === userId).flatMap((one) => one.scopes)
}

function parseClient(setting: Setting): RegisteredClient {
  refuseUnknownMembers(setting, ['clientId', 'kind', 'authorities', 'organizations', 'scopes', 'jwks', 'jwks_uri'])
  const kind = parseKind(setting)
  const authorities = parseTexts(setting, 'authorities', GSS) as readonly AuthorityCode[]
  if (kind.startsWith('la-') !== authorities.length > 0) {
    throw settingError(setting, 'authorities must name at least one GSS code for an LA client, and none for another.')
  }
  return {
    clientId: parseText(setting, 'clientId', CLIENT_ID),
    kind,
    authorities,
    organizations: parseTexts(setting, 'organizations', ODS) as readonly OdsCode[],
    scopes: parseGrantedScopes(setting, MOST_SCOPES[kind]),
    keys: parseKeySource(setting),
  }
}

function parsePerson(setting: Setting): NamedPerson {
  refuseUnknownMembers(setting, ['issuer', 'userId', 'scopes'])
  return {
    issuer: parseText(setting, 'issuer'),
    userId: parseText(setting, 'userId'),
    scopes: parseGrantedScopes(setting, MOST_SCOPES['staff-console']),
  }
}

function parseKind(setting: Setting): ClientKind {
  const kinds = Object.keys(MOST_SCOPES) as ClientKind[]
  const kind = kinds.find((one) => one === setting.value['kind'])
  if (kind === undefined) throw settingError(setting, `kind must be one of ${kinds.join(', ')}.`)
  return kind
}

function parseGrantedScopes(setting: Setting, most: readonly string[]): readonly string[] {
  const scopes = parseScopes(parseTexts(setting, 'scopes').join(' '))
  if (scopes === undefined || scopes.length === 0) throw settingError(setting, 'scopes must be a list of known scopes.')
  const beyond = scopes.find((scope) => !most.some((one) => coversScope(one, scope)))
  if (beyond !== undefined)
    throw settingError(setting, `the scope ${beyond} is beyond its kind. At most: ${most.join(' ')}.`)
  return scopes
}
