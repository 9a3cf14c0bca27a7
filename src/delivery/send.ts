/** One try: signs a Bundle, posts it to the Subscription's endpoint, and says in one class how it ended (delivery.md step 4). */
import type { Bundle } from '@medplum/fhirtypes'
import type { Context } from '../context.ts'
import type { AuthorityCode } from '../domain/brands.ts'
import type { SubscriptionDraft } from '../domain/subscription.ts'
import { FetchFault } from './guarded-fetch.ts'
import type { buildSigner } from './signature.ts'

export interface Parcel {
  readonly webhookId: string
  readonly bundle: Bundle
  readonly draft: SubscriptionDraft
  /** Whose Subscription it is. */
  readonly authority: AuthorityCode
  readonly allowedHosts: readonly string[]
}

/** How a try ended: class of the status, or the class of fault when none came. */
export interface Answer {
  readonly at: Date
  readonly durationMs: number
  readonly answer: string
  readonly status?: number
  /** As the endpoint sent it. */
  readonly retryAfter?: string
  /** By mail: the mailbox is not there. */
  readonly isGone?: true
}

export type Send = (parcel: Parcel) => Promise<Answer>

/** The sender with its collaborators. Network I/O; never throws for anything the endpoint does. */
export function buildSend(
  { clock, fetch }: Pick<Context, 'clock' | 'fetch'>,
  signer: ReturnType<typeof buildSigner>,
): Send {
  return async ({ webhookId, bundle, draft, allowedHosts }) => {
    const at = clock()
    const body = JSON.stringify(bundle)
    const request = {
      url: draft.endpoint,
      method: 'POST',
      headers: {
        ...Object.fromEntries(draft.headers.map(({ name, value }) => [name.toLowerCase(), value])),
        'content-type': draft.contentType,
        ...signer({ id: webhookId, at, body }),
      },
      body,
      timeoutMs: draft.timeoutSeconds * 1_000,
      // 2xx is all that counts: what the endpoint says besides is not read.
      maxBytes: 0,
      allowedHosts,
    } as const
    const took = (): number => clock().getTime() - at.getTime()
    try {
      const { status, headers } = await fetch(request)
      const retryAfter = headers['retry-after']
      const answer = `${Math.floor(status / 100)}xx`
      return { at, durationMs: took(), answer, status, ...(retryAfter === undefined ? {} : { retryAfter }) }
    } catch (error) {
      return { at, durationMs: took(), answer: error instanceof FetchFault ? error.fault : 'failed' }
    }
  }
}

/** Whether the endpoint took the notification. */
export function isTaken(answer: Answer): boolean {
  return answer.answer === '2xx'
}

/** Whether the endpoint says that it is gone for good (410; by mail 5.1.1). */
export function isGone(answer: Answer): boolean {
  return answer.status === 410 || answer.isGone === true
}
