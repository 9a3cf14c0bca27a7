/** The operations of Subscriptions R5 Backport 1.1.0 for R4 that are served: where they are defined, and what they take. The guide publishes them; we only point there. */
import type { OperationDefinition } from '@medplum/fhirtypes'
import { BACKPORT } from '../../fhir/canonicals.ts'
import { MOST_EVENTS } from '../subscription-events.ts'

/** Code → canonical of the guide. */
export const BACKPORT_OPERATION: Readonly<Record<string, string>> = {
  status: BACKPORT.statusOperation,
  events: BACKPORT.eventsOperation,
}

type Input = readonly [name: string, type: 'id' | 'code' | 'string', max: string, documentation: string]

/** What of the guide's definitions tools need to be told, in the shape of our own. */
export const BACKPORT_DEFINITIONS: readonly OperationDefinition[] = [
  describe('status', 'How Subscriptions stand', {
    words:
      'Status Parameters of your authority’s Subscriptions, with how many events each has; of one Subscription, or of all that fit.',
    inputs: [
      ['id', 'id', '*', 'Of these Subscriptions only. On one Subscription it says nothing.'],
      ['status', 'code', '*', 'Of Subscriptions in these states only. On one Subscription it says nothing.'],
    ],
    out: 'A searchset of status Parameters.',
  }),
  describe('events', 'Events by their numbers', {
    words: `Events of the last 90 days, delivered or not, in the shape of a notification: the oldest ${MOST_EVENTS} of those asked for, and a next link when there are more.`,
    inputs: [
      ['eventsSinceNumber', 'string', '1', 'First event number.'],
      ['eventsUntilNumber', 'string', '1', 'Last event number.'],
      ['content', 'code', '1', 'empty, id-only or full-resource; as the Subscription has it when absent.'],
    ],
    out: 'A history Bundle: the status as Parameters, then what the events name.',
  }),
]

function describe(
  code: string,
  title: string,
  { words, inputs, out }: { readonly words: string; readonly inputs: readonly Input[]; readonly out: string },
): OperationDefinition {
  return {
    resourceType: 'OperationDefinition',
    ...(BACKPORT_OPERATION[code] === undefined ? {} : { url: BACKPORT_OPERATION[code] }),
    name: code,
    title,
    description: words,
    status: 'active',
    kind: 'operation',
    code,
    resource: ['Subscription'],
    system: false,
    type: code === 'status',
    instance: true,
    parameter: [
      ...inputs.map(([name, type, max, documentation]) => ({
        name,
        use: 'in' as const,
        min: 0,
        max,
        type,
        documentation,
      })),
      { name: 'return', use: 'out', min: 1, max: '1', type: 'Bundle', documentation: out },
    ],
  }
}
