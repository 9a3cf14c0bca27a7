/** EpisodeOfCare/$validate and Bundle/$validate (R4 resource-operation-validate): what would be said if it were filed, by the very rules that file it, with nothing stored. */

import type { AuthorityCaller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import { PROFILE } from '../fhir/canonicals.ts'
import { FhirError, statusOf } from '../fhir/fhir-error.ts'
import { isObject } from '../fhir/json-object.ts'
import { buildOutcome, type Issue, issue } from '../fhir/outcome.ts'
import { type ParameterSpec, parseParameters } from '../fhir/parameters.ts'
import type { FhirRequest, FhirResponse, Handler } from './interaction.ts'
import { requireAuthority } from './owned-rows.ts'
import { asFhirError } from './run-interaction.ts'
import { hashOf } from './transaction/body-hash.ts'
import { parseBundle } from './transaction/bundle-entries.ts'
import { applyEach, buildAlonePreparer, prepareAll } from './transaction/run-batch.ts'
import { checkReply } from './transaction/stored-reply.ts'
import { type BundleWork, isWriting, parseReads, prepareEntries } from './transaction.ts'
import { applyChanges } from './write/apply-changes.ts'
import type { Change } from './write/change.ts'
import { writeFacts } from './write/commit-changes.ts'
import { filingFacts } from './write/filing-facts.ts'
import { prepareChange } from './write/prepare-change.ts'

/** What is to be judged, and as what. */
interface Asked {
  readonly resource: unknown
  readonly mode: 'create' | 'update'
}

interface Judging {
  readonly request: FhirRequest
  readonly caller: AuthorityCaller
  readonly context: Context
}

const SPEC = {
  resource: { type: 'resource', min: 1, max: 1 },
  mode: { type: 'valueCode', min: 0, max: 1 },
  profile: { type: 'valueUri', min: 0, max: 1 },
} as const satisfies ParameterSpec

/** Always 200 with every issue when it could be judged, those of errors included. Throws FhirError for wrong parameters, and UNAVAILABLE. Changes nothing. */
export const handleValidate: Handler = async (request, caller, context) => {
  const authority = requireAuthority(caller)
  const asked = parseAsked(request)
  const judging: Judging = { request, caller: authority, context }
  const issues = await judge(asked, judging)
  const codes = [...new Set(issues.map((one) => one.code))]
  return { status: 200, resource: buildOutcome(issues), audit: { codes } } satisfies FhirResponse
}

/** What the real thing throws is an answer here, unless it could not be judged. */
async function judge(asked: Asked, judging: Judging): Promise<readonly Issue[]> {
  try {
    return judging.request.type === 'Bundle' ? await judgeBundle(asked, judging) : await judgePlan(asked, judging)
  } catch (thrown) {
    const error = asFhirError(thrown)
    if (statusOf(error.issues) >= 500) throw thrown
    return error.issues
  }
}

/** As POST EpisodeOfCare; with mode update as PUT: by its id, or by its first identifier as in a nightly run. */
async function judgePlan({ resource, mode }: Asked, judging: Judging): Promise<readonly Issue[]> {
  const { request, caller, context } = judging
  const filing = await filingFacts(request, caller, context)
  const how = mode === 'create' ? ({ method: 'POST' } as const) : howToUpdate(resource)
  const change = prepareChange({ place: '', type: 'EpisodeOfCare', resource, ...how }, { filing, context })
  return rehearse([change], judging)
}

function howToUpdate(resource: unknown): { method: 'PUT'; id?: string; condition?: string } {
  const { id, identifier } = isObject(resource) ? resource : {}
  if (typeof id === 'string') return { method: 'PUT', id }
  const [first] = Array.isArray(identifier) ? identifier : []
  const { system, value } = isObject(first) ? first : {}
  if (typeof system !== 'string' || typeof value !== 'string') return { method: 'PUT' }
  return { method: 'PUT', condition: `identifier=${encodeURIComponent(`${escaped(system)}|${escaped(value)}`)}` }
}

/** R4 search "escaping search parameters". */
function escaped(text: string): string {
  return text.replace(/[\\,|$]/g, (one) => `\\${one}`)
}

async function judgeBundle({ resource }: Asked, judging: Judging): Promise<readonly Issue[]> {
  const parsed = parseBundle(resource)
  if ('issues' in parsed) return parsed.issues
  const work: BundleWork = { ...judging, bundle: parsed.bundle, bodyHash: () => hashOf(resource, judging.context) }
  await checkReply(work)
  return parsed.bundle.type === 'batch' ? judgeBatch(work, judging) : judgeTransaction(work, judging)
}

async function judgeTransaction(work: BundleWork, judging: Judging): Promise<readonly Issue[]> {
  const { issues } = parseReads(work, work.bundle.entries)
  const prepared = await prepareEntries(work, work.bundle.entries.filter(isWriting))
  if (issues.length > 0) return 'issues' in prepared ? [...prepared.issues, ...issues] : issues
  return 'issues' in prepared ? prepared.issues : rehearse(prepared.changes, judging)
}

async function rehearse(changes: readonly Change[], { request, caller, context }: Judging): Promise<readonly Issue[]> {
  const facts = writeFacts(request, caller, context)
  const outcome = await context.store.rehearse((unit) => applyChanges(unit, changes, facts))
  return 'issues' in outcome ? outcome.issues : outcome.applied.flatMap(({ issues }) => issues)
}

/** Each entry alone, in the order sent, each seeing what those before it would leave. */
async function judgeBatch(work: BundleWork, { request, caller, context }: Judging): Promise<readonly Issue[]> {
  const facts = writeFacts(request, caller, context)
  const part = await prepareAll(await buildAlonePreparer(work), work.bundle.entries)
  const done = await context.store.rehearse((unit) => applyEach(unit, part, { facts }))
  return done.flatMap((one) => ('applied' in one ? one.applied.issues : 'issues' in one ? one.issues : []))
}

/** The bare resource with mode and profile in the address, or Parameters. All faults at once. */
function parseAsked(request: FhirRequest): Asked {
  const { body } = request
  const isWrapped = isObject(body) && body['resourceType'] === 'Parameters'
  const parsed = parseParameters(isWrapped ? body : { resourceType: 'Parameters', parameter: named(body) }, SPEC)
  const unused = request.parameters.filter(([name]) => isWrapped || !(name === 'mode' || name === 'profile'))
  const faults = [
    ...(unused.length === 0 ? [] : [issue('UNKNOWN_PARAMETER')]),
    ...('issues' in parsed ? parsed.issues : []),
  ]
  if (!('values' in parsed) || faults.length > 0) throw new FhirError(faults)
  const { resource, mode, profile } = withAddress(parsed.values, request.parameters)
  const wrong = [...checkMode(mode), ...checkProfile(profile, request.type)]
  if (wrong.length > 0) throw new FhirError(wrong)
  return { resource, mode: mode === 'update' ? 'update' : 'create' }
}

function named(body: unknown): readonly object[] {
  return [{ name: 'resource', resource: body }]
}

interface Values {
  readonly resource: unknown
  readonly mode: string | undefined
  readonly profile: string | undefined
}

function withAddress(values: Values, parameters: FhirRequest['parameters']): Values {
  const sent = (name: string): string | undefined => parameters.find(([one]) => one === name)?.[1]
  return { ...values, mode: values.mode ?? sent('mode'), profile: values.profile ?? sent('profile') }
}

function checkMode(mode: string | undefined): readonly Issue[] {
  if (mode === undefined || mode === 'create' || mode === 'update') return []
  return [issue('INVALID_PARAMETER', undefined, 'mode is create or update.')]
}

/** What is filed is judged by the profile of its type; no other is offered. */
function checkProfile(profile: string | undefined, type: string | undefined): readonly Issue[] {
  const ours = type === 'EpisodeOfCare' ? PROFILE.plan : 'http://hl7.org/fhir/StructureDefinition/Bundle'
  if (profile === undefined || profile.split('|')[0] === ours) return []
  return [issue('INVALID_PARAMETER', undefined, `This is judged by ${ours}. Leave profile out.`)]
}
