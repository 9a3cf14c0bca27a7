/** What a test may ask of a delivery process (delivery-process.ts): at which marked point it ends or stops. */
import type { AuthorityCode } from '../../src/domain/brands.ts'

/** Where a process may end (delivery.md "From check to endpoint"): each lies between two things that it does. */
export const POINTS = [
  'after the commit of the event, before numbering',
  'before numbering',
  'inside numbering',
  'between numbering and send',
  'after the batch is fixed, before it is sent',
  'after the receiver took it, before the mark',
  'inside the mark',
  'after the mark',
  'before a lease is renewed',
  'after a lease is renewed',
] as const
export type Point = (typeof POINTS)[number]

export interface ProcessWish {
  readonly url: string
  readonly database: string
  readonly keysFile: string
  readonly point?: Point
  readonly how?: 'SIGKILL' | 'SIGSTOP'
  /** Events that it commits itself before it delivers. */
  readonly commits?: number
  readonly authority?: AuthorityCode
}
