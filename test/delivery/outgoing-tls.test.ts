import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { afterAll, describe, expect, test } from '@jest/globals'
import { ConfigError, parseConfig } from '../../src/config.ts'
import { buildGuardedFetch } from '../../src/delivery/guarded-fetch.ts'
import { type OutgoingTlsFiles, readOutgoingTls } from '../../src/delivery/outgoing-tls.ts'
import { startReceiver } from '../support/receiver.ts'
import { testAuthority, testCertificate, tlsFile } from '../support/tls-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-outgoing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const NONE = { clientCertFile: undefined, clientKeyFile: undefined, extraCaFile: undefined }
const CLIENT = { ...NONE, clientCertFile: tlsFile('client.pem'), clientKeyFile: tlsFile('client.key') }
const SECRET = readFileSync(tlsFile('client.key'), 'utf8').split('\n')[1] ?? ''

describe('what is refused at start, with the variable and without a word of the content', () => {
  test.each<[string, Partial<OutgoingTlsFiles>, RegExp]>([
    ['a certificate that is not there', { clientCertFile: '/nowhere.pem' }, /^CPIS_CLIENT_CERT: .*cannot be read/],
    ['a key that is not there', { clientKeyFile: '/nowhere.key' }, /^CPIS_CLIENT_KEY: .*cannot be read/],
    ['a key for a certificate', { clientCertFile: tlsFile('client.key') }, /^CPIS_CLIENT_CERT: .*no certificate/],
    ['a certificate for a key', { clientKeyFile: tlsFile('client.pem') }, /^CPIS_CLIENT_KEY: .*no private key/],
    [
      'the key of another certificate',
      { clientKeyFile: tlsFile('receiver.key') },
      /^CPIS_CLIENT_KEY: .*is not the key/,
    ],
    [
      'a broken certificate',
      { clientCertFile: fileOf('broken.pem', testAuthority.replace(/\nMII.{8}/, '\nAAAAAAAAAAA')) },
      /^CPIS_CLIENT_CERT: .*cannot be read/,
    ],
    ['an extra authority that is none', { extraCaFile: tlsFile('receiver.pem') }, /^CPIS_EXTRA_CA: .*no authority/],
    ['an empty file of authorities', { extraCaFile: fileOf('empty.pem', '') }, /^CPIS_EXTRA_CA: .*no certificate/],
  ])('%s', (_name, change, words) => {
    const read = (): unknown => readOutgoingTls({ ...CLIENT, ...change })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(words)
    expect(read).not.toThrow(SECRET)
  })

  test.each([[{ CPIS_CLIENT_CERT: tlsFile('client.pem') }], [{ CPIS_CLIENT_KEY: tlsFile('client.key') }]])(
    'one without the other: %o',
    (environment) => {
      expect(() => parseConfig(environment)).toThrow(/CPIS_CLIENT_CERT, CPIS_CLIENT_KEY: one without the other/)
    },
  )
})

describe('what is read', () => {
  test('nothing, where nothing is set', () => {
    expect(readOutgoingTls(parseConfig({}))).toEqual({})
  })

  test('extra authorities stand beside the system’s', () => {
    const { ca } = readOutgoingTls({ ...NONE, extraCaFile: tlsFile('ca.pem') })
    expect(ca).toHaveLength(getCACertificates('default').length + 1)
    expect(ca?.at(-1)?.trim()).toBe(testAuthority.trim())
  })

  test('with both, an endpoint with a private certificate that wants ours is reached', async () => {
    const target = await startReceiver({ tls: testCertificate, clientAuthority: testAuthority })
    const files = { ...CLIENT, extraCaFile: tlsFile('ca.pem') }
    const fetch = buildGuardedFetch({ mode: 'sandbox', ...readOutgoingTls(files) })
    const status = '{"entry":[{"resource":{"resourceType":"Parameters"}}]}'
    const request = {
      url: target.url,
      method: 'POST',
      body: status,
      timeoutMs: 5_000,
      maxBytes: 0,
      allowedHosts: [],
    } as const
    expect((await fetch(request)).status).toBe(200)
    await target.close()
  })
})
