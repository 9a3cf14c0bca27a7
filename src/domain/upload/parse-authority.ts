/** An authority's update of its own Organization → the resource as it will be kept, or all that is wrong with it (register.md R10; profile cpis-authority). */
import type { Identifier, Organization } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import { codeOf } from '../organization-code.ts'
import type { AuthorityDraft, FilingFacts } from './draft.ts'
import { dropNotHeld } from './not-held.ts'
import { checkAssigners } from './own-authority.ts'
import { listOf, textOf, tokenOf } from './tolerant.ts'

export interface ParsedAuthority {
  readonly issues: readonly Issue[]
  /** Present when no issue is an error. */
  readonly authority?: AuthorityDraft
}

const CODE_SYSTEMS = [SYSTEM.gss, SYSTEM.ods, SYSTEM.dfe] as const

/**
 * Parses the token's authority as it describes itself: name and contacts are its own to change; its codes are not, so
 * another code means another authority (NOT_YOUR_AUTHORITY), and codes left out stay. Pure.
 */
export function parseAuthority(resource: Organization, facts: FilingFacts): ParsedAuthority {
  const name = textOf(resource.name)
  const issues = [
    ...checkCodes(resource.identifier, facts),
    ...checkAssigners(resource.identifier, 'Organization.identifier', facts),
    ...(resource.name === undefined ? [issue('PROFILE', 'Organization.name', 'An authority needs a name.')] : []),
  ]
  if (issues.some(isError) || name === undefined) return { issues }
  const { id: _id, meta: _meta, ...content } = dropNotHeld(resource).resource
  const identifier = keptIdentifiers(resource.identifier, facts)
  const { type } = facts.organization ?? {}
  const authority: AuthorityDraft = {
    resource: {
      ...content,
      identifier,
      ...(type === undefined || content.type !== undefined ? {} : { type }),
    },
    name,
    identifiers: identifier.map(tokenOf),
    unique: [{ system: SYSTEM.gss, value: facts.authority }],
  }
  return { issues, authority }
}

function checkCodes(identifiers: readonly Identifier[] | undefined, facts: FilingFacts): readonly Issue[] {
  return listOf(identifiers).flatMap(({ at, item }) => {
    const system = CODE_SYSTEMS.find((one) => one === item.system)
    const place = `Organization.identifier[${at}]`
    if (system === undefined)
      return [issue('PROFILE', `${place}.system`, 'Only GSS, ODS and DfE codes name an authority.')]
    return item.value === ownCode(system, facts) ? [] : [issue('NOT_YOUR_AUTHORITY', `${place}.value`)]
  })
}

function ownCode(system: string, facts: FilingFacts): string | undefined {
  return system === SYSTEM.gss ? facts.authority : codeOf(facts.organization, system)
}

/** All codes that the authority has, in a fixed order, as sent where sent. */
function keptIdentifiers(sent: readonly Identifier[] | undefined, facts: FilingFacts): Identifier[] {
  return CODE_SYSTEMS.flatMap((system) => {
    const value = ownCode(system, facts)
    const given = listOf(sent).find(({ item }) => item.system === system)?.item
    return value === undefined ? [] : [given ?? { system, value }]
  })
}
