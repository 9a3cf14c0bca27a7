/** The subscription topics (delivery.md "Topics"), each a Basic: R4 has no SubscriptionTopic. */
import type { Basic, Extension } from '@medplum/fhirtypes'
import { canonical, EXTENSION, SYSTEM } from '../../src/fhir/canonicals.ts'
import { CONTRACT_VERSION } from './published.ts'

interface TopicSaid {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly focus: 'AuditEvent' | 'EpisodeOfCare'
  readonly filters: readonly string[]
}

const ACCESS_FILTERS = [
  'plan-status: open or closed, e.g. plan-status=open',
  'plan-type: code of cpis-plan-type',
  'setting: code of cpis-care-setting',
  'incidents-in-six-months: least number, e.g. incidents-in-six-months=ge3',
]

function topic(said: TopicSaid): Basic {
  const parts: Extension[] = [
    { url: 'url', valueUri: canonical('SubscriptionTopic', said.name) },
    { url: 'version', valueString: CONTRACT_VERSION },
    { url: 'title', valueString: said.title },
    { url: 'status', valueCode: 'active' },
    { url: 'description', valueMarkdown: said.description },
    { url: 'focus', valueCode: said.focus },
    ...said.filters.map((filter) => ({ url: 'filter', valueString: filter })),
  ]
  return {
    resourceType: 'Basic',
    id: said.name,
    extension: [{ url: EXTENSION.subscriptionTopic, extension: parts }],
    code: { coding: [{ system: SYSTEM.topicCode, code: 'subscription-topic', display: 'Subscription topic' }] },
  }
}

export const TOPICS: readonly Basic[] = [
  topic({
    name: 'child-checked',
    title: 'A child was seen',
    description: 'One access, from an unscheduled setting, to a child with a visible plan of this authority.',
    focus: 'AuditEvent',
    filters: ACCESS_FILTERS,
  }),
  topic({
    name: 'incident-opened',
    title: 'An incident began',
    description: 'The first access of an incident while a plan of this authority is visible: one event per incident.',
    focus: 'AuditEvent',
    filters: ACCESS_FILTERS,
  }),
  topic({
    name: 'nhs-number-superseded',
    title: 'An NHS number was replaced',
    description:
      'The NHS has replaced the number on a visible plan; at once, then daily until the plan carries the new one.',
    focus: 'EpisodeOfCare',
    filters: [],
  }),
  topic({
    name: 'nhs-number-missing',
    title: 'A plan has no NHS number',
    description: 'A plan is invisible to the NHS because it has no number; at once, then daily at 08:00 London time.',
    focus: 'EpisodeOfCare',
    filters: [],
  }),
  topic({
    name: 'baby-born',
    title: 'A baby was born',
    description: 'The mother of an unborn plan has given birth; the plan carries the number of the baby.',
    focus: 'EpisodeOfCare',
    filters: [],
  }),
]
