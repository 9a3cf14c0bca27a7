import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { parseWebhookKeys, type SignedMessage, verifyMessage } from '../../src/cli/webhook-signature.ts'

const NOW = new Date('2026-05-03T08:12:00Z')
const seconds = (offset: number): string => String(NOW.getTime() / 1000 + offset)

const server = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('ed25519')
const keys = parseWebhookKeys({ keys: [server.publicKey.export({ format: 'jwk' })] })

function signed(privateKey: KeyObject, timestamp = seconds(0)): SignedMessage {
  const body = Buffer.from('{"resourceType":"Bundle"}')
  const content = Buffer.concat([Buffer.from(`msg_1.${timestamp}.`), body])
  return { id: 'msg_1', timestamp, body, signature: `v1a,${sign(null, content, privateKey).toString('base64')}` }
}

describe('a receiver verifies Standard Webhooks signatures', () => {
  test('refuses a message that another key signed', () => {
    expect(verifyMessage(signed(stranger.privateKey), keys, NOW).good).toBe(false)
  })

  test('refuses a body that was changed', () => {
    const message = { ...signed(server.privateKey), body: Buffer.from('{"resourceType":"Patient"}') }
    expect(verifyMessage(message, keys, NOW).good).toBe(false)
  })

  test('refuses an id that was changed', () => {
    expect(verifyMessage({ ...signed(server.privateKey), id: 'msg_2' }, keys, NOW).good).toBe(false)
  })

  test.each([seconds(-301), seconds(301), 'yesterday', ''])('refuses the timestamp %s', (timestamp) => {
    expect(verifyMessage(signed(server.privateKey, timestamp), keys, NOW).good).toBe(false)
  })

  test.each(['id', 'timestamp', 'signature'] as const)('refuses a message without webhook-%s', (header) => {
    expect(verifyMessage({ ...signed(server.privateKey), [header]: undefined }, keys, NOW).good).toBe(false)
  })

  test.each(['v1,AAAA', 'v1a', 'v1a,', 'nonsense'])('refuses the signature header %s', (signature) => {
    expect(verifyMessage({ ...signed(server.privateKey), signature }, keys, NOW).good).toBe(false)
  })

  test('takes a genuine message', () => {
    expect(verifyMessage(signed(server.privateKey), keys, NOW)).toEqual({ good: true, id: 'msg_1' })
  })

  test('takes one of several signatures while keys rotate', () => {
    const message = signed(server.privateKey)
    const other = signed(stranger.privateKey).signature
    const both = { ...message, signature: `${other} ${message.signature}` }
    expect(verifyMessage(both, keys, NOW).good).toBe(true)
  })

  test.each([undefined, {}, { keys: [] }, { keys: [{ kty: 'EC', crv: 'P-256' }, 'x'] }])(
    'finds no ed25519 key in %j',
    (jwks) => {
      expect(parseWebhookKeys(jwks)).toEqual([])
    },
  )
})
