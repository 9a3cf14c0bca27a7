/** Makes the certificates of test/support/tls with openssl: an authority of the tests' own, and what is right and wrong under it. Valid for 100 years, so it is run once and its result committed. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '..', 'test', 'support', 'tls')
const HUNDRED_YEARS = '36500'
/** Over when it is made. */
const EXPIRED = '0'
const SERVER = ['subjectAltName=DNS:la.example,IP:127.0.0.1', 'extendedKeyUsage=serverAuth']
const CLIENT = ['extendedKeyUsage=clientAuth']

const work = mkdtempSync(join(tmpdir(), 'cpis-tls-'))
const inFolder = (name: string): string => join(FOLDER, name)

function openssl(...given: readonly string[]): void {
  const run = spawnSync('openssl', [...given], { encoding: 'utf8', cwd: work })
  if (run.status !== 0) throw new Error(`openssl ${given[0]} failed: ${run.stderr}`)
}

function makeKey(file: string): void {
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file)
}

interface Wish {
  readonly name: string
  readonly key: string
  readonly extensions: readonly string[]
  /** None: signed by its own key. */
  readonly authority?: { readonly cert: string; readonly key: string }
  readonly days?: string
}

function makeCertificate(file: string, { name, key, extensions, authority, days = HUNDRED_YEARS }: Wish): void {
  const extensionFile = join(work, 'extensions')
  writeFileSync(extensionFile, extensions.join('\n'))
  openssl('req', '-new', '-key', key, '-subj', `/CN=${name}`, '-out', 'request.pem')
  const signed =
    authority === undefined
      ? ['-signkey', key]
      : ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial', '-CAserial', 'serial']
  openssl('x509', '-req', '-in', 'request.pem', ...signed, '-days', days, '-extfile', extensionFile, '-out', file)
}

const authority = { cert: inFolder('ca.pem'), key: join(work, 'ca.key') }
const receiverKey = inFolder('receiver.key')
makeKey(authority.key)
makeKey(receiverKey)
makeCertificate(authority.cert, {
  name: 'Test authority',
  key: authority.key,
  extensions: ['basicConstraints=CA:TRUE'],
})
makeCertificate(inFolder('receiver.pem'), { name: 'la.example', key: receiverKey, extensions: SERVER, authority })
makeCertificate(inFolder('expired.pem'), {
  name: 'la.example',
  key: receiverKey,
  extensions: SERVER,
  authority,
  days: EXPIRED,
})
makeCertificate(inFolder('self-signed.pem'), { name: 'la.example', key: receiverKey, extensions: SERVER })
makeKey(inFolder('client.key'))
const client = { name: 'cpis.example', key: inFolder('client.key'), extensions: CLIENT }
makeCertificate(inFolder('client.pem'), { ...client, authority })
makeCertificate(inFolder('client-expired.pem'), { ...client, authority, days: EXPIRED })
makeCertificate(inFolder('client-self-signed.pem'), client)
rmSync(work, { recursive: true, force: true })
