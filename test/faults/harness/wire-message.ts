/** Just enough of MongoDB's wire protocol to find whole messages in a stream and the name of a command (MongoDB Wire Protocol, OP_MSG). */

const HEADER_BYTES = 16
const OP_MSG = 2013
/** Of the body before the document: flags, and the kind of the first section. */
const FLAG_BYTES = 4
const MOST_BYTES = 48_000_000 + HEADER_BYTES

export interface WireMessage {
  readonly bytes: Buffer
  readonly requestId: number
  /** Of a reply: the requestId that it answers; 0 for a request. */
  readonly responseTo: number
  /** First key of the first document; absent where the message is compressed or of another kind. */
  readonly command?: string
}

export interface WireReader {
  /** The messages that this chunk completes, in order. Throws for a length that is none. */
  push(chunk: Buffer): WireMessage[]
}

/** Reads one direction of one connection from its beginning. */
export function buildWireReader(): WireReader {
  let kept: Buffer = Buffer.alloc(0)
  return {
    push(chunk) {
      kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
      const messages: WireMessage[] = []
      while (kept.length >= HEADER_BYTES) {
        const length = kept.readInt32LE(0)
        if (length < HEADER_BYTES || length > MOST_BYTES) throw new Error(`A message of ${length} bytes.`)
        if (kept.length < length) break
        messages.push(parseMessage(kept.subarray(0, length)))
        kept = kept.subarray(length)
      }
      return messages
    },
  }
}

function parseMessage(bytes: Buffer): WireMessage {
  const facts = { bytes, requestId: bytes.readInt32LE(4), responseTo: bytes.readInt32LE(8) }
  const command = bytes.readInt32LE(12) === OP_MSG ? firstKey(bytes, HEADER_BYTES + FLAG_BYTES) : undefined
  return command === undefined ? facts : { ...facts, command }
}

/** Section of kind 0: a byte 0, then BSON: its length (4), the type of its first element (1), and the name up to a NUL. */
function firstKey(bytes: Buffer, at: number): string | undefined {
  if (bytes[at] !== 0) return undefined
  const from = at + 1 + 4 + 1
  const end = bytes.indexOf(0, from)
  return end < 0 ? undefined : bytes.toString('latin1', from, end)
}
