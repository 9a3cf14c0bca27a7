/** What this room keeps between requests: who is registered and trusted, and what is remembered of keys, tokens and revocations. */
import { type Config, ConfigError } from '../config.ts'
import { type ClientRegistry, joinRegistries, readClients } from './registered-clients.ts'
import { RemoteKeySets } from './remote-key-sets.ts'
import { RevocationList } from './revocations.ts'
import { identitiesFile, issuerOf, loadSandboxIdentities, registryOf } from './sandbox-identities.ts'
import { readIssuers, type TrustedIssuer } from './trusted-issuers.ts'
import { VerifiedTokens } from './verified-tokens.ts'

export interface Auth {
  readonly registry: ClientRegistry
  readonly issuers: readonly TrustedIssuer[]
  readonly keySets: RemoteKeySets
  readonly verified: VerifiedTokens
  readonly revocations: RevocationList
}

/** Who is registered and trusted by the file of CPIS_POLICY, in place of files of their own. */
export interface RegisteredByPolicy {
  readonly clients?: ClientRegistry
  readonly issuers?: readonly TrustedIssuer[]
}

/** Reads clients and issuers; a sandbox adds its own, made on the first start for these authorities (GSS). Throws ConfigError. Disk I/O. */
export function openAuth(
  config: Pick<Config, 'mode' | 'dataDir' | 'clientsFile' | 'issuersFile'>,
  authorities: readonly string[],
  policy: RegisteredByPolicy = {},
): Auth {
  refuseBoth('CPIS_CLIENTS', config.clientsFile, policy.clients && 'clients')
  refuseBoth('CPIS_ISSUERS', config.issuersFile, policy.issuers && 'issuers')
  const sandbox = config.mode === 'sandbox' ? loadSandboxIdentities(config.dataDir, authorities) : undefined
  const registries = [
    ...(sandbox === undefined ? [] : [registryOf(sandbox, identitiesFile(config.dataDir))]),
    ...(config.clientsFile === undefined ? [] : [readClients(config.clientsFile)]),
    ...(policy.clients === undefined ? [] : [policy.clients]),
  ]
  const issuers = [
    ...(sandbox === undefined ? [] : [issuerOf(sandbox)]),
    ...(config.issuersFile === undefined ? [] : readIssuers(config.issuersFile)),
    ...(policy.issuers ?? []),
  ]
  const names = issuers.map(({ issuer, use }) => `${issuer} ${use}`)
  if (new Set(names).size !== names.length) {
    throw new ConfigError("CPIS_ISSUERS: the sandbox's own issuer cannot be named again. Remove it.")
  }
  return {
    registry: joinRegistries(registries),
    issuers,
    keySets: new RemoteKeySets(),
    verified: new VerifiedTokens(),
    revocations: new RevocationList(),
  }
}

/** One place says it, or nobody knows which one counts. */
function refuseBoth(variable: string, file: string | undefined, member: string | undefined): void {
  if (file === undefined || member === undefined) return
  throw new ConfigError(`${variable}: ${member} stand in the file of CPIS_POLICY too. Keep one of the two.`)
}
