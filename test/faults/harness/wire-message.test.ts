/** Messages of MongoDB found in a stream, however it is cut, and their commands. */
import { describe, expect, test } from '@jest/globals'
import { BSON } from 'mongodb'
import { buildWireReader } from './wire-message.ts'

function message(document: object, parts: { requestId?: number; responseTo?: number; opCode?: number } = {}): Buffer {
  const { requestId = 7, responseTo = 0, opCode = 2013 } = parts
  const body = Buffer.from(BSON.serialize(document))
  const head = Buffer.alloc(21)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(requestId, 4)
  head.writeInt32LE(responseTo, 8)
  head.writeInt32LE(opCode, 12)
  return Buffer.concat([head, body])
}

const commit = message({ commitTransaction: 1, $db: 'admin' })
const reply = message({ ok: 1 }, { requestId: 9, responseTo: 7 })

describe('whole messages', () => {
  test.each([1, 7, 16, 20, 21, 40, 1000])('come out of pieces of %i bytes, byte for byte', (size) => {
    const stream = Buffer.concat([commit, reply, commit])
    const reader = buildWireReader()
    const found = []
    for (let at = 0; at < stream.length; at += size) found.push(...reader.push(stream.subarray(at, at + size)))
    expect(found.map((one) => [one.command, one.requestId, one.responseTo])).toEqual([
      ['commitTransaction', 7, 0],
      ['ok', 9, 7],
      ['commitTransaction', 7, 0],
    ])
    expect(Buffer.concat(found.map((one) => one.bytes))).toEqual(stream)
  })

  test('of another kind, as compressed ones are, have no command', () => {
    const [one] = buildWireReader().push(message({ commitTransaction: 1 }, { opCode: 2012 }))
    expect(one).toEqual({ bytes: expect.anything(), requestId: 7, responseTo: 0 })
  })

  test.each([-1, 0, 15, 2_000_000_000])('cannot have a length of %i', (length) => {
    const bad = Buffer.from(commit)
    bad.writeInt32LE(length, 0)
    expect(() => buildWireReader().push(bad)).toThrow('bytes')
  })
})
