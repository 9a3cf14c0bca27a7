/** The language in which our profiles are written: a closed tree of what is taken; everything not named is 0..0. */
import type { ElementDefinitionConstraint, ElementDefinitionType } from '@medplum/fhirtypes'

/** What a profile says of one element. `children` closes the element: its other members become 0..0. */
export interface ElementSpec {
  readonly min?: number
  readonly max?: string
  readonly short?: string
  /** Narrowed types. */
  readonly types?: readonly ElementDefinitionType[]
  /** e.g. { Uri: '…' } becomes fixedUri. */
  readonly fixed?: Readonly<Record<string, unknown>>
  readonly pattern?: Readonly<Record<string, unknown>>
  /** Value set of a required binding. */
  readonly valueSet?: string
  readonly constraints?: readonly Omit<ElementDefinitionConstraint, 'severity'>[]
  readonly children?: ElementTree
  readonly extensions?: Readonly<Record<string, ExtensionUse>>
  readonly slices?: SliceSpec
}

export type ElementTree = Readonly<Record<string, ElementSpec>>

/** A use of an extension: by the profile that defines it, or (for those of another guide) by its URL and the type of its value. */
export interface ExtensionUse {
  readonly url: string
  readonly min?: number
  readonly max?: '1' | '*'
  readonly short?: string
  readonly value?: { readonly type: string; readonly valueSet?: string }
  /** Of an extension by its profile whose value is a reference: what it may refer to here. */
  readonly targets?: readonly string[]
}

export interface SliceSpec {
  /** Discriminator by value at this path. */
  readonly by: string
  readonly rules: 'closed' | 'open'
  readonly each: Readonly<Record<string, ElementSpec>>
}

export interface ProfileSpec {
  readonly name: string
  readonly title: string
  readonly type: string
  readonly description: string
  readonly root: ElementSpec
}

/** 1..1 of something. */
export function one(spec: ElementSpec = {}): ElementSpec {
  return { min: 1, max: '1', ...spec }
}

/** A Coding of system and code, with its display. */
export function coding(spec: { system?: string; code?: string; valueSet?: string } = {}): ElementSpec {
  return {
    ...(spec.valueSet === undefined ? {} : { valueSet: spec.valueSet }),
    children: {
      system: one(spec.system === undefined ? {} : { fixed: { Uri: spec.system } }),
      version: {},
      code: one(spec.code === undefined ? {} : { fixed: { Code: spec.code } }),
      display: {},
    },
  }
}

/** A reference to some profiles or types. Literal, by identifier, or both. */
export function reference(targets: readonly string[], members: ElementTree): Pick<ElementSpec, 'types' | 'children'> {
  return {
    types: [{ code: 'Reference', targetProfile: targets.map(structureUrl) }],
    children: { type: {}, ...members },
  }
}

/** StructureDefinition URL of a core type; other URLs as they are. */
export function structureUrl(typeOrUrl: string): string {
  return typeOrUrl.includes('/') ? typeOrUrl : `http://hl7.org/fhir/StructureDefinition/${typeOrUrl}`
}
