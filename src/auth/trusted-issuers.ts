/** Identity providers whose id_tokens are believed (security.md "Trusted outside issuers"): a fixed list, so that nothing is taken from a token to find its key. */
import { isKnownAlgorithm } from './key-set.ts'
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

/** Where each fact of a person stands in the id_token. Names are claims; in the four role facts, members of the entry of `roles` whose roleProfileId is the token's, when `roles` is given. */
export interface ClaimMap {
  readonly userId: string
  readonly name: string
  /** Claim with the id of the role profile the person works under now. */
  readonly roleProfileId: string
  /** Claim with the list of all role profiles; empty when the role facts are claims themselves. */
  readonly roles: string
  readonly roleEntryId: string
  readonly roleCode: string
  readonly roleName: string
  readonly organization: string
  /** Claims with assurance levels; the least counts, and all must be there. */
  readonly assuranceLevels: readonly string[]
  /** In access tokens alone: the registered client, its scopes, and the authority (GSS) it acts for. */
  readonly clientId: string
  readonly scope: string
  readonly authority: string
}

/** What the tokens of an issuer are believed to be: who someone is, for an exchange; or what may be asked for, by themselves. Never both. */
export const ISSUER_USES = ['id-token', 'access-token'] as const
export type IssuerUse = (typeof ISSUER_USES)[number]

export interface TrustedIssuer {
  readonly issuer: string
  /** One of these must be in `aud`. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly claims: ClaimMap
  readonly keys: KeySource
  readonly use: IssuerUse
}

/** As NHS CIS2 Authentication names them (id_token with the nationalrbacaccess scope). */
export const CIS2_CLAIMS: ClaimMap = {
  userId: 'nhsid_useruid',
  name: 'name',
  roleProfileId: 'selected_roleid',
  roles: 'nhsid_nrbac_roles',
  roleEntryId: 'person_roleid',
  roleCode: 'role_code',
  roleName: 'role_name',
  organization: 'org_code',
  assuranceLevels: ['id_assurance_level', 'authentication_assurance_level'],
  clientId: 'client_id',
  scope: 'scope',
  authority: 'authority',
}

/** Reads the file of CPIS_ISSUERS: `{ "issuers": [{ issuer, jwks | jwks_uri, audience, algorithms, claims, use }] }`. Throws ConfigError. Disk I/O. */
export function readIssuers(file: string): readonly TrustedIssuer[] {
  return parseIssuers(readSetting('CPIS_ISSUERS', file))
}

/** The list from its parsed JSON. Throws ConfigError that names the place. Pure. */
export function parseIssuers(setting: Setting): readonly TrustedIssuer[] {
  refuseUnknownMembers(setting, ['issuers'])
  const issuers = parseEach(parseList(setting, 'issuers'), parseIssuer)
  const names = issuers.map(({ issuer, use }) => `${issuer} (${use})`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw settingError(setting, `the issuer ${twice} stands twice. Remove one.`)
  const shared = issuers.find((one) => issuers.some((other) => isOtherUse(one, other) && sharesAudience(one, other)))
  if (shared !== undefined) {
    throw settingError(setting, `${shared.issuer}: its id_tokens and its access tokens must have different audiences.`)
  }
  return issuers
}

const isOtherUse = (one: TrustedIssuer, other: TrustedIssuer): boolean =>
  one.issuer === other.issuer && one.use !== other.use
const sharesAudience = (one: TrustedIssuer, other: TrustedIssuer): boolean =>
  one.audiences.some((audience) => other.audiences.includes(audience))

function parseIssuer(setting: Setting): TrustedIssuer {
  refuseUnknownMembers(setting, ['issuer', 'audience', 'algorithms', 'claims', 'jwks', 'jwks_uri', 'use'])
  const algorithms = parseTexts(setting, 'algorithms')
  if (algorithms.length === 0 || !algorithms.every(isKnownAlgorithm)) {
    throw settingError(setting, 'algorithms must name signature algorithms with a public key, such as RS256 or ES256.')
  }
  return {
    issuer: parseText(setting, 'issuer'),
    audiences: parseAudiences(setting),
    algorithms,
    claims: parseClaimMap(setting),
    keys: parseKeySource(setting),
    use: parseUse(setting),
  }
}

function parseUse(setting: Setting): IssuerUse {
  const { use = 'id-token' } = setting.value
  const found = ISSUER_USES.find((one) => one === use)
  if (found === undefined) throw settingError(setting, `use must be one of ${ISSUER_USES.join(', ')}.`)
  return found
}

function parseAudiences(setting: Setting): readonly string[] {
  const audience = setting.value['audience']
  const audiences = typeof audience === 'string' ? [audience] : parseTexts(setting, 'audience')
  if (audiences.length === 0) throw settingError(setting, 'audience must say for whom its id_tokens are made.')
  return audiences
}

function parseClaimMap(setting: Setting): ClaimMap {
  const [map] = parseList({ ...setting, value: { claims: [setting.value['claims'] ?? {}] } }, 'claims')
  if (map === undefined) return CIS2_CLAIMS
  refuseUnknownMembers(map, Object.keys(CIS2_CLAIMS))
  const text = (name: Exclude<keyof ClaimMap, 'assuranceLevels'>): string =>
    map.value[name] === undefined ? CIS2_CLAIMS[name] : parseText(map, name, /^\S*$/)
  const levels = parseTexts(map, 'assuranceLevels')
  return {
    userId: text('userId'),
    name: text('name'),
    roleProfileId: text('roleProfileId'),
    roles: text('roles'),
    roleEntryId: text('roleEntryId'),
    roleCode: text('roleCode'),
    roleName: text('roleName'),
    organization: text('organization'),
    assuranceLevels: levels.length === 0 ? CIS2_CLAIMS.assuranceLevels : levels,
    clientId: text('clientId'),
    scope: text('scope'),
    authority: text('authority'),
  }
}
