/** A receiver's side of Standard Webhooks: headers webhook-id, webhook-timestamp, webhook-signature `v1a,` ed25519 (delivery.md "Signing"). */

import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { isObject } from '../fhir/json-object.ts'

/** How far the timestamp may be from now: what Standard Webhooks recommends. */
const TOLERANCE_SECONDS = 5 * 60

export interface SignedMessage {
  readonly id: string | undefined
  /** Seconds since 1970, as text. */
  readonly timestamp: string | undefined
  readonly signature: string | undefined
  /** The body, byte for byte. */
  readonly body: Buffer
}

export type Verdict = { readonly good: true; readonly id: string } | { readonly good: false; readonly why: string }

/** Public keys of a JWKS; those that are no ed25519 keys are left out. Pure. */
export function parseWebhookKeys(jwks: unknown): KeyObject[] {
  const keys = isObject(jwks) && Array.isArray(jwks['keys']) ? jwks['keys'] : []
  return keys.flatMap((key: unknown) =>
    isObject(key) && key['kty'] === 'OKP' && key['crv'] === 'Ed25519'
      ? [createPublicKey({ key: key as JsonWebKey, format: 'jwk' })]
      : [],
  )
}

/** Whether one signature of the message is by one of the keys and the message is fresh at `now`. Pure. */
export function verifyMessage(message: SignedMessage, keys: readonly KeyObject[], now: Date): Verdict {
  const { id, timestamp, signature } = message
  if (id === undefined || timestamp === undefined || signature === undefined) return bad('a webhook header is missing')
  const seconds = Number(timestamp)
  if (!Number.isInteger(seconds)) return bad('webhook-timestamp is no number of seconds')
  if (Math.abs(now.getTime() / 1000 - seconds) > TOLERANCE_SECONDS) return bad('webhook-timestamp is too far from now')
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), message.body])
  const good = ed25519Signatures(signature).some((one) => keys.some((key) => verify(null, signed, key, one)))
  return good ? { good, id } : bad('no signature is by a key of the server')
}

/** Several signatures stand apart by spaces, while keys rotate. */
function ed25519Signatures(header: string): Buffer[] {
  return header.split(' ').flatMap((part) => (part.startsWith('v1a,') ? [Buffer.from(part.slice(4), 'base64')] : []))
}

function bad(why: string): Verdict {
  return { good: false, why }
}
