/** Validation of what callers send: base R4, then our profiles (compiled at start), then invariants. */
import type { Resource, StructureDefinition } from '@medplum/fhirtypes'
import { VALUE_SET } from './canonicals.ts'
import { type Definitions, readDefinitions } from './definitions.ts'
import { FaultList } from './fault-list.ts'
import { isObject } from './json-object.ts'
import { type Issue, issue } from './outcome.ts'
import { compileTree, type Surroundings, type TreeNode } from './profile-tree.ts'
import { codeOfRule, type Walk, walkMembers } from './profile-walk.ts'
import { askSecondOpinion, prepareSecondOpinion } from './second-opinion.ts'

export interface Profiles {
  /** All issues of a resource against base R4 and the profile of its type (the input profile of interface.md): UNKNOWN_ELEMENT, INVALID_RESOURCE, PROFILE, INVALID_CODE … Empty when it fits. CPU only. */
  check(resource: unknown, profileUrl: string): readonly Issue[]
  /** One of the published definitions of profiles/ (StructureDefinition, ValueSet, CodeSystem, OperationDefinition, SearchParameter, Basic) by its id or URL. */
  definition(type: string, idOrUrl: string): Resource | undefined
  /** All published definitions of a type, in the order of their ids. */
  definitions(type: string): readonly Resource[]
}

/** Value sets whose breach a rule reports by its own code: a legal basis out of scope is OUT_OF_SCOPE (R9). */
const CODES_OF_RULES: ReadonlySet<string> = new Set([VALUE_SET.legalBasis])

/** Reads and compiles the definitions: under a tenth of a second of CPU and the disk, once at start. Throws when one is broken. */
export function compileProfiles(): Profiles {
  const definitions = readDefinitions()
  const trees = compileTrees(definitions)
  prepareSecondOpinion(definitions.base)
  return {
    check: (resource, profileUrl) => check(resource, getTree(trees, profileUrl), trees),
    ...lookups(definitions.published),
  }
}

type Trees = ReadonlyMap<string, TreeNode>
const CORE = 'http://hl7.org/fhir/StructureDefinition/'

function compileTrees(definitions: Definitions): Trees {
  const structures = [...definitions.base, ...definitions.published.filter(isStructure)]
  const types = new Map(structures.map((one) => [one.url, one.type as string]))
  const around: Surroundings = {
    codesOf: (url) => (CODES_OF_RULES.has(url) ? undefined : definitions.codesOf(url)),
    typeOf: (url) => types.get(url) ?? url.slice(url.lastIndexOf('/') + 1),
  }
  return new Map(structures.map((one) => [one.url, compileTree(one, around)]))
}

function getTree(trees: Trees, url: string): TreeNode {
  const tree = trees.get(url)
  if (tree === undefined) throw new Error(`no profile ${url} was compiled`)
  return tree
}

function check(resource: unknown, tree: TreeNode, trees: Trees): readonly Issue[] {
  if (!isObject(resource) || resource['resourceType'] !== tree.name) {
    return [issue('INVALID_RESOURCE', tree.name, `This must be one ${tree.name}.`)]
  }
  const { resourceType: _type, ...content } = resource
  const walk: Walk = {
    faults: new FaultList(),
    typeTree: (code) => trees.get(CORE + code),
    extensionTree: (url) => trees.get(url),
  }
  walkMembers(content, tree.members, tree.name, walk)
  for (const rule of tree.invariants) {
    if (!rule.isKept(resource)) walk.faults.add(codeOfRule(rule.key), tree.name, `${rule.human}.`)
  }
  return walk.faults.count > 0 ? walk.faults.issues : askSecondOpinion(resource as unknown as Resource)
}

function lookups(published: readonly Resource[]): Pick<Profiles, 'definition' | 'definitions'> {
  const byName = new Map<string, Resource>()
  const byType = new Map<string, Resource[]>()
  for (const one of published) {
    byName.set(`${one.resourceType} ${one.id}`, one)
    if ('url' in one) byName.set(`${one.resourceType} ${one.url}`, one)
    byType.set(one.resourceType, [...(byType.get(one.resourceType) ?? []), one])
  }
  return {
    definition: (type, idOrUrl) => byName.get(`${type} ${idOrUrl}`),
    definitions: (type) => byType.get(type) ?? [],
  }
}

function isStructure(resource: Resource): resource is StructureDefinition {
  return resource.resourceType === 'StructureDefinition'
}
