/** One type in the CapabilityStatement (R4 capabilitystatement.html, rest.resource), worked out from its rows. */
import type { CapabilityStatementRestResource } from '@medplum/fhirtypes'
import { BACKPORT, canonical, PROFILE } from '../../fhir/canonicals.ts'
import type { CapabilityRow } from '../capabilities.ts'
import { isOwnedType } from '../owned-rows.ts'
import { inclusionsOf } from '../search/include.ts'
import { BACKPORT_OPERATION } from '../subscription/backport-operations.ts'
import { OFFERED_TOPICS } from './offered-topics.ts'
import { searchParamsOf } from './search-params.ts'

const TOPIC_EXTENSION =
  'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical'

/** Operations that others define, and ours whose id is not their name. */
const DEFINED_AT: Readonly<Record<string, string>> = {
  validate: 'http://hl7.org/fhir/OperationDefinition/Resource-validate',
  ...BACKPORT_OPERATION,
  resend: canonical('OperationDefinition', 'subscription-resend'),
}

/** The profile of what is filed and read, and those of what is shown besides. */
const PROFILES: Readonly<Record<string, { readonly profile?: string; readonly supported?: readonly string[] }>> = {
  EpisodeOfCare: { profile: PROFILE.plan, supported: [PROFILE.planDisclosed] },
  Flag: { profile: PROFILE.flag, supported: [PROFILE.flagDisclosed] },
  Patient: { profile: PROFILE.patient },
  Organization: { supported: [PROFILE.authority, PROFILE.site] },
  AuditEvent: { supported: [PROFILE.checkAudit, PROFILE.access] },
  Subscription: { profile: PROFILE.subscription, supported: [BACKPORT.subscription] },
}

const DOCUMENTATION: Readonly<Record<string, string>> = {
  EpisodeOfCare: 'A plan: child protection plan, looked-after child, or unborn child protection plan.',
  Flag: 'The signal of a plan. The server keeps one for each plan; a Bundle may bring it if it agrees.',
  Patient: 'The child, or the mother of an unborn child, as its local authority knows it.',
  Organization: 'Local authorities with whom to call, and NHS organisations and sites.',
  AuditEvent:
    'Who looked: an authority reads accesses to its own children and its own writes; never written by clients.',
  Subscription:
    'Where an authority’s alerts go (Subscriptions R5 Backport 1.1.0 for R4): by rest-hook; by email where a mail server is set.',
  Bundle: 'What a council sends, judged before it is sent: nothing is stored.',
  Basic: 'The topics that can be subscribed to.',
}

/** `rows`: all rows of this type. Pure. */
export function buildResourceEntry(type: string, rows: readonly CapabilityRow[]): CapabilityStatementRestResource {
  const { profile, supported } = PROFILES[type] ?? {}
  const documentation = DOCUMENTATION[type]
  const interactions = [...new Set(rows.map((row) => row.interaction))].filter((code) => code !== 'operation')
  const operations = rows.flatMap(({ operation }) => (operation === undefined ? [] : [operation]))
  const canSearch = interactions.includes('search-type')
  return {
    ...(type === 'Subscription' ? { extension: topicExtensions() } : {}),
    type: type as CapabilityStatementRestResource['type'],
    ...(profile === undefined ? {} : { profile }),
    ...(supported === undefined ? {} : { supportedProfile: [...supported] }),
    ...(documentation === undefined ? {} : { documentation }),
    ...(interactions.length === 0 ? {} : { interaction: interactions.map((code) => ({ code: code as 'read' })) }),
    ...versioningOf(rows),
    ...(canSearch ? { ...inclusionEntries(type), searchParam: searchParamsOf(type) } : {}),
    ...(operations.length === 0 ? {} : { operation: [...new Set(operations)].map(operationEntry) }),
  }
}

type Versioning = Pick<
  CapabilityStatementRestResource,
  | 'versioning'
  | 'readHistory'
  | 'updateCreate'
  | 'conditionalCreate'
  | 'conditionalRead'
  | 'conditionalUpdate'
  | 'conditionalDelete'
  | 'referencePolicy'
>

function versioningOf(rows: readonly CapabilityRow[]): Versioning {
  const [type] = rows.map((row) => row.type)
  const has = (code: CapabilityRow['interaction']): boolean => rows.some((row) => row.interaction === code)
  const onType = (method: string): boolean => rows.some((row) => row.method === method && row.path === type)
  if (!has('vread')) return { versioning: 'no-version', updateCreate: false }
  return {
    versioning: 'versioned',
    readHistory: has('history-instance'),
    updateCreate: false,
    conditionalCreate: has('create'),
    conditionalRead: 'full-support',
    conditionalUpdate: onType('PUT'),
    conditionalDelete: onType('DELETE') ? 'single' : 'not-supported',
    referencePolicy: ['literal', 'logical'],
  }
}

function inclusionEntries(type: string): Pick<CapabilityStatementRestResource, 'searchInclude' | 'searchRevInclude'> {
  const { include, revinclude } = isOwnedType(type) ? inclusionsOf(type) : { include: [], revinclude: [] }
  return {
    ...(include.length === 0 ? {} : { searchInclude: [...include] }),
    ...(revinclude.length === 0 ? {} : { searchRevInclude: [...revinclude] }),
  }
}

function operationEntry(name: string): { name: string; definition: string } {
  return { name, definition: DEFINED_AT[name] ?? canonical('OperationDefinition', name) }
}

function topicExtensions() {
  return OFFERED_TOPICS.map((topic) => ({
    url: TOPIC_EXTENSION,
    valueCanonical: canonical('SubscriptionTopic', topic),
  }))
}
