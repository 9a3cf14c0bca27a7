/** Signs notifications by Standard Webhooks with asymmetric keys (delivery.md "Signing"): `v1a,` and ed25519 over id.timestamp.body. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { PrivateJwk } from '../keys.ts'

export interface WebhookMessage {
  /** Stable over repeats; holds no full stop. */
  readonly id: string
  readonly at: Date
  readonly body: string
}

export type WebhookHeaders = Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>>

/** A signer with all live keys: one signature each, so that receivers keep working through a rotation. Throws when a key is none. CPU only. */
export function buildSigner(keys: readonly PrivateJwk[]): (message: WebhookMessage) => WebhookHeaders {
  const live: readonly KeyObject[] = keys.map((key) => createPrivateKey({ key, format: 'jwk' }))
  return ({ id, at, body }) => {
    const timestamp = String(Math.floor(at.getTime() / 1_000))
    const signed = Buffer.from(`${id}.${timestamp}.${body}`)
    const signatures = live.map((key) => `v1a,${sign(null, signed, key).toString('base64')}`)
    return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
  }
}
