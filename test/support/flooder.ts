/** A flooding client in a process of its own (its work must not slow the one that measures): told what to do by the first message, it counts what became of it until it is told to stop. */
import { connect, type Socket } from 'node:net'

/** What one flood does; `requests` are whole HTTP requests, sent in turn. */
export interface Flood {
  readonly port: number
  readonly sockets: number
  /** `ask`: so many whole requests a second over kept connections; `drip`: the first request's head and then a byte a second; `hold`: connections on which nothing is ever said. */
  readonly how: 'ask' | 'drip' | 'hold'
  readonly perSecond: number
  readonly requests: readonly string[]
}

/** What became of it. */
export interface FloodCount {
  readonly sent: number
  readonly statuses: Readonly<Record<string, number>>
  /** Answers 429 and 503 without Retry-After. */
  readonly withoutRetryAfter: number
  /** Connections that the server closed. */
  readonly cut: number
}

const TICK_MS = 10
const HEAD_END = '\r\n\r\n'

let count = { sent: 0, statuses: {} as Record<string, number>, withoutRetryAfter: 0, cut: 0 }
const sockets: Socket[] = []
const idle: Socket[] = []
let timer: NodeJS.Timeout | undefined

function open(flood: Flood): void {
  const socket = connect(flood.port, '127.0.0.1')
  sockets.push(socket)
  socket.setNoDelay(true)
  let text = ''
  socket.on('connect', () => {
    if (flood.how === 'drip') socket.write(flood.requests[0] ?? '')
    if (flood.how === 'ask') idle.push(socket)
  })
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    text = takeAnswers(text, () => {
      if (flood.how === 'ask' && !socket.destroyed) idle.push(socket)
    })
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    sockets.splice(sockets.indexOf(socket), 1)
    if (timer === undefined) return
    count.cut += 1
    // as fast as anyone would come back
    setTimeout(() => timer !== undefined && open(flood), TICK_MS)
  })
}

/** Counts whole answers; gives back what is left over. */
function takeAnswers(text: string, then: () => void): string {
  let rest = text
  for (;;) {
    const end = rest.indexOf(HEAD_END)
    if (end === -1) return rest
    const head = rest.slice(0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (rest.length < end + HEAD_END.length + length) return rest
    rest = rest.slice(end + HEAD_END.length + length)
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 'none'
    count.statuses[status] = (count.statuses[status] ?? 0) + 1
    if ((status === '429' || status === '503') && !/\r\nretry-after: \d/i.test(head)) count.withoutRetryAfter += 1
    then()
  }
}

function start(flood: Flood): void {
  let next = 0
  let due = 0
  let last = performance.now()
  timer = setInterval(() => {
    const now = performance.now()
    due = Math.min(due + ((now - last) * flood.perSecond) / 1000, flood.sockets)
    last = now
    if (flood.how === 'drip') {
      if (due < flood.sockets) return
      due = 0
      for (const socket of sockets) if (socket.writable) socket.write('x')
      return
    }
    while (flood.how === 'ask' && due >= 1) {
      const socket = idle.shift()
      if (socket === undefined) return
      if (socket.destroyed || !socket.writable) continue
      socket.write(flood.requests[next++ % flood.requests.length] ?? '')
      count.sent += 1
      due -= 1
    }
  }, TICK_MS)
  for (let at = 0; at < flood.sockets; at += 1) open(flood)
}

process.on('message', (message: Flood | 'count' | 'stop') => {
  if (message === 'stop') {
    clearInterval(timer)
    timer = undefined
    for (const socket of [...sockets]) socket.destroy()
    process.send?.(count, () => process.exit(0))
  } else if (message === 'count') {
    process.send?.(count)
    count = { sent: 0, statuses: {}, withoutRetryAfter: 0, cut: 0 }
  } else start(message)
})
process.on('disconnect', () => process.exit(0))
