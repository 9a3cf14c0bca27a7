/** The channel of a Subscription: its kind, its payload and the numbers and extensions it takes (delivery.md "Subscription"; Subscriptions R5 Backport 1.1.0). */
import type { Extension, Subscription } from '@medplum/fhirtypes'
import { BACKPORT, EXTENSION } from '../fhir/canonicals.ts'
import { type Issue, issue } from '../fhir/outcome.ts'

/** Extension URLs of the Backport IG by the names used here. */
export const BACKPORT_EXTENSION = {
  filter: BACKPORT.filterCriteria,
  content: BACKPORT.payloadContent,
  heartbeat: BACKPORT.heartbeatPeriod,
  timeout: BACKPORT.timeout,
  maxCount: BACKPORT.maxCount,
  digest: EXTENSION.mailDigest,
} as const

export type PayloadContent = 'empty' | 'id-only' | 'full-resource'
export const PAYLOAD_CONTENTS: readonly PayloadContent[] = ['empty', 'id-only', 'full-resource']

/** Longest and usual time for one try, in seconds. */
export const MOST_TIMEOUT_SECONDS = 60
export const DEFAULT_TIMEOUT_SECONDS = 10
/** More events than this never go into one bundle, whatever max-count allows. */
export const MOST_EVENTS_PER_BUNDLE = 100
/** Longest time for which a digest gathers. */
export const MOST_DIGEST_MINUTES = 1_440

/** A list, whatever was sent: base validation says what is wrong with anything else. */
export function listOf<T>(sent: readonly T[] | undefined): readonly T[] {
  return Array.isArray(sent) ? sent : []
}

/** Faults of a rest-hook. Pure. */
export function checkChannel(resource: Subscription, { digest }: ChannelNumbers): readonly Issue[] {
  const channel = resource.channel
  const issues: Issue[] = []
  if (channel?.type !== 'rest-hook') issues.push(refuse('channel.type', 'Only rest-hook and email are offered.'))
  if (digest !== undefined)
    issues.push(refuse('channel.extension', 'Only mail is gathered: a rest-hook takes max-count.'))
  if (typeof channel?.endpoint !== 'string') issues.push(refuse('channel.endpoint', 'An endpoint is needed.'))
  const jsonOnly = /^application\/fhir\+json(; ?fhirVersion=4\.0)?$/
  if (!jsonOnly.test(channel?.payload ?? '')) {
    issues.push(
      refuse('channel.payload', 'The payload must be application/fhir+json, with fhirVersion=4.0 or without.'),
    )
  }
  return issues
}

/** Faults of a mail: it is text, with nothing of a resource in it. Pure. */
export function checkMailChannel(
  { channel }: Subscription,
  { heartbeat }: ChannelNumbers,
  content: PayloadContent | undefined,
): readonly Issue[] {
  const issues: Issue[] = []
  if (typeof channel.endpoint !== 'string') issues.push(refuse('channel.endpoint', 'An endpoint is needed.'))
  if (channel.payload !== 'text/plain') issues.push(refuse('channel.payload', 'The payload of a mail is text/plain.'))
  if (content === 'full-resource')
    issues.push(refuse('channel.payload', 'A mail never holds a resource: ask for empty or id-only.'))
  if (listOf(channel.header).length > 0) issues.push(refuse('channel.header', 'A mail takes no headers.'))
  if (heartbeat !== undefined) issues.push(refuse('channel.extension', 'A mail has no heartbeat.'))
  return issues
}

/** What a notification holds, said on the payload; or why it is not understood. Pure. */
export function readContent(extensions: readonly Extension[]): {
  readonly issues: readonly Issue[]
  readonly content?: PayloadContent
} {
  const place = 'channel.payload'
  const unknown = extensions.findIndex((one) => one.url !== BACKPORT_EXTENSION.content)
  if (unknown !== -1) return { issues: [refuse(`${place}.extension[${unknown}]`, 'This extension is not known here.')] }
  const content = PAYLOAD_CONTENTS.find((one) => one === extensions[0]?.valueCode)
  return content === undefined || extensions.length > 1
    ? { issues: [refuse(place, `Exactly one backport-payload-content is needed: ${PAYLOAD_CONTENTS.join(', ')}.`)] }
    : { issues: [], content }
}

interface ChannelNumbers {
  readonly issues: readonly Issue[]
  readonly heartbeat?: number
  readonly timeout?: number
  readonly maxCount?: number
  /** Minutes. */
  readonly digest?: number
}

/** The extensions of the channel that are numbers, within their bounds. Pure. */
export function readNumbers(extensions: readonly Extension[]): ChannelNumbers {
  const issues: Issue[] = []
  const found: { heartbeat?: number; timeout?: number; maxCount?: number; digest?: number } = {}
  for (const [index, { url, valueUnsignedInt, valuePositiveInt }] of extensions.entries()) {
    const name = (['heartbeat', 'timeout', 'maxCount', 'digest'] as const).find(
      (one) => BACKPORT_EXTENSION[one] === url,
    )
    const value = name === 'maxCount' || name === 'digest' ? valuePositiveInt : valueUnsignedInt
    const most = name === undefined ? 0 : MOST_OF[name]
    const fits = name !== undefined && found[name] === undefined && Number.isInteger(value)
    if (fits && value !== undefined && value >= 1 && value <= most) found[name] = value
    else issues.push(refuse(`channel.extension[${index}]`, NUMBERS_HELP))
  }
  return { issues, ...found }
}

const MOST_OF = {
  heartbeat: Number.MAX_SAFE_INTEGER,
  timeout: MOST_TIMEOUT_SECONDS,
  maxCount: Number.MAX_SAFE_INTEGER,
  digest: MOST_DIGEST_MINUTES,
} as const

const NUMBERS_HELP = `A channel takes, each once: heartbeat-period (seconds, 1 or more), timeout (1 to ${MOST_TIMEOUT_SECONDS} seconds), max-count (1 or more); by mail cpis-mail-digest (1 to ${MOST_DIGEST_MINUTES} minutes).`

/** The issue at a place below Subscription. Pure. */
export function refuse(place: string, text: string): Issue {
  return issue('SUBSCRIPTION_NOT_TAKEN', `Subscription.${place}`, text)
}
