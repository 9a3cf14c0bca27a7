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

/** Reads clients and issuers; a sandbox adds its own, made on the first start for these authorities (GSS). Throws ConfigError. Disk I/O. */
export function openAuth(
  config: Pick<Config, 'mode' | 'dataDir' | 'clientsFile' | 'issuersFile'>,
  authorities: readonly string[],
): Auth {
  const sandbox = config.mode === 'sandbox' ? loadSandboxIdentities(config.dataDir, authorities) : undefined
  const registries = [
    ...(sandbox === undefined ? [] : [registryOf(sandbox, identitiesFile(config.dataDir))]),
    ...(config.clientsFile === undefined ? [] : [readClients(config.clientsFile)]),
  ]
  const issuers = [
    ...(sandbox === undefined ? [] : [issuerOf(sandbox)]),
    ...(config.issuersFile === undefined ? [] : readIssuers(config.issuersFile)),
  ]
  const names = issuers.map((one) => one.issuer)
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
