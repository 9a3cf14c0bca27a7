/** Texts that may be used once (used assertions), and lists of such texts (revocations): one insert under a unique key decides among any number of callers (storage.md "Collections", keys). */
import { COLLECTIONS } from './collections.ts'
import { isDuplicateKey, toStoreError } from './mongo-errors.ts'
import { untilStages } from './mongo-replies.ts'
import { openJson, sealJson } from './row-document.ts'
import { keysOf, reading, run, type Scope, writing } from './scope.ts'

export interface Claim {
  readonly kind: string
  readonly text: string
  readonly expiresAt: Date
}

/** True for the first caller only, until expiresAt; after it the text may be claimed again. */
export async function claimOnce(scope: Scope, { kind, text, expiresAt }: Claim): Promise<boolean> {
  const _id = scope.crypto.hash('claim', [kind, text])
  const sealed = sealJson(text, placeOf(_id), scope.crypto)
  const fields = { kind: { $literal: kind }, text: { $literal: sealed }, ...untilStages(scope, expiresAt) }
  try {
    // Matches only a claim that has run out; a living one makes the upsert collide on _id.
    const result = await keysOf(scope).updateOne({ _id, validUntil: { $lte: scope.clock() } }, [{ $set: fields }], {
      ...writing(scope),
      upsert: true,
    })
    return result.upsertedCount + result.modifiedCount === 1
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw toStoreError(error)
  }
}

/** The texts of this kind that still hold. */
export async function findClaims(scope: Scope, kind: string): Promise<readonly string[]> {
  const filter = { kind: String(kind), validUntil: { $gt: scope.clock() } }
  const documents = await run(scope, keysOf(scope).find(filter, reading(scope)).toArray())
  return documents.map((one) => openJson<string>(one.text, placeOf(one._id), scope.crypto))
}

/** True when it was there and still held. */
export async function forgetClaim(scope: Scope, kind: string, text: string): Promise<boolean> {
  const _id = scope.crypto.hash('claim', [kind, text])
  const held = { _id, validUntil: { $gt: scope.clock() } }
  const { deletedCount } = await run(scope, keysOf(scope).deleteOne(held, writing(scope)))
  return deletedCount === 1
}

const placeOf = (id: string): string => `${COLLECTIONS.keys}/${id}/1`
