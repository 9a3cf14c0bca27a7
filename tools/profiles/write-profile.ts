/** Profile specs to StructureDefinitions: one walk over the base writes the differential and the snapshot together. */
import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes'
import { type ElementSpec, type ExtensionUse, type ProfileSpec, structureUrl } from './profile-spec.ts'
import { published } from './published.ts'
import { baseElements, baseStructure, childElements } from './r4-base.ts'

/** Where an element of a profile comes from: the structure whose snapshot defines it, and its path there. */
interface Origin {
  readonly structure: StructureDefinition
  readonly path: string
}
interface Place {
  readonly id: string
  readonly path: string
}
interface Output {
  readonly differential: ElementDefinition[]
  readonly snapshot: ElementDefinition[]
}

/** What a snapshot keeps of the base's words and meaning; the rest (mappings, examples, aliases) says nothing more here. */
const KEPT = [
  'short',
  'definition',
  'contentReference',
  'type',
  'condition',
  'constraint',
  'isModifier',
  'isModifierReason',
  'isSummary',
  'binding',
] as const satisfies readonly (keyof ElementDefinition)[]

/** The StructureDefinition of a profile on a resource. Throws when the spec does not fit the base. */
export function writeProfile(spec: ProfileSpec): StructureDefinition {
  const base = baseStructure(spec.type)
  return structureDefinition(spec, base, { kind: 'resource', derivedFrom: base.url })
}

/** The StructureDefinition of an extension; `context` lists where it may stand. */
export function writeExtension(spec: ProfileSpec, context: readonly string[]): StructureDefinition {
  const base = baseStructure('Extension')
  const made = structureDefinition(spec, base, { kind: 'complex-type', derivedFrom: base.url })
  return { ...made, context: context.map((expression) => ({ type: 'element', expression })) }
}

function structureDefinition(
  spec: ProfileSpec,
  base: StructureDefinition,
  head: { kind: 'resource' | 'complex-type'; derivedFrom: string },
): StructureDefinition {
  const output: Output = { differential: [], snapshot: [] }
  const place = { id: spec.type, path: spec.type }
  emit(rootOf(base), place, { short: spec.title, ...spec.root }, output)
  walk({ structure: base, path: spec.type }, place, spec.root, output)
  return {
    ...published('StructureDefinition', spec.name, spec),
    fhirVersion: '4.0.1',
    kind: head.kind,
    abstract: false,
    type: spec.type as StructureDefinition['type'],
    baseDefinition: head.derivedFrom,
    derivation: 'constraint',
    snapshot: { element: output.snapshot },
    differential: { element: output.differential },
  }
}

function rootOf(structure: StructureDefinition): ElementDefinition {
  const [root] = baseElements(structure)
  if (root === undefined) throw new Error(`${structure.url} has no snapshot`)
  return root
}

/** Writes the members of an element: named ones by their spec, the others 0..0. */
function walk(origin: Origin, place: Place, spec: ElementSpec, output: Output): void {
  const children = spec.children ?? {}
  const members = childElements(origin.structure, origin.path)
  checkNames(children, members, place)
  for (const base of members) {
    const name = lastStep(base.path)
    const at = { id: `${place.id}.${name}`, path: `${place.path}.${name}` }
    const child = children[name]
    if (name === 'extension' && spec.extensions !== undefined) writeExtensions(base, at, spec.extensions, output)
    else if (child === undefined) refuse(origin.structure, base, { at, output })
    else writeMember({ structure: origin.structure, path: base.path }, base, { at, spec: child, output })
  }
}

function checkNames(children: object, members: readonly ElementDefinition[], place: Place): void {
  const known = new Set(members.map((member) => lastStep(member.path)))
  const wrong = Object.keys(children).find((name) => !known.has(name))
  if (wrong !== undefined) throw new Error(`${place.path} has no ${wrong}`)
}

/** 0..0. A snapshot is complete, so the members of a refused backbone element stay in it as R4 has them. */
function refuse(
  structure: StructureDefinition,
  base: ElementDefinition,
  { at, output }: { readonly at: Place; readonly output: Output },
): void {
  if ((base.min ?? 0) > 0) throw new Error(`${at.path} is mandatory in R4`)
  emit(base, at, { max: '0' }, output)
  for (const inside of baseElements(structure).filter((element) => element.path.startsWith(`${base.path}.`))) {
    const rest = inside.path.slice(base.path.length)
    output.snapshot.push(snapshotElement(inside, { id: at.id + rest, path: at.path + rest }, {}))
  }
}

interface Member {
  readonly at: Place
  readonly spec: ElementSpec
  readonly output: Output
}

function writeMember(origin: Origin, base: ElementDefinition, { at, spec, output }: Member): void {
  emit(base, at, spec, output)
  if (spec.slices === undefined) {
    writeInside(origin, base, { at, spec, output })
    return
  }
  for (const [name, slice] of Object.entries(spec.slices.each)) {
    const inSlice = { id: `${at.id}:${name}`, path: at.path }
    emit(base, inSlice, { short: name, ...slice }, output, { sliceName: name })
    writeInside(origin, base, { at: inSlice, spec: slice, output })
  }
}

