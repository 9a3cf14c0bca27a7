/** cpis-subscription: the Backport R4 shape (1.1.0) as far as it is offered (delivery.md "Subscription"). */
import { BACKPORT, EXTENSION, VALUE_SET } from '../../src/fhir/canonicals.ts'
import { PLAIN_META } from './common-elements.ts'
import { one, type ProfileSpec } from './profile-spec.ts'

export const SUBSCRIPTION: ProfileSpec = {
  name: 'cpis-subscription',
  title: 'CP-IS subscription',
  type: 'Subscription',
  description:
    'A topic-based Subscription of a local authority, in the shape of backport-subscription of the Subscriptions R5 Backport guide, 1.1.0 for R4 (http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription), which a Subscription here should also claim. It stands on the R4 Subscription with the extensions of that guide pinned in place, so that it can be validated without the guide.',
  root: {
    constraints: [
      {
        key: 'cpis-subscription-1',
        human: 'The topic and the type of the payload have values of their own, not extensions alone',
        expression:
          '(criteria.exists() implies criteria.hasValue()) and (channel.payload.exists() implies channel.payload.hasValue())',
      },
    ],
    children: {
      ...PLAIN_META,
      status: { valueSet: VALUE_SET.subscriptionStatus },
      contact: { children: { system: one(), value: one(), use: {}, rank: {} } },
      end: {},
      reason: {},
      criteria: {
        short: 'Canonical of the topic',
        extensions: {
          filterCriteria: { url: BACKPORT.filterCriteria, max: '*', value: { type: 'string' } },
        },
        children: { value: {} },
      },
      error: { short: 'Set by the server' },
      channel: {
        extensions: {
          heartbeatPeriod: { url: BACKPORT.heartbeatPeriod, value: { type: 'unsignedInt' } },
          timeout: { url: BACKPORT.timeout, value: { type: 'unsignedInt' } },
          maxCount: { url: BACKPORT.maxCount, value: { type: 'positiveInt' } },
          mailDigest: { url: EXTENSION.mailDigest },
        },
        children: {
          type: { valueSet: VALUE_SET.channelType },
          endpoint: one(),
          payload: one({
            extensions: {
              payloadContent: {
                url: BACKPORT.payloadContent,
                min: 1,
                value: { type: 'code', valueSet: VALUE_SET.payloadContent },
              },
            },
            children: { value: {} },
          }),
          header: {},
        },
      },
    },
  },
}
