/** A real SMTP server on loopback whose behaviour can be switched, and what it took, parsed (smtp-server, mailparser). */
import type { AddressInfo, Socket } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { testCertificate } from './tls-files.ts'

/** What the server does with the next mails. */
export type MailBehaviour =
  | 'take'
  /** Says this in answer to RCPT. */
  | { readonly recipient: readonly [code: number, text: string] }
  /** Says this in answer to the end of the mail. */
  | { readonly data: readonly [code: number, text: string] }
  /** Says nothing to RCPT, ever. */
  | 'hang'
  /** Cuts the connection when the mail begins. */
  | 'drop'
  /** Takes the mail, and cuts the connection before it says so. */
  | 'take-and-drop'

export interface TakenMail {
  readonly raw: string
  readonly parsed: ParsedMail
  readonly from: string
  readonly to: readonly string[]
  readonly isSecure: boolean
  readonly user: string | undefined
}

export interface MailServer {
  readonly port: number
  readonly taken: TakenMail[]
  /** Recipients that were named, taken or not. */
  readonly asked: string[]
  behave(behaviour: MailBehaviour): void
  close(): Promise<void>
}

export interface MailServerOptions {
  /** `starttls` offers it, `none` does not, `tls` speaks it from the start. */
  readonly tls?: 'starttls' | 'none' | 'tls'
  readonly user?: { readonly name: string; readonly password: string }
}

/** Starts it on a free port of 127.0.0.1. */
export async function startMailServer({ tls = 'none', user }: MailServerOptions = {}): Promise<MailServer> {
  let behaviour: MailBehaviour = 'take'
  const taken: TakenMail[] = []
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const cut = (): void => {
    for (const one of sockets) one.destroy()
  }
  const options: SMTPServerOptions = {
    ...testCertificate,
    secure: tls === 'tls',
    disabledCommands: [
      ...(tls === 'starttls' ? [] : ['STARTTLS' as const]),
      ...(user === undefined ? ['AUTH' as const] : []),
    ],
    authOptional: user === undefined,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onAuth({ username, password }, _session, callback) {
      if (username === user?.name && password === user?.password) callback(null, { user: username })
      else callback(failure(535, '5.7.8 No'))
    },
    onRcptTo({ address }, _session, callback) {
      asked.push(address)
      if (behaviour === 'hang') return
      if (typeof behaviour === 'object' && 'recipient' in behaviour) return callback(failure(...behaviour.recipient))
      callback()
    },
    onData(stream, session, callback) {
      if (behaviour === 'drop') return cut()
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const now = behaviour
        if (typeof now === 'object' && 'data' in now) return callback(failure(...now.data))
        const raw = Buffer.concat(chunks).toString('utf8')
        const { mailFrom, rcptTo } = session.envelope
        void simpleParser(raw).then((parsed) => {
          taken.push({
            raw,
            parsed,
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            isSecure: session.secure === true,
            user: session.user,
          })
          if (now === 'take-and-drop') cut()
          else callback()
        })
      })
    },
  }
  const server = new SMTPServer(options)
  server.on('error', () => undefined)
  // A socket under TLS is not to be destroyed from below
  if (tls === 'none') {
    server.server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve())
  })
  return {
    port: (server.server.address() as AddressInfo).port,
    taken,
    asked,
    behave(next) {
      behaviour = next
    },
    close: () =>
      new Promise((resolve) => {
        cut()
        server.close(() => resolve())
      }),
  }
}

function failure(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode })
}
