/** Fills an empty sandbox: the directory, then the scenario children by the same rules as an upload. No accesses, no audit, no parked plans (runtime.md "Configuration"). */
import type { Organization } from '@medplum/fhirtypes'
import type { AuthorityCaller } from '../auth/caller.ts'
import type { Context } from '../context.ts'
import type { AuthorityCode, ResourceId } from '../domain/brands.ts'
import { londonDayOf } from '../domain/london-day.ts'
import { FhirError } from '../fhir/fhir-error.ts'
import { isError } from '../fhir/outcome.ts'
import type { FhirRequest } from '../interactions/interaction.ts'
import { parseBundle } from '../interactions/transaction/bundle-entries.ts'
import { parseEntryChange } from '../interactions/transaction/entry-change.ts'
import type { Change } from '../interactions/write/change.ts'
import { writeFacts } from '../interactions/write/commit-changes.ts'
import { filingFacts } from '../interactions/write/filing-facts.ts'
import { prepareChange } from '../interactions/write/prepare-change.ts'
import { applyInTurn } from '../interactions/write/write-groups.ts'
import type { Row, RowIndex } from '../store/store.ts'
import { buildAuthorities, buildSites } from './organizations.ts'
import { buildScenario, type ScenarioChild } from './scenario.ts'
import { buildScenarioBundle } from './scenario-bundle.ts'

/** Name of the seed where a caller's client would stand. */
const SEED = 'sandbox-seed'

/**
 * Seeds when the directory is not there yet. NHS sites are written last, so that a seeding that was cut short is taken up
 * again at the next start; what it had done is left as it is or brought up to today. Writes the database.
 */
export async function seedSandbox(context: Context): Promise<void> {
  const [site, authority] = await Promise.all([
    context.store.read.organizations.count([{ field: 'orgType', anyOf: ['trust'] }]),
    context.store.read.organizations.count([{ field: 'orgType', anyOf: ['authority'] }]),
  ])
  if (site > 0) return
  if (authority === 0) await putOrganizations(context, buildAuthorities())
  for (const child of buildScenario(londonDayOf(context.clock()))) await fileChild(context, child)
  await putOrganizations(context, buildSites())
}

async function putOrganizations(context: Context, organizations: readonly Organization[]): Promise<void> {
  const lastUpdated = context.clock().toISOString()
  const rows = organizations.map((organization) => buildRow(organization, lastUpdated))
  await context.store.transact((unit) => unit.putAll(rows))
}

/** Version 1 of an Organization; the resource is kept without id and meta, which belong to the row. */
function buildRow({ id = '', meta: _meta, ...resource }: Organization, lastUpdated: string): Row<'Organization'> {
  const orgType = resource.type?.[0]?.coding?.[0]?.code ?? 'other'
  const isAuthority = orgType === 'authority'
  return {
    type: 'Organization',
    id: id as ResourceId,
    version: 1,
    lastUpdated,
    owner: isAuthority ? (id as AuthorityCode) : 'directory',
    method: 'POST',
    deleted: false,
    resource,
    index: buildIndex(resource, orgType),
  }
}

function buildIndex(resource: Organization, orgType: string): RowIndex {
  const identifiers = (resource.identifier ?? []).map(({ system = '', value = '' }) => ({ system, value }))
  const parent = resource.partOf?.identifier?.value
  return {
    identifiers,
    // The first is the key: GSS of an authority, ODS of all others.
    unique: identifiers.slice(0, 1),
    orgType,
    ...(resource.name === undefined ? {} : { name: resource.name }),
    ...(parent === undefined ? {} : { partOf: parent }),
  }
}

/** Files one child's Bundle for its authority. Throws FhirError when a rule refuses it: then the scenario is wrong. */
async function fileChild(context: Context, child: ScenarioChild): Promise<void> {
  const caller: AuthorityCaller = {
    kind: 'la-supplier',
    clientId: SEED,
    tokenId: SEED,
    scopes: [],
    authority: child.authority as AuthorityCode,
  }
  const request = buildRequest(context, buildScenarioBundle(child))
  const filing = await filingFacts(request, caller, context)
  const facts = writeFacts(request, caller, context)
  const changes = parseChanges(request.body, (parts) => prepareChange(parts, { filing, context }))
  const [result] = await context.store.transact((unit) => applyInTurn(unit, [{ changes, facts }]))
  if (result !== undefined && 'issues' in result) throw new FhirError(result.issues.filter(isError))
}

function parseChanges(body: unknown, prepare: (parts: Parameters<typeof prepareChange>[0]) => Change): Change[] {
  const parsed = parseBundle(body)
  if ('issues' in parsed) throw new FhirError(parsed.issues)
  return parsed.bundle.entries.map((entry) => {
    const change = parseEntryChange(entry)
    if ('code' in change) throw new FhirError([change])
    return prepare(change.parts)
  })
}

function buildRequest(context: Context, body: unknown): FhirRequest {
  const at = context.clock()
  return {
    interaction: 'transaction',
    route: SEED,
    parameters: [],
    body,
    headers: {},
    prefer: { return: 'minimal', handling: 'strict' },
    requestId: context.newId(),
    requestIdGiven: false,
    at,
    today: londonDayOf(at),
  }
}
