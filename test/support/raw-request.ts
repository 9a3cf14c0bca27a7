/** Bytes on a socket, for requests that no client library would send. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends the bytes and gives what came back until the server closed or the answer was whole. Rejects when nothing comes within `withinMs`. */
export function sendRaw(url: string, bytes: string | Buffer, withinMs = 10_000): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const chunks: Buffer[] = []
    const timer = setTimeout(() => done(new Error(`no answer within ${withinMs} ms`)), withinMs)
    const done = (error?: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      const answer = parseAnswer(Buffer.concat(chunks).toString('utf8'))
      if (answer !== undefined) resolve(answer)
      else reject(error ?? new Error('closed without an answer'))
    }
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      if (isWhole(Buffer.concat(chunks).toString('utf8'))) done()
    })
    socket.on('close', () => done())
    socket.on('error', () => done())
  })
}

function parseAnswer(text: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]
  if (end === -1 || status === undefined) return undefined
  return { status: Number(status), head: text.slice(0, end), body: text.slice(end + 4) }
}

function isWhole(text: string): boolean {
  const answer = parseAnswer(text)
  const length = /\r\ncontent-length: (\d+)/i.exec(answer?.head ?? '')?.[1]
  if (answer !== undefined && answer.status < 200) return true
  return answer !== undefined && length !== undefined && Buffer.byteLength(answer.body) >= Number(length)
}
