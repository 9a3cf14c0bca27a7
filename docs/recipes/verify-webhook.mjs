// A notification of the register is genuine: Standard Webhooks with ed25519, Node 18 or later, nothing installed.
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

const TOLERANCE_SECONDS = 5 * 60

/**
 * Returns the webhook-id, or throws an Error that says why not. `headers`: by lower-case name; `body`: the bytes as they came, before any
 * parsing; `jwks`: what /.well-known/webhook-keys.json gave; `now`: seconds since 1970.
 */
export function verifyWebhook({ headers, body, jwks, now }) {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (!id || !timestamp || !signatures) throw new Error('a header is missing')
  if (!/^\d{1,12}$/.test(timestamp)) throw new Error('the timestamp is no number')
  if (Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) throw new Error('the timestamp is too far from now')
  const keys = jwks.keys
    .filter((key) => key.kty === 'OKP' && key.crv === 'Ed25519')
    .map(({ x }) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }))
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  // While keys rotate there are several signatures and several keys: one pair that fits is enough
  for (const one of signatures.split(' ')) {
    if (!one.startsWith('v1a,')) continue
    const signature = Buffer.from(one.slice(4), 'base64')
    if (keys.some((key) => verify(null, signed, key, signature))) return id
  }
  throw new Error('no signature is by a key of the register')
}

// node verify-webhook.mjs FOLDER…: each holds the files headers, body, jwks.json and now; prints `good` or why not
if (process.argv[1] === import.meta.filename) {
  for (const folder of process.argv.slice(2)) {
    const text = (name) => readFileSync(`${folder}/${name}`, 'utf8')
    const headers = Object.fromEntries(
      text('headers')
        .trim()
        .split('\n')
        .map((line) => line.split(': ')),
    )
    const body = readFileSync(`${folder}/body`)
    try {
      verifyWebhook({ headers, body, jwks: JSON.parse(text('jwks.json')), now: Number(text('now')) })
      console.log('good')
    } catch (error) {
      console.log(error.message)
    }
  }
}
