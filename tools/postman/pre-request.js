/**
 * Gets an access token for a request before it is sent: private_key_jwt (RFC 7523), as SMART Backend Services asks.
 * Who asks is the word before the colon in the request's name: authority, receiver or nurse; a name without one needs no token.
 * Postman's sandbox has no asymmetric signing, so ECDSA (FIPS 186-5, deterministic by RFC 6979) is written out here over BigInt.
 * It is good for trying with sandbox keys and not hardened against timing: a production system uses a JOSE library.
 */
const cryptoJs = require('crypto-js')
const { Hex, Utf8, Base64 } = cryptoJs.enc

/** The curves y² = x³ − 3x + b of SEC 2, by the JWS algorithm that uses them (RFC 7518 §3.4). */
const CURVES = {
  ES256: {
    bytes: 32,
    hash: cryptoJs.SHA256,
    hmac: cryptoJs.HmacSHA256,
    p: BigInt('0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff'),
    n: BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
    g: [
      BigInt('0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
      BigInt('0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
    ],
  },
  ES384: {
    bytes: 48,
    hash: cryptoJs.SHA384,
    hmac: cryptoJs.HmacSHA384,
    p: BigInt('0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff'),
    n: BigInt('0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973'),
    g: [
      BigInt('0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7'),
      BigInt('0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f'),
    ],
  },
}

const mod = (value, modulus) => ((value % modulus) + modulus) % modulus
const hexOf = (value, bytes) => value.toString(16).padStart(2 * bytes, '0')
const numberOf = (words) => BigInt(`0x${Hex.stringify(words)}`)

/** 1/value modulo a prime, by Euclid. */
function inverse(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n]
  while (a > 1n) {
    const times = b / a
    ;[a, b, x, y] = [b - times * a, a, y - times * x, x]
  }
  return mod(x, modulus)
}

/** Sum of two points; undefined is the point at infinity. */
function addPoints(one, other, { p }) {
  if (one === undefined) return other
  if (other === undefined) return one
  const [x1, y1] = one
  const [x2, y2] = other
  if (x1 === x2 && mod(y1 + y2, p) === 0n) return undefined
  const slope = x1 === x2 ? (3n * x1 * x1 - 3n) * inverse(2n * y1, p) : (y2 - y1) * inverse(x2 - x1, p)
  const x = mod(slope * slope - x1 - x2, p)
  return [x, mod(slope * (x1 - x) - y1, p)]
}

function timesPoint(factor, point, curve) {
  let sum
  let doubled = point
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = addPoints(sum, doubled, curve)
    doubled = addPoints(doubled, doubled, curve)
  }
  return sum
}

/** The secret number of a signature (RFC 6979 §3.2): the same for the same key and text, so that no randomness can go wrong. */
function secretNumber(key, hash, { bytes, hmac, n }) {
  const mac = (secret, hex) => Hex.stringify(hmac(Hex.parse(hex), Hex.parse(secret)))
  const seed = hexOf(key, bytes) + hexOf(mod(hash, n), bytes)
  let v = '01'.repeat(bytes)
  let k = '00'.repeat(bytes)
  for (const mark of ['00', '01']) {
    k = mac(k, v + mark + seed)
    v = mac(k, v)
  }
  for (;;) {
    v = mac(k, v)
    const candidate = BigInt(`0x${v}`)
    if (candidate > 0n && candidate < n) return candidate
    k = mac(k, `${v}00`)
    v = mac(k, v)
  }
}

const base64url = (words) => Base64.stringify(words).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
const part = (value) => base64url(Utf8.parse(JSON.stringify(value)))

