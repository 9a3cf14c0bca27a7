/** A table of routes as data, compiled once into maps: one look-up finds a path, one more its method (interface.md "REST"). */
import type { Handler, InteractionCode } from '../interactions/interaction.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
/** `list`: a Bundle, or NDJSON with one resource a line. */
export type BodyKind = 'none' | 'resource' | 'bundle' | 'list' | 'form' | 'patch'

/** One row: all that a new interaction needs. */
export interface FhirRoute {
  readonly method: Method
  /** Template below the FHIR base, such as `EpisodeOfCare/[id]/_history/[vid]`; empty for the base itself. */
  readonly path: string
  readonly interaction: InteractionCode
  readonly type?: string
  /** Operation name without `$`. */
  readonly operation?: string
  readonly handler: Handler
  /** Served without a token, and not audited. */
  readonly public?: true
  readonly body: BodyKind
  /** Most bytes of a body that are taken. */
  readonly maxBytes: number
  /** Input of the caller and private data mix in the answer: compressing it would help guessing. */
  readonly uncompressed?: true
}

/** What one path offers. */
export interface RoutePath {
  readonly template: string
  readonly byMethod: ReadonlyMap<string, FhirRoute>
  /** The Allow header: methods of the rows, HEAD with GET, and OPTIONS. */
  readonly allow: string
  readonly isPublic: boolean
}

export interface PathMatch {
  readonly path: RoutePath
  readonly id?: string
  readonly versionId?: string
}

export interface RouteTable {
  readonly rows: readonly FhirRoute[]
  /** The path that these decoded segments match; undefined when there is none. Pure. */
  find(segments: readonly string[]): PathMatch | undefined
}

const ID = /^[A-Za-z0-9\-.]{1,64}$/
/** How the base itself is called in logs and audit. */
const BASE_TEMPLATE = '[base]'

/** Compiles rows; throws when two rows claim one method of one path. `idForm`: what `[id]` stands for, where that is no R4 id. */
export function compileRoutes(rows: readonly FhirRoute[], idForm = ID): RouteTable {
  const paths = new Map<string, RoutePath>()
  for (const [template, ofPath] of Map.groupBy(rows, (row) => row.path))
    paths.set(template, routePath(template, ofPath))
  return { rows, find: (segments) => findPath(paths, segments, idForm) }
}

function routePath(template: string, rows: readonly FhirRoute[]): RoutePath {
  const byMethod = new Map<string, FhirRoute>(rows.map((row) => [row.method, row]))
  if (byMethod.size !== rows.length) throw new Error(`two routes for one method of ${template}`)
  const get = byMethod.get('GET')
  const allow = [...byMethod.keys(), ...(get === undefined ? [] : ['HEAD']), 'OPTIONS'].join(', ')
  if (get !== undefined) byMethod.set('HEAD', get)
  return { template: template || BASE_TEMPLATE, byMethod, allow, isPublic: rows.every((row) => row.public === true) }
}

function findPath(
  paths: ReadonlyMap<string, RoutePath>,
  segments: readonly string[],
  idForm: RegExp,
): PathMatch | undefined {
  const [type, id, verb, versionId] = segments
  // An escaped slash is part of a segment: proxies along the way would read another path than we do
  if (segments.some((one) => one.includes('/'))) return undefined
  // A caller that writes `[id]` means no template
  const literal = id?.startsWith('[') === true ? undefined : paths.get(segments.join('/'))
  if (literal !== undefined) return { path: literal }
  if (id === undefined || !idForm.test(id) || segments.length > 4) return undefined
  const template = [
    `${type}/[id]`,
    ...(verb === undefined ? [] : [verb]),
    ...(versionId === undefined ? [] : ['[vid]']),
  ]
  const path = paths.get(template.join('/'))
  if (path === undefined || (versionId !== undefined && !ID.test(versionId))) return undefined
  return { path, id, ...(versionId === undefined ? {} : { versionId }) }
}
