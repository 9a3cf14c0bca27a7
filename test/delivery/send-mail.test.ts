/** One mail to a real SMTP server: what is refused, what an answer means, that nothing goes without TLS where it is needed, and what the mail looks like. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { buildSendMail, type OutgoingMail, type SmtpSettings } from '../../src/delivery/send-mail.ts'
import { type MailBehaviour, type MailServer, type MailServerOptions, startMailServer } from '../support/mail-server.ts'
import { testAuthority } from '../support/tls-files.ts'

const open: MailServer[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function serverOf(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options)
  open.push(server)
  return server
}

const MAIL: OutgoingMail = {
  to: 'duty@council.example',
  subject: 'CP-IS: 1 new alert',
  text: 'One.\nTwo.\n',
  id: 'a_1_1',
  at: new Date('2026-05-03T11:00:00.000Z'),
  timeoutMs: 5_000,
}

function sendTo(
  server: { readonly port: number },
  more: Partial<SmtpSettings & { scheme: string; login: string }> = {},
) {
  const { scheme = 'smtp', login = '', ...settings } = more
  const url = new URL(`${scheme}://${login}127.0.0.1:${server.port}`)
  return buildSendMail({ mode: 'sandbox', from: 'cpis@register.example', url, ...settings })
}

describe('an answer of the server', () => {
  test.each<readonly [string, MailBehaviour, object]>([
    ['451, as greylisting gives', { recipient: [451, '4.7.1 Come again later'] }, { code: 451, enhanced: '4.7.1' }],
    ['450 without an enhanced code', { recipient: [450, 'Busy'] }, { code: 450 }],
    ['550 5.1.1', { recipient: [550, '5.1.1 No such user'] }, { code: 550, enhanced: '5.1.1' }],
    ['550 without an enhanced code', { recipient: [550, 'No'] }, { code: 550 }],
    ['552 after the mail', { data: [552, '5.2.2 Mailbox full'] }, { code: 552, enhanced: '5.2.2' }],
    ['451 after the mail', { data: [451, '4.3.0 Try again'] }, { code: 451, enhanced: '4.3.0' }],
    ['none, for ever', 'hang', { fault: 'timeout' }],
    ['none, the connection being cut in the mail', 'drop', { fault: 'reset' }],
    ['none, the connection being cut after it', 'take-and-drop', { fault: 'reset' }],
  ])('%s', async (_what, behaviour, reply) => {
    const server = await serverOf()
    server.behave(behaviour)
    expect(await sendTo(server)({ ...MAIL, timeoutMs: 300 })).toEqual(reply)
    expect(server.taken).toHaveLength(behaviour === 'take-and-drop' ? 1 : 0)
    expect(server.asked).toEqual(['duty@council.example'])
  })

  test('nobody listens', async () => {
    const server = await startMailServer()
    await server.close()
    expect(await sendTo(server)(MAIL)).toEqual({ fault: 'refused' })
  })

  test('a name that is none', async () => {
    const url = new URL('smtps://nowhere.invalid')
    const send = buildSendMail({ mode: 'production', from: 'cpis@register.example', url })
    expect(await send(MAIL)).toEqual({ fault: 'unresolved' })
  })
})

describe('in production', () => {
  const production = { mode: 'production', ca: testAuthority } as const

  test('nothing goes to a server that offers no TLS, not even the address', async () => {
    const server = await serverOf({ tls: 'none' })
    expect(await sendTo(server, production)(MAIL)).toHaveProperty(['fault'])
    expect([server.asked, server.taken]).toEqual([[], []])
  })

  test.each([
    ['STARTTLS', 'starttls', 'smtp'],
    ['TLS from the start', 'tls', 'smtps'],
  ] as const)('a mail goes by %s, the password within it', async (_what, tls, scheme) => {
    const server = await serverOf({ tls, user: { name: 'cpis', password: 'p:w@d' } })
    expect(await sendTo(server, { ...production, scheme, login: 'cpis:p%3Aw%40d@' })(MAIL)).toMatchObject({ code: 250 })
    expect(server.taken).toMatchObject([{ isSecure: true, user: 'cpis' }])
  })

  test.each([
    ['STARTTLS', 'starttls', 'smtp'],
    ['TLS from the start', 'tls', 'smtps'],
  ] as const)('nothing goes by %s to a certificate that nobody trusts', async (_what, tls, scheme) => {
    const server = await serverOf({ tls })
    expect(await sendTo(server, { mode: 'production', scheme })(MAIL)).toEqual({ fault: 'tls' })
    expect([server.asked, server.taken]).toEqual([[], []])
  })

  test('a password that is wrong is an answer', async () => {
    const server = await serverOf({ tls: 'starttls', user: { name: 'cpis', password: 'right' } })
    expect(await sendTo(server, { ...production, login: 'cpis:wrong@' })(MAIL)).toMatchObject({ code: 535 })
    expect(server.taken).toEqual([])
  })
})

test('a mail has one recipient, one stable id, plain text, and says nothing of the machine', async () => {
  const server = await serverOf()
  const send = sendTo(server)
  await send(MAIL)
  await send(MAIL)
  const [first, again] = server.taken
  expect(again?.parsed.messageId).toBe('<a_1_1@register.example>')
  expect(first).toMatchObject({ from: 'cpis@register.example', to: ['duty@council.example'], isSecure: false })
  expect(first?.parsed).toMatchObject({
    messageId: '<a_1_1@register.example>',
    subject: 'CP-IS: 1 new alert',
    text: 'One.\nTwo.\n',
    html: false,
    attachments: [],
    date: MAIL.at,
  })
  const names = first?.parsed.headerLines.map(({ key }) => key).sort()
  expect(names).toEqual([
    'auto-submitted',
    'content-transfer-encoding',
    'content-type',
    'date',
    'from',
    'message-id',
    'mime-version',
    'subject',
    'to',
    'x-auto-response-suppress',
  ])
  expect(first?.raw).not.toMatch(/nodemailer|localhost/i)
})

test('a line end in a subject adds no header and no recipient', async () => {
  const server = await serverOf()
  await sendTo(server)({ ...MAIL, subject: 'A\r\nBcc: other@elsewhere.example', id: 'b\r\nX: y' })
  expect(server.taken.map(({ to }) => to)).toEqual([['duty@council.example']])
  expect(server.taken[0]?.parsed.headers.has('bcc')).toBe(false)
  expect(server.taken[0]?.parsed.headers.has('x')).toBe(false)
})
