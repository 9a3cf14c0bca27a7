/** The topics whose events are made (delivery.md "Topics"). */
import type { Topic } from '../../domain/events.ts'

export const OFFERED_TOPICS: readonly Topic[] = ['child-checked', 'incident-opened']
