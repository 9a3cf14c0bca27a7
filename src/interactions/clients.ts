/** `/admin/clients` and `/admin/tokens`: who is registered and whether it is revoked; revoking and restoring, which every server process knows within a second (security.md "Tokens"). */
import { ACCESS_TOKEN_SECONDS } from '../auth/access-token.ts'
import { findClient, type RegisteredClient } from '../auth/registered-clients.ts'
import { findRevokedClients, restoreClient, revokeClient, revokeToken } from '../auth/revocations.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { AuditDetail, FhirRequest, Handler } from './interaction.ts'

/** A client as it is told: of its keys only their ids, or where they come from. */
export interface ClientView {
  readonly clientId: string
  readonly kind: string
  readonly authorities: readonly string[]
  readonly organizations: readonly string[]
  readonly scopes: readonly string[]
  readonly keys: { readonly kids: readonly string[] } | { readonly url: string }
  readonly revoked: boolean
}

/** Until an administrator restores it. */
const WITHOUT_END = new Date('9999-12-31T00:00:00.000Z')
/** Clocks of processes may differ a little. */
const SPARE_MS = 60_000

/** Every registered client, revoked ones first. Takes no parameters. Store I/O. */
export const handleListClients: Handler = async (request, _caller, context) => {
  refuseAll(request)
  const revoked = await findRevokedClients(context)
  const clients = context.auth.registry.clients.map((one) => viewClient(one, revoked.has(one.clientId)))
  return { status: 200, body: { clients: clients.toSorted((a, b) => Number(b.revoked) - Number(a.revoked)) } }
}

/** Refuses the client's tokens, those issued and those to come, until it is restored. NOT_FOUND when it is not registered. Store I/O. */
export const handleRevokeClient: Handler = async (request, _caller, context) => {
  const { clientId } = getClient(request, context.auth.registry)
  const isRevoked = (await findRevokedClients(context)).has(clientId)
  if (!isRevoked) await revokeClient(clientId, WITHOUT_END, context)
  return { status: 200, body: { revoked: isRevoked ? [] : [clientId] }, audit: about('client', clientId) }
}

/** Ends its revocation. NOT_FOUND when it is not registered. Store I/O. */
export const handleRestoreClient: Handler = async (request, _caller, context) => {
  const { clientId } = getClient(request, context.auth.registry)
  const isRestored = await restoreClient(clientId, context)
  return { status: 200, body: { restored: isRestored ? [clientId] : [] }, audit: about('client', clientId) }
}

/** Refuses one access token by its jti, as AuditEvents name it, until it has run out. NOT_FOUND for what can be none of ours. Store I/O. */
export const handleRevokeToken: Handler = async (request, _caller, context) => {
  refuseAll(request)
  const tokenId = parseTokenId(request.id)
  if (tokenId === undefined) throw fhirError('NOT_FOUND')
  await revokeToken(tokenId, new Date(request.at.getTime() + ACCESS_TOKEN_SECONDS * 1000 + SPARE_MS), context)
  return { status: 200, body: { revoked: [tokenId] }, audit: about('token', tokenId) }
}

/** The form of every jti that this server gives. */
const TOKEN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function parseTokenId(text: string | undefined): string | undefined {
  return text !== undefined && TOKEN_ID.test(text) ? text : undefined
}

/** What is told of one. Pure. */
export function viewClient(client: RegisteredClient, revoked: boolean): ClientView {
  const { clientId, kind, authorities, organizations, scopes, keys } = client
  const shown = 'url' in keys ? keys : { kids: keys.keys.flatMap(({ kid }) => kid ?? []) }
  return { clientId, kind, authorities, organizations, scopes, keys: shown, revoked }
}

function getClient(request: FhirRequest, registry: Parameters<typeof findClient>[0]): RegisteredClient {
  refuseAll(request)
  const client = request.id === undefined ? undefined : findClient(registry, request.id)
  if (client === undefined) throw fhirError('NOT_FOUND')
  return client
}

function refuseAll({ parameters }: FhirRequest): void {
  if (parameters.length > 0) throw fhirError('UNKNOWN_PARAMETER')
}

function about(type: 'client' | 'token', id: string): AuditDetail {
  return { entities: [{ type, id }] }
}
