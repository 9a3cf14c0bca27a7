/** What an authority answers to an alert (delivery.md "Recovery"; the CodeSystem cpis-acknowledgement): an outcome, and the role of whoever gave it, never the person. */
import type { AuthorityCode } from './brands.ts'

/** Outcome → its display and meaning, as the CodeSystem prints them. */
export const ACKNOWLEDGEMENT_CODES = {
  seen: { display: 'Seen', definition: 'Read by someone whose duty it is; what follows is not decided yet' },
  acting: { display: 'Acting', definition: 'The authority is doing something because of it' },
  'no-action-needed': { display: 'No action needed', definition: 'Judged, and nothing more is to be done' },
} as const satisfies Readonly<Record<string, { readonly display: string; readonly definition: string }>>

export type AcknowledgementCode = keyof typeof ACKNOWLEDGEMENT_CODES

/** Longest role, in characters. */
export const MOST_ROLE_CHARACTERS = 60
/** Most answers that one authority gives to one access: enough for any course of things, and an end to a loop. */
export const MOST_ACKNOWLEDGEMENTS = 20

/** One answer. Insert-only: a later one of the same authority to the same access takes its place as the current one. */
export interface Acknowledgement {
  readonly id: string
  /** Id of the AuditEvent of the access. */
  readonly auditEvent: string
  readonly authority: AuthorityCode
  /** From 1, of this authority for this access. */
  readonly sequence: number
  readonly code: AcknowledgementCode
  /** A role in free words. */
  readonly by: string
  /** Instant, ISO 8601 UTC. */
  readonly recorded: string
  readonly requestId: string
}

/** The outcome of this code; undefined for any other text. Pure. */
export function parseAcknowledgementCode(text: string): AcknowledgementCode | undefined {
  return (Object.keys(ACKNOWLEDGEMENT_CODES) as AcknowledgementCode[]).find((code) => code === text)
}

/** What is wrong with the words for a role. */
export type RoleFault = 'empty' | 'too-long' | 'characters' | 'title' | 'name' | 'no-role'

/** Words of roles and teams in children's social care. One of them must be there, and only they may begin with a capital: a person's name does. */
const ROLE_WORDS = new Set(
  `administrator adviser advisor advocate allocated allocations approved assessment assistant care carer case child
  childrens children clerk co-ordinator coordinator council consultant contact deputy desk director duty early edt
  emergency family first fostering front door head help hub independent intake intervention lead leader looked-after
  manager mash night nurse of officer on-call operations out-of-hours practice practitioner principal protection
  referral response reviewing safeguarding screening senior service services shift social specialist student
  supervisor support team triage the and worker workers`.split(/\s+/),
)
/** Of these none alone says what someone is. */
const FILLER = new Set(['of', 'the', 'and', 'door', 'first', 'early', 'head', 'out-of-hours', 'child', 'children'])
const TITLES = /(^|[^a-z])(mr|mrs|ms|miss|mx|dr|doctor|prof|professor|sir|dame|lord|lady|rev|reverend|cllr)([^a-z]|$)/i
const LETTERS = /^[A-Za-z][A-Za-z ,/&()'-]*$/
const ACRONYM = /^[A-Z]{2,5}$/

/**
 * The fault of the words for a role; undefined when there is none. Letters and plain signs only, so no number, telephone,
 * e-mail or address; no title; no word with a capital that is not of a role (an abbreviation in capitals is); one word that
 * says what someone is. A name in small letters behind a role cannot be told: docs/integrating.md asks for roles only. Pure.
 */
export function checkRole(text: string): RoleFault | undefined {
  if (text.trim() === '') return 'empty'
  if (text.length > MOST_ROLE_CHARACTERS) return 'too-long'
  if (!LETTERS.test(text)) return 'characters'
  if (TITLES.test(text)) return 'title'
  const words = text.split(/[ ,/&()]+/).filter((word) => word !== '')
  const isRole = (word: string): boolean => ROLE_WORDS.has(word.toLowerCase().replaceAll("'", ''))
  if (words.some((word) => /[A-Z]/.test(word) && !isRole(word) && !ACRONYM.test(word))) return 'name'
  const says = words.some((word) => isRole(word) && !FILLER.has(word.toLowerCase()))
  return says ? undefined : 'no-role'
}

/** What becomes of a new answer beside those given before. */
export type AcknowledgementDecision =
  | { readonly kind: 'new'; readonly sequence: number }
  /** Given before: by the same request, or the current one says the same. */
  | { readonly kind: 'repeated'; readonly stands: Acknowledgement }
  /** The request id stands for another answer. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'too-many' }

/** Decides by what this authority has answered to this access, in the order of sequence. Pure. */
export function decideAcknowledgement(
  given: readonly Acknowledgement[],
  sent: Pick<Acknowledgement, 'code' | 'by' | 'requestId'>,
): AcknowledgementDecision {
  const says = (one: Acknowledgement): boolean => one.code === sent.code && one.by === sent.by
  const sameRequest = given.find(({ requestId }) => requestId === sent.requestId)
  if (sameRequest !== undefined)
    return says(sameRequest) ? { kind: 'repeated', stands: sameRequest } : { kind: 'reused' }
  const current = given.at(-1)
  if (current !== undefined && says(current)) return { kind: 'repeated', stands: current }
  if (given.length >= MOST_ACKNOWLEDGEMENTS) return { kind: 'too-many' }
  return { kind: 'new', sequence: (current?.sequence ?? 0) + 1 }
}
