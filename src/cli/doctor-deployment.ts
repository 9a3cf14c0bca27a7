/** What `cpis doctor` says of everything but the database: disk, TLS, limits, policy and the endpoints it allows (issue 6). */
import { lookup } from 'node:dns/promises'
import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config.ts'
import { isPublicAddress } from '../delivery/address-policy.ts'
import { readLimits } from '../limits.ts'
import { type PolicyFile, readPolicyFile } from '../policy-file.ts'
import { type Finding, fail, findingOf, ok, warn } from './doctor-finding.ts'

const GIGABYTE = 2 ** 30
const DISK_FAIL_GB = 1
const DISK_WARN_GB = 5
const TLS_TIMEOUT_MS = 5_000

/** Space left where the data folder is. Disk I/O. */
export function checkDisk({ dataDir }: Pick<Config, 'dataDir'>): Finding {
  const what = 'disk'
  let place = dataDir
  while (!existsSync(place)) place = dirname(place)
  const { bavail, bsize } = statfsSync(place)
  const free = (bavail * bsize) / GIGABYTE
  const found = `${free.toFixed(1)} GB free at ${place}`
  const remedy = 'Make room, or set CPIS_DATA_DIR to a larger disk: a full one stops the embedded database.'
  if (free < DISK_FAIL_GB) return fail(what, found, remedy)
  return free < DISK_WARN_GB ? warn(what, found, remedy) : ok(what, found)
}

/** Whether the address that callers use answers over TLS. Network I/O. */
export async function checkTls({ mode, baseUrl }: Pick<Config, 'mode' | 'baseUrl'>): Promise<Finding> {
  const what = 'TLS'
  if (baseUrl?.startsWith('https://') !== true) {
    return mode === 'sandbox'
      ? ok(what, 'none, in a sandbox')
      : fail(what, 'none', 'Set CPIS_BASE_URL to the https origin that callers use.')
  }
  try {
    const signal = AbortSignal.timeout(TLS_TIMEOUT_MS)
    const { status } = await fetch(`${baseUrl}/health/live`, { redirect: 'error', signal })
    if (status === 200) return ok(what, `${baseUrl} answers, its certificate is believed`)
    return warn(what, `${baseUrl} answers ${status}`, 'Let what ends TLS pass requests on to HOST and PORT.')
  } catch (error) {
    return whyNoTls(baseUrl, error)
  }
}

function whyNoTls(baseUrl: string, error: unknown): Finding {
  const code = String(Object(Object(error).cause).code ?? 'no answer')
  if (/CERT|TLS|SSL|SIGNATURE/.test(code))
    return fail('TLS', `${baseUrl}: ${code}`, 'Give what ends TLS a certificate that callers believe.')
  return warn('TLS', `${baseUrl}: ${code}`, 'Start the server and what ends TLS before it; look at the name.')
}

/** Disk I/O. */
export function checkLimits(config: Pick<Config, 'limits'>): Finding {
  return findingOf('limits', () => {
    const limits = readLimits(config)
    if (limits === undefined) return warn('limits', 'off', 'Unset CPIS_LIMITS: nothing slows a caller.')
    return ok(
      'limits',
      `${limits.checksPerUserPerMinute} checks a minute and ${limits.checksPerUserPerHour} an hour a user`,
    )
  })
}

/** The policy, and whether each host that it allows has public addresses. Disk and network I/O. */
export async function checkPolicy(config: Pick<Config, 'policyFile' | 'mode'>): Promise<Finding[]> {
  let policy: PolicyFile | undefined
  const finding = findingOf('policy', () => {
    policy = readPolicyFile(config.policyFile)
    return describePolicy(policy, config)
  })
  const hosts = [...new Set([...(policy?.endpoints.values() ?? [])].flat())]
  return [finding, ...(await Promise.all(hosts.map(checkEndpoint)))]
}

function describePolicy({ endpoints, check }: PolicyFile, { mode }: Pick<Config, 'mode'>): Finding {
  const found = `endpoints of ${endpoints.size} authorities; ${check.checkRoles.length} roles may check`
  if (endpoints.size > 0 || mode === 'sandbox') return ok('policy', found)
  return warn('policy', found, 'List the hosts of authorities under endpoints in CPIS_POLICY: no other is told.')
}

async function checkEndpoint(host: string): Promise<Finding> {
  const what = 'endpoint'
  const name = host.replace(/:\d+$/, '')
  const addresses = await lookup(name, { all: true }).catch(() => [])
  if (addresses.length === 0)
    return warn(what, `${host} has no address`, 'Correct the host in CPIS_POLICY, or its DNS.')
  if (addresses.every(({ address }) => isPublicAddress(address))) return ok(what, host)
  return fail(
    what,
    `${host} has an address that is not public`,
    'Nothing is sent there: name a public host in CPIS_POLICY.',
  )
}

/** Production without outside issuers has no one who may check. Pure. */
export function checkCallers({ mode, issuersFile, clientsFile, embeddedIssuer }: Config): Finding {
  if (mode === 'sandbox') return ok('callers', 'identities of the sandbox')
  if (issuersFile === undefined && !embeddedIssuer)
    return warn('callers', 'no issuer is trusted', 'Name identity providers in CPIS_ISSUERS: nobody can check else.')
  if (clientsFile === undefined) return warn('callers', 'no clients', 'Name the systems in CPIS_CLIENTS.')
  return ok('callers', 'CPIS_ISSUERS and CPIS_CLIENTS are named')
}
