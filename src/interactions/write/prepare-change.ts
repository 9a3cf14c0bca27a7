/** What a caller sent → a change ready for a transaction: shape, profile and the rules that need no database, all faults at once (R16). CPU only. */
import type { EpisodeOfCare, Flag, Organization, Patient, Resource, Subscription } from '@medplum/fhirtypes'
import type { Context } from '../../context.ts'
import type { ResourceId } from '../../domain/brands.ts'
import { buildSubscriptionIndex, parseSubscription } from '../../domain/subscription.ts'
import type { FilingFacts } from '../../domain/upload/draft.ts'
import { mergeIssues } from '../../domain/upload/merge-issues.ts'
import { dropNotHeld } from '../../domain/upload/not-held.ts'
import { parseAuthority } from '../../domain/upload/parse-authority.ts'
import { parseFlag } from '../../domain/upload/parse-flag.ts'
import { parsePatient } from '../../domain/upload/parse-patient.ts'
import { parsePlan } from '../../domain/upload/parse-plan.ts'
import { PROFILE } from '../../fhir/canonicals.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { OwnedType } from '../../store/store.ts'
import type { Change, Draft } from './change.ts'

/** A change as asked for, before its content was looked at. */
export interface ChangeParts {
  readonly place: string
  readonly method: Change['method']
  readonly type: OwnedType
  readonly id?: string
  readonly condition?: string
  readonly ifMatch?: string
  readonly fullUrl?: string
  readonly resource?: unknown
}

export interface Preparing {
  readonly filing: FilingFacts
  readonly context: Pick<Context, 'profiles' | 'newId' | 'config' | 'allowedHosts' | 'mail'>
}

const INPUT_PROFILE: Record<OwnedType, string> = {
  EpisodeOfCare: PROFILE.plan,
  Flag: PROFILE.flag,
  Patient: PROFILE.patient,
  Organization: PROFILE.authority,
  Subscription: PROFILE.subscription,
}

/** The change with its draft, or with every fault of its content; places are below the resource. Takes ids; no other effect. */
export function prepareChange(parts: ChangeParts, { filing, context }: Preparing): Change {
  const { resource, id, ...asked } = parts
  const base = {
    ...asked,
    ...(id === undefined ? {} : { id: id as ResourceId }),
    freshId: context.newId() as ResourceId,
    freshFlagId: context.newId() as ResourceId,
  }
  if (parts.method === 'DELETE') return { ...base, issues: [] }
  if (!isResourceOf(resource, parts.type)) {
    return { ...base, issues: [issue('INVALID_RESOURCE', undefined, `The body must be one ${parts.type}.`)] }
  }
  const bodyId = 'id' in resource && typeof resource.id === 'string' ? resource.id : undefined
  const { draft, issues } = parseContent(resource, parts, { filing, context })
  const idFault = checkBodyId(parts, bodyId)
  return {
    ...base,
    ...(bodyId === undefined ? {} : { bodyId }),
    ...(draft === undefined ? {} : { draft }),
    issues: idFault === undefined ? issues : [idFault, ...issues],
  }
}

function checkBodyId(parts: ChangeParts, bodyId: string | undefined): Issue | undefined {
  const hasOwnId = parts.method === 'PUT' || parts.method === 'PATCH'
  if (!hasOwnId || parts.id === undefined || bodyId === parts.id) return undefined
  return issue('ID_MISMATCH', `${parts.type}.id`)
}

function isResourceOf(resource: unknown, type: OwnedType): resource is Resource {
  return (
    typeof resource === 'object' && resource !== null && 'resourceType' in resource && resource.resourceType === type
  )
}

/** Remarks on what is not held, then the profile's and the rules' findings; where both name one place, the rule speaks. */
function parseContent(
  sent: Resource,
  parts: ChangeParts,
  { filing, context }: Preparing,
): { readonly draft?: Draft; readonly issues: readonly Issue[] } {
  const { resource, issues: notHeld } = dropNotHeld(sent)
  const byProfile = context.profiles.check(resource, INPUT_PROFILE[parts.type])
  const parsed =
    resource.resourceType === 'Subscription'
      ? parseSubscriptionDraft(resource, byProfile, { filing, context })
      : parseDraft(resource, filing)
  const issues = [...mergeIssues(byProfile, parsed.issues), ...notHeld]
  return parsed.draft === undefined || issues.some(isError) ? { issues } : { draft: parsed.draft, issues }
}

function parseDraft(
  resource: Resource,
  filing: FilingFacts,
): { readonly draft?: Draft; readonly issues: readonly Issue[] } {
  switch (resource.resourceType) {
    case 'EpisodeOfCare':
      return withKind('EpisodeOfCare', parsePlanDraft(resource, filing))
    case 'Patient':
      return withKind('Patient', parsePatientDraft(resource, filing))
    case 'Flag':
      return withKind('Flag', parseFlagDraft(resource, filing))
    case 'Organization':
      return withKind('Organization', parseAuthorityDraft(resource, filing))
    default:
      return { issues: [] }
  }
}

/** A Subscription of a shape that R4 knows not is left to the profile's findings. */
function parseSubscriptionDraft(
  resource: Subscription,
  byProfile: readonly Issue[],
  { filing, context }: Preparing,
): { readonly draft?: Draft; readonly issues: readonly Issue[] } {
  if (byProfile.some((one) => one.code === 'INVALID_RESOURCE')) return { issues: [] }
  const { authority } = filing
  const { mail } = context
  const facts = {
    authority,
    mode: context.config.mode,
    allowedHosts: context.allowedHosts(authority),
    ...(mail === undefined ? {} : { allowedMailboxes: mail.allowedMailboxes(authority) }),
  }
  const { issues, draft } = parseSubscription(resource, facts)
  if (draft === undefined) return { issues }
  return { issues, draft: { kind: 'Subscription', resource, index: buildSubscriptionIndex(draft) } }
}

interface Parsed<D> {
  readonly issues: readonly Issue[]
  readonly draft?: D
}

const parsePlanDraft = (resource: EpisodeOfCare, filing: FilingFacts) => {
  const { issues, plan } = parsePlan(resource, filing)
  return { issues, ...(plan === undefined ? {} : { draft: plan }) }
}
const parsePatientDraft = (resource: Patient, filing: FilingFacts) => {
  const { issues, patient } = parsePatient(resource, filing)
  return { issues, ...(patient === undefined ? {} : { draft: patient }) }
}
const parseFlagDraft = (resource: Flag, filing: FilingFacts) => {
  const { issues, flag } = parseFlag(resource, filing)
  return { issues, ...(flag === undefined ? {} : { draft: flag }) }
}
const parseAuthorityDraft = (resource: Organization, filing: FilingFacts) => {
  const { issues, authority } = parseAuthority(resource, filing)
  return { issues, ...(authority === undefined ? {} : { draft: authority }) }
}

function withKind<K extends Draft['kind'], D extends object>(
  kind: K,
  parsed: Parsed<D>,
): { readonly draft?: { readonly kind: K } & D; readonly issues: readonly Issue[] } {
  return { issues: parsed.issues, ...(parsed.draft === undefined ? {} : { draft: { kind, ...parsed.draft } }) }
}
