/** Read and search of what the server publishes itself (interface.md "The wire"): profiles, value sets, operations, search parameters, topics and the CapabilityStatement; public. */
import type { Resource } from '@medplum/fhirtypes'
import type { Context } from '../context.ts'
import { FhirError, fhirError } from '../fhir/fhir-error.ts'
import { buildCapabilityStatement, CAPABILITY_ID, type CapabilityRow } from './capabilities.ts'
import { openPage } from './cursor.ts'
import { parseDefinitionSearch } from './definitions/definition-search.ts'
import { fhirBase } from './fhir-base.ts'
import type { FhirRequest, Handler } from './interaction.ts'
import { buildLinks } from './paging.ts'
import { parseReadShape, shapeResource } from './search/shape.ts'

type Rows = () => readonly CapabilityRow[]

/** Handler of read over the published definitions and the statement of these rows. NOT_FOUND for anything else. CPU only. */
export function buildReadDefinition(rows: Rows): Handler {
  return async ({ type, id, parameters, prefer }, _caller, context) => {
    const shape = parseReadShape(parameters, prefer.handling === 'lenient')
    const resource = definitionsOf(type, rows, context).find((one) => one.id === id)
    if (resource === undefined) throw fhirError('NOT_FOUND')
    return { status: 200, resource: shapeResource(resource, shape) }
  }
}

/** Handler of search over the same, in the order of their ids. Throws FhirError with every fault of the parameters. CPU only. */
export function buildSearchDefinitions(rows: Rows): Handler {
  return async (request, _caller, context) => {
    const { type = '' } = request
    const holder = { caller: undefined, context }
    const { cursor, parameters } = openPage(request, type, holder)
    const parsed = parseDefinitionSearch(type, parameters, isLenient(request))
    if ('issues' in parsed) throw new FhirError(parsed.issues)
    const { count, descending, matches, shape, used } = parsed.search
    const inOrder = definitionsOf(type, rows, context).filter(matches)
    const found = descending ? inOrder.toReversed() : inOrder
    const skipped = Number(cursor?.places.at(-1)?.[0] ?? 0)
    const shown = found.slice(skipped, skipped + count)
    const more = count > 0 && skipped + count < found.length ? [skipped + count] : undefined
    const url = `${fhirBase(context)}/${type}`
    const entry = shown.map((resource) => ({
      fullUrl: `${url}/${resource.id}`,
      resource: shapeResource(resource, shape),
      search: { mode: 'match' as const },
    }))
    return {
      status: 200,
      resource: {
        resourceType: 'Bundle',
        type: 'searchset',
        total: found.length,
        link: buildLinks({ scope: type, url, parameters: used, cursor, more, ...holder }),
        ...(entry.length === 0 ? {} : { entry }),
      },
    }
  }
}

function definitionsOf(type: string | undefined, rows: Rows, context: Context): readonly Resource[] {
  if (type !== 'CapabilityStatement') return context.profiles.definitions(type ?? '')
  return [{ ...buildCapabilityStatement(rows(), context.config), id: CAPABILITY_ID }]
}

function isLenient(request: FhirRequest): boolean {
  return request.prefer.handling === 'lenient'
}
