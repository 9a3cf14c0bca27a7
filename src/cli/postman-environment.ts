/** The environment of the Postman collection (examples/postman): its variables as a template, and filled for a sandbox. */
import type { SandboxIdentities } from '../auth/sandbox-identities.ts'
import { idTokenClaims } from '../auth/sandbox-token.ts'

interface Variable {
  readonly key: string
  readonly value: string
  readonly type: 'default' | 'secret'
  readonly enabled: true
}

export interface PostmanEnvironment {
  readonly id: string
  readonly name: string
  readonly values: readonly Variable[]
  readonly _postman_variable_scope: 'environment'
}

/** Who the collection speaks as: an authority, its receiver, an emergency nurse in her hospital's system. */
const AUTHORITY = 'la-E10000007'
const RECEIVER = 'receiver-E10000007'
const PERSON = 'ed-nurse'

const plain = (key: string, value: string): Variable => ({ key, value, type: 'default', enabled: true })
const secret = (key: string, value: string): Variable => ({ key, value, type: 'secret', enabled: true })

/** What to fill in: keys are private JWKs with alg ES384 and kid, as text; `id_token` is what CIS2 gave, or the two after it let a sandbox make one. */
export const ENVIRONMENT_TEMPLATE: PostmanEnvironment = buildEnvironment('CP-IS register', [
  plain('origin', 'http://127.0.0.1:8080'),
  plain('endpoint', 'http://127.0.0.1:9099/notifications'),
  plain('authority_client_id', AUTHORITY),
  secret('authority_key', ''),
  plain('receiver_client_id', RECEIVER),
  secret('receiver_key', ''),
  plain('nurse_client_id', 'nhs-system-RCU'),
  secret('nurse_key', ''),
  secret('id_token', ''),
  plain('id_token_claims', ''),
  secret('id_token_key', ''),
])

/** The template with the sandbox's own clients, keys and nurse. Throws when an identity is not there. Pure. */
export function fillEnvironment(identities: SandboxIdentities, origin: string): PostmanEnvironment {
  const person = identities.people.find((one) => one.name === PERSON)
  if (person === undefined) throw new Error(`the sandbox has no ${PERSON}`)
  const keyOf = (clientId: string): string => {
    const client = identities.clients.find((one) => one.clientId === clientId)
    if (client === undefined) throw new Error(`the sandbox has no client ${clientId}`)
    return JSON.stringify(client.key)
  }
  const filled: Readonly<Record<string, string>> = {
    origin,
    authority_key: keyOf(AUTHORITY),
    receiver_key: keyOf(RECEIVER),
    nurse_client_id: person.clientId,
    nurse_key: keyOf(person.clientId),
    id_token_claims: JSON.stringify(idTokenClaims(person)),
    id_token_key: JSON.stringify(identities.issuerKey),
  }
  const values = ENVIRONMENT_TEMPLATE.values.map((one) => ({ ...one, value: filled[one.key] ?? one.value }))
  return buildEnvironment('CP-IS sandbox', values)
}

function buildEnvironment(name: string, values: readonly Variable[]): PostmanEnvironment {
  return { id: '4b0f9b0e-4a7f-4f0a-8a58-0f3f1a3f2c77', name, values, _postman_variable_scope: 'environment' }
}
