/** What `cpis doctor` says of everything but the database: disk, TLS, limits, policy and the endpoints it allows (issue 6). */
import { lookup } from 'node:dns/promises'
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
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

/** Whether the seals of the audit have a second place, and on another disk than an embedded database. Disk I/O. */
export function checkSealCopy(config: Pick<Config, 'mode' | 'sealCopy' | 'mongodbUrl' | 'dataDir'>): Finding {
  const what = 'seal copy'
  const { mode, sealCopy, mongodbUrl, dataDir } = config
  if (mode === 'sandbox') return ok(what, `${sealCopy ?? 'none'}, in a sandbox`)
  if (sealCopy === undefined)
    return warn(
      what,
      'none',
      'Set CPIS_SEAL_COPY to a folder on another disk: without it an audit that was cut is not found.',
    )
  try {
    accessSync(sealCopy, constants.W_OK)
  } catch {
    return fail(what, `${sealCopy} cannot be written`, 'Mount it, or make it and give it to the user of the server.')
  }
  const isBeside = mongodbUrl === undefined && existsSync(dataDir) && statSync(dataDir).dev === statSync(sealCopy).dev
  if (isBeside) return warn(what, `${sealCopy} is on the disk of the database`, 'Set CPIS_SEAL_COPY to another disk.')
  return ok(what, sealCopy)
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
export function checkLimits(config: Pick<Config, 'limits' | 'policyFile'>): Finding {
  return findingOf('limits', () => {
    const limits = readLimits(config, policyOrNone(config.policyFile)?.limits)
    if (limits === undefined) return warn('limits', 'off', 'Unset CPIS_LIMITS: nothing slows a caller.')
    return ok(
      'limits',
      `${limits.checksPerUserPerMinute} checks a minute and ${limits.checksPerUserPerHour} an hour a user`,
    )
  })
}

/** A policy that cannot be read is a finding of its own. */
function policyOrNone(file: string | undefined): PolicyFile | undefined {
  try {
    return readPolicyFile(file)
  } catch {
    return undefined
  }
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

function describePolicy(policy: PolicyFile, { mode }: Pick<Config, 'mode'>): Finding {
  const { endpoints, check, retention } = policy
  const kept =
    retention?.auditMonths === undefined ? 'AuditEvents stay' : `AuditEvents stay ${retention.auditMonths} months`
  const own = (['limits', 'issuers', 'clients'] as const).filter((name) => policy[name] !== undefined)
  const found = [
    `endpoints of ${endpoints.size} authorities`,
    `${check.checkRoles.length} roles may check`,
    kept,
    ...(own.length === 0 ? [] : [`sets ${own.join(', ')}`]),
  ].join('; ')
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
export function checkCallers({ mode, issuersFile, clientsFile, embeddedIssuer, policyFile }: Config): Finding {
  if (mode === 'sandbox') return ok('callers', 'identities of the sandbox')
  const policy = policyOrNone(policyFile)
  if (issuersFile === undefined && policy?.issuers === undefined && !embeddedIssuer)
    return warn('callers', 'no issuer is trusted', 'Name identity providers in CPIS_ISSUERS: nobody can check else.')
  if (clientsFile === undefined && policy?.clients === undefined)
    return warn('callers', 'no clients', 'Name the systems in CPIS_CLIENTS.')
  return ok('callers', 'issuers and clients are named')
}
