import { describe, expect, test } from '@jest/globals'
import { makeKeys } from '../../src/keys.ts'
import { buildCrypto } from '../../src/store/crypto.ts'
import { StoreError } from '../../src/store/store.ts'
import { nhsNumber } from '../support/test-store.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')
const crypto = buildCrypto({ hmac: { id: 'h1', key: KEY }, data: [{ id: 'd1', key: KEY }] })
const plain = Buffer.from('{"name":"A child"}')

describe('sealed values', () => {
  test.each<[string, (sealed: Buffer) => Buffer]>([
    ['a changed nonce', (data) => flip(data, 0)],
    ['a changed body', (data) => flip(data, 14)],
    ['a changed tag', (data) => flip(data, data.length - 1)],
    ['a cut tag', (data) => data.subarray(0, -1)],
    ['too little', (data) => data.subarray(0, 20)],
    ['nothing', () => Buffer.alloc(0)],
  ])('with %s do not open', (_name, damage) => {
    const sealed = crypto.seal(plain, 'flags/a/1')
    expect(() => crypto.open({ ...sealed, data: damage(sealed.data) }, 'flags/a/1')).toThrow(StoreError)
  })

  test.each(['patients/a/1', 'flags/b/1', 'flags/a/2', 'flags/a/11', ''])(
    'do not open at another place: %s',
    (place) => {
      const sealed = crypto.seal(plain, 'flags/a/1')
      expect(() => crypto.open(sealed, place)).toThrow(expect.objectContaining({ kind: 'transient' }))
    },
  )

  test('of an unknown or another key do not open', () => {
    const sealed = crypto.seal(plain, 'flags/a/1')
    expect(() => crypto.open({ ...sealed, key: 'd9' }, 'flags/a/1')).toThrow(StoreError)
    const other = buildCrypto({ hmac: { id: 'h1', key: KEY }, data: [{ id: 'd1', key: OTHER_KEY }] })
    expect(() => other.open(sealed, 'flags/a/1')).toThrow(StoreError)
  })

  test('open at their place, are never twice the same and show nothing', () => {
    const sealed = crypto.seal(plain, 'flags/a/1')
    expect(crypto.open(sealed, 'flags/a/1')).toEqual(plain)
    expect(crypto.seal(plain, 'flags/a/1').data).not.toEqual(sealed.data)
    expect(sealed.data.includes('child')).toBe(false)
  })

  test('of an older key open after a rotation, and the first key seals', () => {
    const old = crypto.seal(plain, 'x')
    const rotated = buildCrypto({
      hmac: { id: 'h1', key: KEY },
      data: [
        { id: 'd2', key: OTHER_KEY },
        { id: 'd1', key: KEY },
      ],
    })
    expect(rotated.open(old, 'x')).toEqual(plain)
    expect(rotated.seal(plain, 'x').key).toBe('d2')
  })
})

describe('texts for clients (cursors)', () => {
  const sealed = crypto.sealText('["2026-05-03",7]', 'la|query')
  test('open in their context only', () => {
    expect(crypto.openText(sealed, 'la|query')).toBe('["2026-05-03",7]')
    expect(crypto.openText(sealed, 'la|other')).toBeUndefined()
  })

  test.each([
    '',
    '.',
    'a.b.c',
    `${sealed}x`,
    `x${sealed}`,
    sealed.slice(0, -2),
    sealed.split('.')[1] ?? '',
    '__proto__.AAAA',
  ])('%j does not open', (text) => {
    expect(crypto.openText(text, 'la|query')).toBeUndefined()
  })

  test('a record of the database is no cursor, and a cursor no record', () => {
    const record = crypto.seal(plain, 'la|query')
    const asText = `${Buffer.from(record.key).toString('base64url')}.${record.data.toString('base64url')}`
    expect(crypto.openText(asText, 'la|query')).toBeUndefined()
  })

  test('consist of letters that need no escaping in a URL', () => {
    expect(sealed).toMatch(/^[\w.-]+$/)
  })
})

describe('keyed hashes', () => {
  test('name their key version, hide the number and differ by number and by key', () => {
    const key = crypto.subjectKey(nhsNumber('9990000018'))
    expect(key).toMatch(/^h1\.[\w-]{43}$/)
    expect(key).not.toContain('9990000018')
    expect(crypto.subjectKey(nhsNumber('9990000018'))).toBe(key)
    expect(crypto.subjectKey(nhsNumber('9990000026'))).not.toBe(key)
    expect(buildCrypto(makeKeys()).subjectKey(nhsNumber('9990000018'))).not.toBe(key)
  })

  test('find an identifier by each form that a search may take (R4 token), and by no other', () => {
    const keys = crypto.identifierKeys({ system: 'urn:s', value: 'v' })
    expect(keys).toHaveLength(3)
    for (const token of [{ system: 'urn:s', value: 'v' }, { value: 'v' }, { system: 'urn:s' }]) {
      expect(keys).toContain(crypto.searchKey(token))
    }
    for (const token of [
      { system: '', value: 'v' },
      { system: 'v' },
      { value: 'urn:s' },
      { system: 'urn:sv', value: '' },
    ]) {
      expect(keys).not.toContain(crypto.searchKey(token))
    }
    expect(crypto.identifierKeys({ value: 'v' })).toContain(crypto.searchKey({ system: '', value: 'v' }))
  })

  test('keep purposes and parts apart', () => {
    const hashes = [
      crypto.hash('a', ['b', 'c']),
      crypto.hash('a', ['bc']),
      crypto.hash('a', ['b,c']),
      crypto.hash('b', ['a', 'c']),
      crypto.hash('a', ['c', 'b']),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  test('as ids are UUIDs of version 8, the same for the same parts', () => {
    const id = crypto.keyedId(['client', 'user', 'request'])
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(crypto.keyedId(['client', 'user', 'request'])).toBe(id)
    expect(crypto.keyedId(['client', 'userrequest', ''])).not.toBe(id)
    expect(buildCrypto(makeKeys()).keyedId(['client', 'user', 'request'])).not.toBe(id)
  })
})

function flip(data: Buffer, at: number): Buffer {
  const copy = Buffer.from(data)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}