/** Goes into an element that the spec closes: backbone elements stay in their own structure, data types bring theirs. */
function writeInside(origin: Origin, base: ElementDefinition, { at, spec, output }: Member): void {
  if (spec.children === undefined && spec.extensions === undefined) return
  const code = (spec.types ?? base.type)?.[0]?.code ?? ''
  if (code === 'BackboneElement' || code === 'Element') walk(origin, at, spec, output)
  else walk({ structure: baseStructure(code), path: code }, at, spec, output)
}

function writeExtensions(
  base: ElementDefinition,
  at: Place,
  uses: Readonly<Record<string, ExtensionUse>>,
  output: Output,
): void {
  const min = Object.values(uses).reduce((sum, use) => sum + (use.min ?? 0), 0)
  emit(base, at, min > 0 ? { min } : {}, output, { slicing: slicingBy('url', 'closed') })
  for (const [name, use] of Object.entries(uses)) {
    const inSlice = { id: `${at.id}:${name}`, path: at.path }
    emit(base, inSlice, extensionSpec(use), output, { sliceName: name })
    if (use.value !== undefined) walkForeignExtension(use, inSlice, output)
    if (use.targets !== undefined) walkTargets(use.targets, inSlice, output)
  }
}

function extensionSpec(use: ExtensionUse): ElementSpec {
  const type = { code: 'Extension', ...(use.value === undefined ? { profile: [use.url] } : {}) }
  return {
    min: use.min ?? 0,
    max: use.max ?? '1',
    types: [type],
    ...(use.short === undefined ? {} : { short: use.short }),
  }
}

/** An extension of a guide that is not loaded here: its URL and its value are pinned in place, with no canonical to resolve. */
function walkForeignExtension(use: ExtensionUse, place: Place, output: Output): void {
  const { type = '', valueSet } = use.value ?? {}
  const value: ElementSpec = { min: 1, types: [{ code: type }], ...(valueSet === undefined ? {} : { valueSet }) }
  const children = { url: { fixed: { Uri: use.url } }, 'value[x]': value }
  walk({ structure: baseStructure('Extension'), path: 'Extension' }, place, { children }, output)
}

function walkTargets(targets: readonly string[], place: Place, output: Output): void {
  const value: ElementSpec = { min: 1, types: [{ code: 'Reference', targetProfile: targets.map(structureUrl) }] }
  const children = { url: {}, 'value[x]': value }
  walk({ structure: baseStructure('Extension'), path: 'Extension' }, place, { children }, output)
}

function slicingBy(path: string, rules: 'closed' | 'open'): NonNullable<ElementDefinition['slicing']> {
  return { discriminator: [{ type: 'value', path }], rules }
}

function emit(
  base: ElementDefinition,
  at: Place,
  spec: ElementSpec,
  output: Output,
  slice: Pick<ElementDefinition, 'sliceName' | 'slicing'> = {},
): void {
  const slicing = spec.slices === undefined ? {} : { slicing: slicingBy(spec.slices.by, spec.slices.rules) }
  const said = { ...slice, ...slicing, ...constraintsOf(spec, base) }
  if (Object.keys(said).length > 0) output.differential.push({ id: at.id, path: at.path, ...said })
  output.snapshot.push(snapshotElement(base, at, said))
}

/** What a spec adds, in the order in which R4 lists the members of ElementDefinition. */
function constraintsOf(spec: ElementSpec, base: ElementDefinition): Partial<ElementDefinition> {
  const inherits = { min: base.min ?? 0, max: base.max ?? '*' }
  return {
    ...(spec.short === undefined ? {} : { short: spec.short }),
    ...(spec.min === undefined || spec.min === inherits.min ? {} : { min: spec.min }),
    ...(spec.max === undefined || spec.max === inherits.max ? {} : { max: spec.max }),
    ...(spec.types === undefined ? {} : { type: [...spec.types] }),
    ...prefixed('fixed', spec.fixed),
    ...prefixed('pattern', spec.pattern),
    ...(spec.constraints === undefined
      ? {}
      : { constraint: spec.constraints.map((rule) => ({ ...rule, severity: 'error' as const })) }),
    ...(spec.valueSet === undefined ? {} : { binding: { strength: 'required' as const, valueSet: spec.valueSet } }),
  }
}

function prefixed(prefix: string, values: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([type, value]) => [prefix + type, value]))
}

function snapshotElement(base: ElementDefinition, at: Place, said: Partial<ElementDefinition>): ElementDefinition {
  const kept = Object.fromEntries(KEPT.filter((key) => base[key] !== undefined).map((key) => [key, base[key]]))
  const constraint = [...(base.constraint ?? []), ...(said.constraint ?? [])].map(withoutXpath)
  const { short, definition, ...rest } = kept
  return {
    id: at.id,
    path: at.path,
    ...(said.sliceName === undefined ? {} : { sliceName: said.sliceName }),
    ...(said.slicing === undefined ? {} : { slicing: said.slicing }),
    ...(short === undefined ? {} : { short }),
    ...(definition === undefined ? {} : { definition }),
    min: base.min ?? 0,
    max: base.max ?? '*',
    base: {
      path: base.base?.path ?? base.path,
      min: base.base?.min ?? base.min ?? 0,
      max: base.base?.max ?? base.max ?? '*',
    },
    ...rest,
    ...said,
    ...(constraint.length === 0 ? {} : { constraint }),
  } as ElementDefinition
}

function withoutXpath(rule: NonNullable<ElementDefinition['constraint']>[number]): typeof rule {
  const { xpath: _xpath, ...kept } = rule
  return kept
}

function lastStep(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}
