/** One try of a Subscription of channel email: the message as a mail without anything of a person, and the server's answer as a class (delivery.md step 4; docs/decisions/0007). */
import type { Bundle, Parameters, ParametersParameter } from '@medplum/fhirtypes'
import type { Context } from '../context.ts'
import { buildAlertMail } from '../domain/alert-mail.ts'
import { checkMailbox, parseMailto } from '../domain/mailbox.ts'
import type { NotificationType } from '../domain/notification.ts'
import type { Answer, Parcel, Send } from './send.ts'
import type { MailReply } from './send-mail.ts'

/** Mail or HTTP, by the channel. */
export function buildSendByChannel(byHttp: Send, byMail: Send): Send {
  return (parcel) => (parcel.draft.channel === 'email' ? byMail(parcel) : byHttp(parcel))
}

/** The sender by mail. The list of the authority is looked at again for each try. Network I/O; never throws for anything the server does. */
export function buildSendByMail({ clock, config, mail }: Pick<Context, 'clock' | 'config' | 'mail'>): Send {
  return async ({ webhookId, bundle, draft, authority }: Parcel) => {
    const at = clock()
    const end = (answer: Omit<Answer, 'at' | 'durationMs'>): Answer => ({
      at,
      durationMs: clock().getTime() - at.getTime(),
      ...answer,
    })
    const to = parseMailto(draft.endpoint)
    if (mail === undefined || to === undefined) return end({ answer: 'not-allowed' })
    const facts = { mode: config.mode, allowedMailboxes: mail.allowedMailboxes(authority) }
    if (checkMailbox(draft.endpoint, facts) !== undefined) return end({ answer: 'not-allowed' })
    const base = `${config.baseUrl}/FHIR/R4`
    const worklist = mail.link ?? `${base}/AuditEvent?acknowledged=false&_sort=-date`
    const content = buildAlertMail({ ...readBundle(bundle), topic: draft.topic, worklist })
    const reply = await mail.send({ ...content, to, id: webhookId, at, timeoutMs: draft.timeoutSeconds * 1_000 })
    return end(describeReply(reply))
  }
}

/** RFC 3463: this mailbox is not there, or has moved: no repeat will help. Anything else that is refused for good may be a mistake that somebody mends. */
const GONE = /^5\.1\.[16]$/

function describeReply(reply: MailReply): Omit<Answer, 'at' | 'durationMs'> {
  if ('fault' in reply) return { answer: reply.fault }
  const { code, enhanced = '' } = reply
  return { answer: `${Math.floor(code / 100)}xx`, status: code, ...(GONE.test(enhanced) ? { isGone: true } : {}) }
}

/** What a mail is made of is read out of the Bundle, so that it can say no more than the content that was asked for. */
function readBundle(bundle: Bundle): {
  readonly type: NotificationType
  readonly numbers: readonly number[]
  readonly links: readonly string[]
} {
  const status = bundle.entry?.[0]?.resource as Parameters | undefined
  const parameters = status?.parameter ?? []
  const events = parameters.filter(({ name }) => name === 'notification-event')
  const type = parameters.find(({ name }) => name === 'type')?.valueCode as NotificationType
  return {
    type,
    numbers: events.map(({ part }) => Number(find(part, 'event-number')?.valueString)),
    links: [...new Set(events.flatMap(({ part }) => find(part, 'focus')?.valueReference?.reference ?? []))],
  }
}

function find(parts: readonly ParametersParameter[] | undefined, name: string): ParametersParameter | undefined {
  return parts?.find((one) => one.name === name)
}
