/** The topics whose events are made (delivery.md "Topics"). */
import type { Topic } from '../../domain/events.ts'

export const OFFERED_TOPICS: readonly Topic[] = [
  'child-checked',
  'incident-opened',
  'nhs-number-superseded',
  'nhs-number-missing',
  'baby-born',
]
