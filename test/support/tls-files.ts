/** Certificates for la.example and 127.0.0.1 under an authority of the tests' own, right and wrong, made by tools/generate-test-tls.ts: for tests of TLS on loopback only. */
import { readFileSync } from 'node:fs'

export const tlsFile = (name: string): string => new URL(`./tls/${name}`, import.meta.url).pathname
const read = (name: string): string => readFileSync(tlsFile(name), 'utf8')

const key = read('receiver.key')
export const testAuthority = read('ca.pem')
export const testCertificate = { key, cert: read('receiver.pem') }
export const expiredCertificate = { key, cert: read('expired.pem') }
export const selfSignedCertificate = { key, cert: read('self-signed.pem') }
/** By which the register proves itself. */
export const clientCertificate = { key: read('client.key'), cert: read('client.pem') }
export const expiredClientCertificate = { key: read('client.key'), cert: read('client-expired.pem') }
export const selfSignedClientCertificate = { key: read('client.key'), cert: read('client-self-signed.pem') }
