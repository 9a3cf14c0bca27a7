import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { buildSigner } from '../../src/delivery/signature.ts'
import { makeJwk, type PrivateJwk } from '../../src/keys.ts'

const message = { id: 'msg_1', at: new Date('2026-05-03T09:00:00.900Z'), body: '{"a":1}' }

function isRight(signature: string, key: PrivateJwk, signed: string): boolean {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.x ?? '' }, format: 'jwk' })
  return verify(null, Buffer.from(signed), publicKey, Buffer.from(signature.slice('v1a,'.length), 'base64'))
}

describe('signing by Standard Webhooks', () => {
  test('a key that is none is refused before anything is sent', () => {
    expect(() => buildSigner([{ kid: 'x', kty: 'OKP', crv: 'Ed25519', x: 'AA' }])).toThrow()
  })

  test('signs id.timestamp.body; any other part changed makes it wrong', () => {
    const key = makeJwk('ed25519')
    const headers = buildSigner([key])(message)
    expect(headers['webhook-id']).toBe('msg_1')
    expect(headers['webhook-timestamp']).toBe('1777798800')
    expect(headers['webhook-signature']).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/)
    expect(isRight(headers['webhook-signature'], key, 'msg_1.1777798800.{"a":1}')).toBe(true)
    expect(isRight(headers['webhook-signature'], key, 'msg_2.1777798800.{"a":1}')).toBe(false)
    expect(isRight(headers['webhook-signature'], key, 'msg_1.1777798801.{"a":1}')).toBe(false)
    expect(isRight(headers['webhook-signature'], key, 'msg_1.1777798800.{"a":2}')).toBe(false)
    expect(isRight(headers['webhook-signature'], makeJwk('ed25519'), 'msg_1.1777798800.{"a":1}')).toBe(false)
  })

  test('during a rotation every live key signs', () => {
    const keys = [makeJwk('ed25519'), makeJwk('ed25519')]
    const signatures = buildSigner(keys)(message)['webhook-signature'].split(' ')
    expect(signatures).toHaveLength(2)
    for (const [index, key] of keys.entries()) {
      expect(isRight(signatures[index] ?? '', key, 'msg_1.1777798800.{"a":1}')).toBe(true)
    }
  })
})
