/** The certificate by which the register proves itself to endpoints, and authorities it believes beside the system's (delivery.md "Subscription"; issue 7 item 3): read from files once, at start. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { type Config, ConfigError } from '../config.ts'

/** PEM texts for the guarded fetch; nothing of them is ever logged. */
export interface OutgoingTls {
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
}

export type OutgoingTlsFiles = Pick<Config, 'clientCertFile' | 'clientKeyFile' | 'extraCaFile'>

/** Reads what is named. Throws ConfigError, which names the variable and the file and nothing of its content. Disk I/O. */
export function readOutgoingTls(files: OutgoingTlsFiles): OutgoingTls {
  return { ...readAuthorities(files), ...readClient(files) }
}

/** Certificates of a PEM file, the first first. Throws ConfigError. Disk I/O. */
export function readCertificates(variable: string, file: string): readonly X509Certificate[] {
  const blocks = readText(variable, file).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new ConfigError(`${variable}: ${file} holds no certificate in PEM.`)
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    throw new ConfigError(`${variable}: ${file} holds a certificate that cannot be read.`)
  }
}

/** Trusting only the extra ones would shut out every endpoint with a public certificate. */
function readAuthorities({ extraCaFile }: OutgoingTlsFiles): OutgoingTls {
  if (extraCaFile === undefined) return {}
  const extra = readCertificates('CPIS_EXTRA_CA', extraCaFile)
  if (extra.some((one) => !one.ca))
    throw new ConfigError(`CPIS_EXTRA_CA: ${extraCaFile} holds one that is no authority.`)
  return { ca: [...getCACertificates('default'), ...extra.map(String)] }
}

function readClient({ clientCertFile, clientKeyFile }: OutgoingTlsFiles): OutgoingTls {
  if (clientCertFile === undefined || clientKeyFile === undefined) return {}
  const [own] = readCertificates('CPIS_CLIENT_CERT', clientCertFile)
  const key = readText('CPIS_CLIENT_KEY', clientKeyFile)
  if (own?.checkPrivateKey(parseKey(key, clientKeyFile)) !== true)
    throw new ConfigError(`CPIS_CLIENT_KEY: ${clientKeyFile} is not the key of the certificate in ${clientCertFile}.`)
  return { cert: readText('CPIS_CLIENT_CERT', clientCertFile), key }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new ConfigError(`CPIS_CLIENT_KEY: ${file} holds no private key in PEM without a passphrase.`)
  }
}

function readText(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new ConfigError(`${variable}: ${file} cannot be read.`)
  }
}
