/** Signed messages, good and bad in every way that matters, by an implementation of ed25519 that is not Node's (tweetnacl): what any verifier must say of them. */
import nacl from 'tweetnacl'

export interface WebhookCase {
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly jwks: { readonly keys: readonly object[] }
  /** Seconds. */
  readonly now: number
  readonly verdict: string
}

const NOW = 1_777_798_800
const BODY = Buffer.from('{"resourceType":"Bundle","note":"Ünïcode — ☃"}\n')
const NOT_OURS = 'no signature is by a key of the register'
const EC = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'BBBB', kid: 'ec' }

interface Pair {
  readonly jwk: object
  sign(text: Buffer): string
}

function makePair(): Pair {
  const { publicKey, secretKey } = nacl.sign.keyPair()
  const x = Buffer.from(publicKey).toString('base64url')
  return {
    jwk: { kty: 'OKP', crv: 'Ed25519', x, kid: x.slice(0, 6), alg: 'EdDSA', use: 'sig' },
    sign: (text) => `v1a,${Buffer.from(nacl.sign.detached(text, secretKey)).toString('base64')}`,
  }
}

/** New keys each time. */
export function webhookCases(): readonly WebhookCase[] {
  const [key, older, stranger] = [makePair(), makePair(), makePair()]
  const id = '0c0f7a52-9f6e-4f43-8f0e-1d1d9a6c0f11_1_3'
  const textOf = (timestamp: number, body = BODY, of = id): Buffer =>
    Buffer.concat([Buffer.from(`${of}.${timestamp}.`), body])
  const good = (timestamp = NOW): Record<string, string> => ({
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': key.sign(textOf(timestamp)),
  })
  const made = (name: string, verdict: string, more: Partial<WebhookCase> = {}): WebhookCase => ({
    name,
    headers: good(),
    body: BODY,
    jwks: { keys: [key.jwk] },
    now: NOW,
    verdict,
    ...more,
  })
  const signedBy = (...signatures: readonly string[]): Pick<WebhookCase, 'headers'> => ({
    headers: { ...good(), 'webhook-signature': signatures.join(' ') },
  })
  const [mine, old] = [key.sign(textOf(NOW)), older.sign(textOf(NOW))]
  return [
    made('a good one', 'good'),
    made('an empty body', 'good', {
      body: Buffer.alloc(0),
      ...signedBy(key.sign(textOf(NOW, Buffer.alloc(0)))),
    }),
    made('five minutes old', 'good', { headers: good(NOW - 300) }),
    made('five minutes ahead', 'good', { headers: good(NOW + 300) }),
    made('older', 'the timestamp is too far from now', { headers: good(NOW - 301) }),
    made('further ahead', 'the timestamp is too far from now', { headers: good(NOW + 301) }),
    made('two signatures, the new key alone known', 'good', signedBy(old, mine)),
    made('two signatures, the old key alone known', 'good', { ...signedBy(old, mine), jwks: { keys: [older.jwk] } }),
    made('one signature by the old key, both known', 'good', {
      ...signedBy(old),
      jwks: { keys: [key.jwk, older.jwk] },
    }),
    made('a key of another kind beside it', 'good', { jwks: { keys: [EC, key.jwk] } }),
    made('another version beside it', 'good', signedBy(`v1,${'A'.repeat(43)}=`, mine)),
    made('a malformed one beside it', 'good', signedBy('v1a,***', mine)),
    made('another id', NOT_OURS, { headers: { ...good(), 'webhook-id': 'other' } }),
    made('another timestamp', NOT_OURS, { headers: { ...good(), 'webhook-timestamp': String(NOW + 1) } }),
    made('another body', NOT_OURS, { body: Buffer.from(BODY.toString().replace('note', 'nota')) }),
    made('a body parsed and written anew', NOT_OURS, {
      body: Buffer.from(JSON.stringify(JSON.parse(BODY.toString()))),
    }),
    made('a stranger’s signature', NOT_OURS, signedBy(stranger.sign(textOf(NOW)))),
    made('no key', NOT_OURS, { jwks: { keys: [] } }),
    made('only a key of another kind', NOT_OURS, { jwks: { keys: [EC] } }),
    made('only an HMAC', NOT_OURS, signedBy(`v1,${'A'.repeat(43)}=`)),
    made('the signature under another version', NOT_OURS, signedBy(mine.replace('v1a,', 'v1b,'))),
    made('half a signature', NOT_OURS, signedBy(mine.slice(0, 48))),
    made('an empty signature', NOT_OURS, signedBy('v1a,')),
    made('a signature of zeros', NOT_OURS, signedBy(`v1a,${Buffer.alloc(64).toString('base64')}`)),
    made('a timestamp that is none', 'the timestamp is no number', {
      headers: { ...good(), 'webhook-timestamp': `${NOW}.0` },
    }),
    ...['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
      made(`no ${name}`, 'a header is missing', {
        headers: Object.fromEntries(Object.entries(good()).filter(([one]) => one !== name)),
      }),
    ),
  ]
}
