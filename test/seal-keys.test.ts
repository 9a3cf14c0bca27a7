/** Keys of the audit's seals (docs/operating.md "Audit"): an older key file has one all the same, rotation adds one, and public keys stay for good. */
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { publicSealKeys } from '../src/auth/published-keys.ts'
import { checkSealCopy } from '../src/cli/doctor-deployment.ts'
import { parseConfig } from '../src/config.ts'
import { newestBegin, orderKeys, rotateKeys } from '../src/key-rotation.ts'
import { keysText, makeKeys, readKeysFile, sealKeys } from '../src/keys.ts'
import { openConsole } from './support/console.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-seal-keys-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const NOW = Date.parse('2026-05-03T11:00:00Z')
const { seals: _made, ...OLD } = makeKeys()
const rotate = (keys: typeof OLD, now: number) => rotateKeys(keys, { tokens: false, webhooks: false, seals: true, now })

describe('a key file from before there were seals', () => {
  test('has a key for them, always the same, and another for another register', () => {
    const file = join(folder, 'old.json')
    writeFileSync(file, keysText(OLD))
    const [key, ...rest] = sealKeys(readKeysFile(file))
    expect(rest).toEqual([])
    expect(key).toEqual(sealKeys(OLD)[0])
    expect(key?.kid).toBe('seals-h1')
    expect(createPrivateKey({ key: key ?? {}, format: 'jwk' }).asymmetricKeyType).toBe('ed25519')
    expect(sealKeys({ ...makeKeys(), seals: undefined } as unknown as typeof OLD)[0]?.x).not.toBe(key?.x)
  })

  test('gets a random one by rotation, which is first once it is taken up; the derived one stays', () => {
    const rotated = rotate(OLD, NOW)
    expect(newestBegin(rotated)).toBe(NOW + 10_000)
    expect(sealKeys(orderKeys(rotated, NOW))[0]?.kid).toBe('seals-h1')
    expect(sealKeys(orderKeys(rotated, NOW + 10_000)).map(({ kid }) => kid)).toEqual([
      rotated.seals?.[0]?.kid,
      'seals-h1',
    ])
  })
})

describe('rotation', () => {
  test('keeps all public keys, and a private part of the newest two only', () => {
    const keys = rotate(rotate(rotate(OLD, NOW), NOW + 400_000), NOW + 800_000)
    expect(keys.seals?.map(({ d }) => typeof d)).toEqual(['string', 'string', 'undefined', 'undefined'])
    expect(publicSealKeys(keys)).toHaveLength(4)
    expect(JSON.stringify(publicSealKeys(keys))).not.toContain('"d"')
  })

  test('leaves them as they are when it is not asked for them', () => {
    const keys = makeKeys()
    expect(rotateKeys(keys, { tokens: true, webhooks: true, now: NOW }).seals).toBe(keys.seals)
    expect(rotateKeys(OLD, { tokens: true, webhooks: true, now: NOW }).seals).toBeUndefined()
  })

  test('is done by the command', async () => {
    const file = join(folder, 'rotated.json')
    writeFileSync(file, keysText(makeKeys()))
    expect(await openConsole({}).run('keys', 'rotate', file, '--seals')).toBe(0)
    expect(JSON.parse(readFileSync(file, 'utf8')).seals).toHaveLength(2)
  })
})

test.each([
  ['none', []],
  ['one without its private part', [{ kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'k' }]],
])('a file with seal keys, but %s that signs, is refused', (_what, seals) => {
  const file = join(folder, 'bad.json')
  writeFileSync(file, keysText({ ...makeKeys(), seals }))
  expect(() => readKeysFile(file)).toThrow(/is not a key file/)
})

describe('the second place', () => {
  test('of a sandbox is in its data folder, of production where it is said', () => {
    expect(parseConfig({ CPIS_DATA_DIR: folder }).sealCopy).toBe(join(folder, 'audit-seals'))
    expect(parseConfig({ CPIS_SEAL_COPY: '/mnt/seals' }).sealCopy).toBe('/mnt/seals')
  })

  test.each([
    ['ok', { mode: 'sandbox', sealCopy: join(folder, 'x') }],
    ['warn', { mode: 'production', sealCopy: undefined }],
    ['fail', { mode: 'production', sealCopy: join(folder, 'not-mounted') }],
    ['warn', { mode: 'production', sealCopy: folder, mongodbUrl: undefined }],
    ['ok', { mode: 'production', sealCopy: folder, mongodbUrl: 'mongodb://db.example' }],
  ] as const)('is %s to the doctor as %o', (state, more) => {
    const finding = checkSealCopy({ mongodbUrl: 'mongodb://db.example', dataDir: folder, ...more })
    expect(finding.state).toBe(state)
    expect(finding.remedy === undefined).toBe(state === 'ok')
  })
})
