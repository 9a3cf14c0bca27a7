/** A certificate for la.example and 127.0.0.1 under an authority of its own: for tests of TLS on loopback only. */
import { readFileSync } from 'node:fs'

const read = (name: string): string => readFileSync(new URL(`./tls/${name}`, import.meta.url), 'utf8')

export const testAuthority = read('ca.pem')
export const testCertificate = { key: read('receiver.key'), cert: read('receiver.pem') }
