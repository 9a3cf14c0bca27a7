/** A local authority, as an administrator brings it → the resource as it will be kept, or all that is wrong with it (security.md "Tokens": the directory; profile cpis-authority). Its own updates go by parse-authority. */
import type { Identifier, Organization } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { AuthorityCode } from '../brands.ts'
import { codeOf } from '../organization-code.ts'
import type { AuthorityDraft } from './draft.ts'
import { checkShownText, checkTelecom } from './shown-text.ts'
import { listOf, textOf, tokenOf } from './tolerant.ts'

export interface ListedAuthority {
  readonly issues: readonly Issue[]
  /** Present when no issue is an error. */
  readonly authority?: AuthorityDraft & { readonly gss: AuthorityCode }
}

/** As registered clients name authorities (CPIS_CLIENTS). */
const GSS_FORM = /^E(06|08|09|10)\d{6}$/
const MORE_CODES = [SYSTEM.ods, SYSTEM.dfe] as const
const TYPE = [{ coding: [{ system: SYSTEM.organizationType, code: 'authority' }] }]
const NOT_CLOSED =
  'An authority is not closed here: its plans stay visible, and someone must be called. Revoke its clients instead.'

/** Whether a text may be the GSS code of an authority. Pure. */
export function isAuthorityCode(text: string): text is AuthorityCode {
  return GSS_FORM.test(text)
}

/** What was sent, with what it leaves out and the directory holds: contacts, ODS and DfE code. An authority keeps its own contacts so, when a list without contacts comes. Pure. */
export function completeAuthority(sent: Organization, held: Organization | undefined): Organization {
  const kept = MORE_CODES.flatMap((system): Identifier[] => {
    const isSent = listOf(sent.identifier).some(({ item }) => item.system === system)
    const value = codeOf(held, system)
    return isSent || value === undefined ? [] : [{ system, value }]
  })
  const identifier = Array.isArray(sent.identifier) ? [...sent.identifier, ...kept] : sent.identifier
  // what is null was sent, and is refused
  const contact = sent.contact === undefined ? held?.contact : sent.contact
  return {
    ...sent,
    ...(identifier === undefined ? {} : { identifier }),
    type: sent.type === undefined ? (held?.type ?? TYPE) : sent.type,
    ...(contact === undefined ? {} : { contact }),
  }
}

/** Parses a complete one: its key, its other codes, its name. Pure. */
export function parseListedAuthority(complete: Organization): ListedAuthority {
  const { id: _id, meta: _meta, text: _text, active, ...resource } = complete
  // of any shape until the profile has spoken
  const gss = textOf(listOf(complete.identifier).find(({ item }) => item.system === SYSTEM.gss)?.item.value)
  const name = textOf(complete.name)
  const type = textOf(listOf(listOf(complete.type)[0]?.item.coding)[0]?.item.code)
  const issues = [
    ...checkCodes(complete.identifier),
    ...checkShownText(complete.name, 'Organization.name'),
    ...listOf(complete.contact).flatMap(({ at, item }) =>
      checkTelecom(item.telecom, `Organization.contact[${at}].telecom`),
    ),
    ...(type === undefined || type === 'authority' ? [] : [issue('PROFILE', 'Organization.type[0].coding[0].code')]),
    ...(active === false ? [issue('PROFILE', 'Organization.active', NOT_CLOSED)] : []),
  ]
  if (issues.some(isError) || gss === undefined || name === undefined) return { issues }
  const unique = [{ system: SYSTEM.gss, value: gss }]
  const identifiers = listOf(complete.identifier).map(({ item }) => tokenOf(item))
  return { issues, authority: { resource, gss: gss as AuthorityCode, name, identifiers, unique } }
}

const FORMS: Readonly<Record<string, { readonly form: RegExp; readonly words: string }>> = {
  [SYSTEM.gss]: { form: GSS_FORM, words: 'A GSS code of an authority is E06, E08, E09 or E10 and six digits.' },
  [SYSTEM.ods]: { form: /^[A-Z0-9]{3,10}$/, words: 'An ODS code is 3 to 10 capital letters and digits.' },
  [SYSTEM.dfe]: { form: /^\d{3}$/, words: 'A DfE code is three digits.' },
}

function checkCodes(identifiers: readonly Identifier[] | undefined): readonly Issue[] {
  return listOf(identifiers).flatMap(({ at, item }) => {
    const known = FORMS[textOf(item.system) ?? '']
    const value = textOf(item.value)
    if (known === undefined || value === undefined || known.form.test(value)) return []
    return [issue('PROFILE', `Organization.identifier[${at}].value`, known.words)]
  })
}
