/** Rotated keys: how a new one is put in front of a key file, and which may be first now (storage.md "Collections": two key versions may be live). */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { type DataKey, type Keys, keysText, makeJwk, type PrivateJwk, sealKeys } from './keys.ts'

/** From the writing of the file until its new keys seal and sign: by then every process has read them. */
export const TAKE_UP_MS = 10_000
/** Signing keys kept when one is added: what the one before signed is still believed. */
const SIGNING_KEYS = 2

export interface Rotation {
  readonly tokens: boolean
  readonly webhooks: boolean
  readonly seals?: boolean
  /** This machine's clock, ms. */
  readonly now: number
  readonly takeUpMs?: number
}

/** The same keys with a new first data key, and new signing keys where asked. All data keys stay, for what they sealed; the HMAC key never changes. CPU, chance. */
export function rotateKeys(
  keys: Keys,
  { tokens, webhooks, seals = false, now, takeUpMs = TAKE_UP_MS }: Rotation,
): Keys {
  const from = new Date(now + takeUpMs).toISOString()
  const signing = (kind: 'ec' | 'ed25519', old: readonly PrivateJwk[]): readonly PrivateJwk[] =>
    [{ ...makeJwk(kind), from }, ...old].slice(0, SIGNING_KEYS)
  const data: DataKey = { id: nextId(keys), key: randomBytes(32).toString('base64'), from }
  return {
    ...keys,
    data: [data, ...keys.data],
    tokens: tokens ? signing('ec', keys.tokens) : keys.tokens,
    webhooks: webhooks ? signing('ed25519', keys.webhooks) : keys.webhooks,
    ...(seals ? { seals: [{ ...makeJwk('ed25519'), from }, ...keptSealKeys(keys)] } : {}),
  }
}

/** All seals must be verified for ever, but only the key before still signs, until the new one is taken up. */
function keptSealKeys(keys: Keys): readonly PrivateJwk[] {
  return sealKeys(keys).map((key, at) => {
    const { d: _private, ...publicPart } = key
    return at === 0 ? key : publicPart
  })
}

/** The newest instant at which a key begins, ms; undefined when none was rotated. Pure. */
export function newestBegin(keys: Keys): number | undefined {
  const begins = [...keys.data, ...keys.tokens, ...keys.webhooks, ...(keys.seals ?? [])].flatMap(({ from }) =>
    from === undefined ? [] : [Date.parse(from)],
  )
  return begins.length === 0 ? undefined : Math.max(...begins)
}

/** The keys in the order of use: one that does not begin yet opens and verifies, but is not first. Pure. */
export function orderKeys(keys: Keys, now: number): Keys {
  const order = <T extends { readonly from?: string }>(list: readonly T[]): readonly T[] => {
    const waits = ({ from }: T): boolean => from !== undefined && Date.parse(from) > now
    return [...list.filter((one) => !waits(one)), ...list.filter(waits)]
  }
  return {
    ...keys,
    data: order(keys.data),
    tokens: order(keys.tokens),
    webhooks: order(keys.webhooks),
    ...(keys.seals === undefined ? {} : { seals: order(keys.seals) }),
  }
}

/** Replaces the file as a whole (0600): a reader finds the old or the new. Throws EEXIST while another writes it. Disk I/O. */
export function replaceKeysFile(file: string, keys: Keys): void {
  const next = `${file}.new`
  const handle = openSync(next, 'wx', 0o600)
  try {
    writeSync(handle, keysText(keys))
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(next, file)
  syncFolder(dirname(file))
}

/** Without it a crash may forget the new name. Windows cannot, and needs not. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** `d1` → `d2`: one more than the highest, so that an id is never used again. */
function nextId(keys: Keys): string {
  const numbers = keys.data.map(({ id }) => Number(/^d(\d+)$/.exec(id)?.[1] ?? 0))
  return `d${Math.max(...numbers) + 1}`
}
