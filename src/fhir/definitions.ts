/** The published definitions of profiles/ and the base definitions compiled into the project, read once at start. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CodeSystem, Resource, StructureDefinition, ValueSet } from '@medplum/fhirtypes'
import { isObject } from './json-object.ts'
import type { CodeList } from './profile-tree.ts'

const PUBLISHED = join(import.meta.dirname, '../../profiles')
const GENERATED = join(import.meta.dirname, 'generated')

export interface Definitions {
  /** All resources of profiles/. */
  readonly published: readonly Resource[]
  /** Base R4: resources, data types, extensions. */
  readonly base: readonly StructureDefinition[]
  /** Codes of a value set, ours or R4's; undefined when they are not listed. */
  readonly codesOf: (valueSet: string) => CodeList | undefined
}

/** Reads the definitions from the disk. Throws when one is not a resource: the program must not start without them. */
export function readDefinitions(): Definitions {
  const names = readdirSync(PUBLISHED).filter((name) => name.endsWith('.json'))
  const published = names.map((name) => asResource(readJson(join(PUBLISHED, name)), name))
  const base = readJson(join(GENERATED, 'r4-structures.json')) as StructureDefinition[]
  const codes = new Map([...readBaseCodes(), ...expandOurs(published)])
  return { published, base, codesOf: (valueSet) => codes.get(valueSet.replace(/\|.*$/, '')) }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function asResource(value: unknown, name: string): Resource {
  if (isObject(value) && typeof value['resourceType'] === 'string') return value as unknown as Resource
  throw new Error(`profiles/${name} is not a FHIR resource`)
}

function readBaseCodes(): (readonly [string, CodeList])[] {
  const lists = readJson(join(GENERATED, 'r4-codes.json')) as Record<string, Record<string, string[]>>
  return Object.entries(lists).map(([url, systems]) => [
    url,
    new Map(Object.entries(systems).map(([system, codes]) => [system, new Set(codes)])),
  ])
}

function expandOurs(published: readonly Resource[]): (readonly [string, CodeList])[] {
  const systems = new Map(published.filter(isCodeSystem).map((system) => [system.url ?? '', system]))
  return published.filter(isValueSet).map((valueSet) => [valueSet.url ?? '', expand(valueSet, systems)])
}

function expand(valueSet: ValueSet, systems: ReadonlyMap<string, CodeSystem>): CodeList {
  const includes = valueSet.compose?.include ?? []
  return new Map(
    includes.map(({ system = '', concept = systems.get(system)?.concept ?? [] }) => [
      system,
      new Set(concept.map((one) => one.code ?? '')),
    ]),
  )
}

function isCodeSystem(resource: Resource): resource is CodeSystem {
  return resource.resourceType === 'CodeSystem'
}

function isValueSet(resource: Resource): resource is ValueSet {
  return resource.resourceType === 'ValueSet'
}
