/** Headers of a Subscription's channel (delivery.md "Subscription", "Signing"): which may be set, how they are masked on reading and restored on writing back. */
import type { Subscription } from '@medplum/fhirtypes'
import { type Issue, issue } from '../fhir/outcome.ts'

/** What stands for a value that is not shown. */
export const MASK = '********'

/** Headers that the server itself sets or that would change how the message is framed. */
const RESERVED =
  /^(webhook-.*|content-.*|proxy-.*|host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|date|accept-encoding)$/
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Visible ASCII, space and tab: so never CR or LF. */
const VALUE = /^[\t\x20-\x7e]*$/
const MOST_CHARACTERS = 4_096

export interface Header {
  readonly name: string
  readonly value: string
}

/** One `Name: value` line; undefined when it is none. Pure. */
export function parseHeader(line: unknown): Header | undefined {
  if (typeof line !== 'string') return undefined
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0))
  const value = line.slice(colon + 1).trim()
  return NAME.test(name) && VALUE.test(line) && line.length <= MOST_CHARACTERS ? { name, value } : undefined
}

/** Issues of the header lines, each at its place: no header line, a reserved name, or one that comes twice. Pure. */
export function checkHeaders(lines: readonly string[]): readonly Issue[] {
  const seen = new Set<string>()
  return lines.flatMap((line, index) => {
    const name = parseHeader(line)?.name.toLowerCase()
    const fault =
      name === undefined
        ? 'A header must be one line `Name: value` in visible ASCII.'
        : RESERVED.test(name)
          ? 'This header is set by the register. Remove it.'
          : seen.has(name)
            ? 'This header comes twice. Keep one.'
            : undefined
    if (name !== undefined) seen.add(name)
    return fault === undefined ? [] : [issue('SUBSCRIPTION_NOT_TAKEN', place(index), fault)]
  })
}

/** The Subscription as it may be read: names of headers, never their values. Pure. */
export function maskHeaders(subscription: Subscription): Subscription {
  const lines = subscription.channel.header
  if (lines === undefined) return subscription
  const header = lines.map((line) => `${parseHeader(line)?.name ?? 'Header'}: ${MASK}`)
  return { ...subscription, channel: { ...subscription.channel, header } }
}

/** What was sent back, with each mask replaced by the stored value of that name; an issue where nothing is stored. Pure. */
export function restoreHeaders(
  sent: Subscription,
  stored: Subscription | undefined,
): { readonly subscription: Subscription; readonly issues: readonly Issue[] } {
  const lines = sent.channel?.header
  if (!Array.isArray(lines)) return { subscription: sent, issues: [] }
  const known = new Map(
    (stored?.channel.header ?? []).map((line) => [parseHeader(line)?.name.toLowerCase(), line] as const),
  )
  const issues: Issue[] = []
  const header = lines.map((line, index) => {
    const parsed = parseHeader(line)
    if (parsed?.value !== MASK) return line
    const held = known.get(parsed.name.toLowerCase())
    if (held === undefined)
      issues.push(issue('SUBSCRIPTION_NOT_TAKEN', place(index), 'No value is held for this mask.'))
    return held ?? line
  })
  return { subscription: { ...sent, channel: { ...sent.channel, header } }, issues }
}

function place(index: number): string {
  return `Subscription.channel.header[${index}]`
}