/** A signed JWT (RFC 7515 §3.1). `jwk`: a private key with alg ES256 or ES384 and a kid. */
function signJwt(claims, jwk) {
  const curve = CURVES[jwk.alg]
  if (curve === undefined) throw new Error(`${jwk.alg} is not signed here: use an ES384 key.`)
  const text = `${part({ alg: jwk.alg, typ: 'JWT', kid: jwk.kid })}.${part(claims)}`
  const key = numberOf(Base64.parse(jwk.d.replace(/-/g, '+').replace(/_/g, '/')))
  const hash = numberOf(curve.hash(text))
  const secret = secretNumber(key, hash, curve)
  const r = mod(timesPoint(secret, curve.g, curve)[0], curve.n)
  const s = mod(inverse(secret, curve.n) * (hash + r * key), curve.n)
  return `${text}.${base64url(Hex.parse(hexOf(r, curve.bytes) + hexOf(s, curve.bytes)))}`
}

const LIFE_SECONDS = 240
/** A token is got anew when less than this is left of it. */
const SPARE_MS = 30000

const variable = (name) => {
  const value = pm.environment.get(name)
  if (!value)
    throw new Error(`${name} is empty in the environment: \`npx cpis postman FILE\` writes one for a sandbox.`)
  return value
}

const withLife = (claims, nowSeconds) => ({
  ...claims,
  jti: pm.variables.replaceIn('{{$guid}}'),
  iat: nowSeconds,
  exp: nowSeconds + LIFE_SECONDS,
})

/** The proof of a client, for the token endpoint and nobody else. */
const assertionOf = (client, server) => {
  const id = variable(`${client}_client_id`)
  return signJwt(
    withLife({ iss: id, sub: id, aud: server.tokenEndpoint }, server.nowSeconds),
    JSON.parse(variable(`${client}_key`)),
  )
}

/** The id_token of the person who is signed in: CIS2 gives it to the NHS system; a sandbox signs it with the key of its own identity provider. */
const idTokenOf = (server) => {
  const given = pm.environment.get('id_token')
  if (given) return given
  return signJwt(
    withLife(JSON.parse(variable('id_token_claims')), server.nowSeconds),
    JSON.parse(variable('id_token_key')),
  )
}

const formOf = (who, server) => {
  const proof = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertionOf(who, server),
  }
  if (who !== 'nurse') return { grant_type: 'client_credentials', ...proof }
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: idTokenOf(server),
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    ...proof,
  }
}

/** A fault in a callback is seen only as a test that failed. */
const say = (what, holds, otherwise) => {
  if (!holds) pm.test(what, () => pm.expect.fail(String(otherwise)))
}

/** Where tokens come from, and the server's own time: a sandbox clock may be set to another day. */
function askServer(next) {
  pm.sendRequest(`${variable('origin')}/FHIR/R4/.well-known/smart-configuration`, (error, answer) => {
    const isThere = !error && answer.code === 200
    say(`${pm.environment.get('origin')} is a cpis server`, isThere, error || answer.text())
    if (!isThere) return
    next({
      tokenEndpoint: answer.json().token_endpoint,
      nowSeconds: Math.floor(Date.parse(answer.headers.get('Date')) / 1000),
    })
  })
}

function keepToken(who, server) {
  const urlencoded = Object.entries(formOf(who, server)).map(([key, value]) => ({ key, value }))
  pm.sendRequest(
    { url: server.tokenEndpoint, method: 'POST', body: { mode: 'urlencoded', urlencoded } },
    (error, answer) => {
      const isGiven = !error && answer.code === 200
      say(`a token for ${who}`, isGiven, error || answer.text())
      if (!isGiven) return pm.environment.unset(`${who}_token`)
      const { access_token: token, expires_in: seconds } = answer.json()
      pm.environment.set(`${who}_token`, token)
      pm.environment.set(`${who}_token_until`, String(Date.now() + seconds * 1000))
    },
  )
}

const [who] = pm.info.requestName.split(':')
if (who === 'token') {
  askServer((server) => pm.variables.set('client_assertion', assertionOf('authority', server)))
} else if (['authority', 'receiver', 'nurse'].includes(who)) {
  const until = Number(pm.environment.get(`${who}_token_until`) || 0)
  if (until - Date.now() < SPARE_MS) askServer((server) => keepToken(who, server))
}
