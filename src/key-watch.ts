/** The keys as they are now: looks at the key file every few seconds, so that a rotation needs no restart (docs/operating.md "Keys"). */
import { statSync } from 'node:fs'
import type { Logger } from 'pino'
import { orderKeys } from './key-rotation.ts'
import { type Keys, readKeysFile, sealKeys } from './keys.ts'

export interface KeyWatch {
  /** In the order of use; a new object when anything changed. */
  current(): Keys
  /** Looks now. Disk I/O; throws nothing. */
  look(): void
  stop(): void
}

export interface KeyWatchParts {
  /** Undefined: the keys were handed over and never change. */
  readonly file: string | undefined
  readonly keys: Keys
  readonly log: Logger
  /** Called with the new keys before they are current. Throws to refuse them. */
  readonly onChange: (keys: Keys) => void
  readonly pollMs?: number
  readonly now?: () => number
}

const POLL_MS = 2_000

/** Starts looking. A file that cannot be used leaves the keys as they are, with a line in the log. */
export function watchKeys(parts: KeyWatchParts): KeyWatch {
  const { file, log, onChange, pollMs = POLL_MS, now = Date.now } = parts
  let read = parts.keys
  // none yet: the file may have changed since the keys were read
  let stamp: string | undefined
  let current = orderKeys(read, now())

  function look(): void {
    try {
      const seen = stampOf(file)
      if (file !== undefined && seen !== stamp) {
        stamp = seen
        read = sameRegister(readKeysFile(file), read)
      }
      const next = orderKeys(read, now())
      if (namesOf(next) === namesOf(current)) return
      onChange(next)
      current = next
      log.info({ dataKey: next.data[0]?.id }, 'keys taken up')
    } catch (error) {
      log.error({ fault: error instanceof Error ? error.message : 'unknown' }, 'key file not taken up')
    }
  }

  const timer = file === undefined ? undefined : setInterval(look, pollMs)
  timer?.unref()
  return { current: () => current, look, stop: () => clearInterval(timer) }
}

/** Another HMAC key would find no child's plan again (P1). */
function sameRegister(next: Keys, before: Keys): Keys {
  if (next.hmac.id !== before.hmac.id || next.hmac.key !== before.hmac.key) {
    throw new Error('CPIS_KEYS: the HMAC key of the file is another. Put the file back: it never changes.')
  }
  return next
}

function namesOf(keys: Keys): string {
  const signing = [keys.tokens, keys.webhooks, sealKeys(keys)].map((list) => list.map(({ kid }) => kid))
  return JSON.stringify([keys.data.map(({ id }) => id), ...signing])
}

function stampOf(file: string | undefined): string {
  if (file === undefined) return ''
  const facts = statSync(file, { throwIfNoEntry: false })
  return facts === undefined ? '' : `${facts.mtimeMs} ${facts.ino} ${facts.size}`
}
