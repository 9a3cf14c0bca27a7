/** `cpis keys rotate [FILE]`: a new first data key, and new signing keys where asked, taken up by the server while it runs (docs/operating.md "Keys"). */
import { parseConfig } from '../config.ts'
import { newestBegin, replaceKeysFile, rotateKeys, TAKE_UP_MS } from '../key-rotation.ts'
import { keysFileOf, readKeysFile } from '../keys.ts'
import { CliError, EXIT, type Io, say } from './io.ts'

export interface KeysRotateOptions {
  readonly tokens?: boolean
  readonly webhooks?: boolean
  readonly seals?: boolean
}

/** How long what the key before signed is believed: an access token's life. */
const BETWEEN_MS = 300_000

/** Rewrites the file (0600, as a whole). Refuses within five minutes of the rotation before: its tokens would be refused. Disk I/O. */
export async function runKeysRotate(file: string | undefined, options: KeysRotateOptions, io: Io): Promise<number> {
  const place = file ?? keysFileOf(parseConfig(io.env))
  const now = Date.now()
  const keys = readKeysFile(place)
  if ((newestBegin(keys) ?? 0) > now - BETWEEN_MS) {
    throw new CliError(EXIT.failed, `${place} was rotated less than five minutes ago. Wait, then rotate again.`)
  }
  const { tokens = false, webhooks = false, seals = false } = options
  const next = rotateKeys(keys, { tokens, webhooks, seals, now })
  try {
    replaceKeysFile(place, next)
  } catch (error) {
    const isBusy = Object(error).code === 'EEXIST'
    const words = isBusy
      ? `${place}.new is there: another rotation is under way, or one broke off. Remove it then.`
      : `${place} cannot be written.`
    throw new CliError(EXIT.failed, words, { cause: error })
  }
  say(
    io,
    `${place}: data key ${next.data[0]?.id} is first from ${TAKE_UP_MS / 1_000} seconds on; the server seals the old records again.`,
  )
  say(
    io,
    'Make a copy of the file. Keep the old data keys in it as long as a record, or a backup, was sealed with them (`cpis doctor`).',
  )
  return EXIT.ok
}
