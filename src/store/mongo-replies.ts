/** Stored answers to Bundle identifiers (R15): compressed, sealed, for as long as the injected clock says; cleared away by the database's. */

import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { Binary } from 'mongodb'
import type { AuthorityCode } from '../domain/brands.ts'
import { COLLECTIONS } from './collections.ts'
import { reading, repliesOf, run, type Scope, writing } from './scope.ts'
import type { BundleReply, Token } from './store.ts'

const compress = promisify(gzip)
const expand = promisify(gunzip)

/** The reply that still holds, or undefined. */
export async function findBundleReply(
  scope: Scope,
  owner: AuthorityCode,
  identifier: Token,
): Promise<BundleReply | undefined> {
  const filter = { _id: idOf(scope, owner, identifier), validUntil: { $gt: scope.clock() } }
  const document = await run(scope, repliesOf(scope).findOne(filter, reading(scope)))
  if (document === null) return undefined
  const { key, data } = document.body
  const plain = scope.crypto.open({ key, data: Buffer.from(data.buffer) }, placeOf(document._id))
  return JSON.parse((await expand(plain)).toString('utf8')) as BundleReply
}

/** Keeps it, in place of an earlier one. */
export async function saveBundleReply(
  scope: Scope,
  where: { readonly owner: AuthorityCode; readonly identifier: Token; readonly expiresAt: Date },
  reply: BundleReply,
): Promise<void> {
  const id = idOf(scope, where.owner, where.identifier)
  const { key, data } = scope.crypto.seal(await compress(Buffer.from(JSON.stringify(reply), 'utf8')), placeOf(id))
  const fields = { body: { $literal: { key, data: new Binary(data) } }, ...untilStages(scope, where.expiresAt) }
  await repliesOf(scope).updateOne({ _id: id }, [{ $set: fields }], { ...writing(scope), upsert: true })
}

/**
 * Two ends of a record's life: `validUntil` by the injected clock, which counts, and `expireAt` as far ahead of the database's own,
 * which clears it away; a sandbox clock that runs elsewhere must not make the database forget at once. As fields of a `$set` stage.
 */
export function untilStages(scope: Scope, expiresAt: Date): { readonly validUntil: Date; readonly expireAt: object } {
  const aheadMs = Math.max(0, expiresAt.getTime() - scope.clock().getTime())
  return { validUntil: expiresAt, expireAt: { $add: ['$$NOW', aheadMs] } }
}

function idOf(scope: Scope, owner: AuthorityCode, { system, value }: Token): string {
  return scope.crypto.hash('bundle', [owner, system ?? '', value ?? ''])
}

const placeOf = (id: string): string => `${COLLECTIONS.bundleReplies}/${id}/1`
