/** An NHS organisation or site, as an administrator brings it → the resource as it will be kept, or all that is wrong with it (security.md "Tokens": the directory; profile cpis-site). */

import type { Organization, Reference } from '@medplum/fhirtypes'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { OdsCode } from '../brands.ts'
import { codeOf } from '../organization-code.ts'
import { checkShownText, checkTelecom } from './shown-text.ts'
import { listOf, partsOf, relativeReference, textOf } from './tolerant.ts'

export interface SiteDraft {
  /** Without id, meta and text; `active` only when it is false: it is open unless told. */
  readonly resource: Organization
  readonly ods: OdsCode
  readonly name: string
  /** Code of cpis-organization-type. */
  readonly orgType: string
  /** The organisation that it is a site of. */
  readonly partOf?: OdsCode
}

export interface ParsedSite {
  readonly issues: readonly Issue[]
  /** Present when no issue is an error. */
  readonly site?: SiteDraft
}

/** As registered clients name organisations (CPIS_CLIENTS). */
const ODS_FORM = /^[A-Z0-9]{3,10}$/
/** Ids of authorities and of the directory share one address: a site must not be taken for an authority. */
const GSS_FORM = /^[EWSN]\d{8}$/

/** Whether a text may be the ODS code of a site. Pure. */
export function isOdsCode(text: string): text is OdsCode {
  return ODS_FORM.test(text) && !GSS_FORM.test(text)
}

/** Parses what the profile has been or will be asked about too: its key, its words, its kind and whose it is. Whether that organisation exists is for who knows the directory. Pure. */
export function parseSite(sent: Organization): ParsedSite {
  const { id: _id, meta: _meta, text: _text, active, ...content } = sent
  const ods = textOf(listOf(sent.identifier)[0]?.item.value)
  const name = textOf(sent.name)
  const orgType = textOf(listOf(listOf(sent.type)[0]?.item.coding)[0]?.item.code)
  const partOf = odsOf(sent.partOf)
  const issues = [
    ...checkOds(ods),
    ...checkShownText(sent.name, 'Organization.name'),
    ...checkShownText(listOf(sent.address)[0]?.item.city, 'Organization.address[0].city'),
    ...checkTelecom(sent.telecom, 'Organization.telecom'),
    ...(orgType === 'authority' ? [issue('PROFILE', 'Organization.type[0].coding[0].code', AN_AUTHORITY)] : []),
    ...checkPartOf(sent, { ods, partOf }),
    ...(active === undefined || typeof active === 'boolean' ? [] : [issue('INVALID_RESOURCE', 'Organization.active')]),
  ]
  if (issues.some(isError) || ods === undefined || name === undefined || orgType === undefined) return { issues }
  const resource = { ...content, ...(active === false ? { active } : {}) }
  return { issues, site: { resource, ods: ods as OdsCode, name, orgType, ...(partOf === undefined ? {} : { partOf }) } }
}

const AN_AUTHORITY = 'A local authority is named by its GSS code (profile cpis-authority).'

function checkOds(ods: string | undefined): readonly Issue[] {
  if (ods === undefined || isOdsCode(ods)) return []
  return [issue('PROFILE', 'Organization.identifier[0].value', 'An ODS code is 3 to 10 capital letters and digits.')]
}

function checkPartOf(
  { partOf: reference }: Organization,
  { ods, partOf }: { readonly ods: string | undefined; readonly partOf: OdsCode | undefined },
): readonly Issue[] {
  if (reference === undefined) return []
  const literal = literalOds(reference)
  if (partOf === undefined || (literal !== undefined && literal !== partOf))
    return [issue('INVALID_REFERENCE', 'Organization.partOf', 'Name the organisation by its ODS code.')]
  return partOf === ods ? [issue('INVALID_REFERENCE', 'Organization.partOf', 'It cannot be a site of itself.')] : []
}

/** The ODS code that a reference means, by its identifier or else its address. */
function odsOf(reference: Reference | undefined): OdsCode | undefined {
  const { identifier } = partsOf(reference)
  const code =
    identifier === undefined
      ? undefined
      : codeOf({ resourceType: 'Organization', identifier: [identifier] }, SYSTEM.ods)
  const found = textOf(code) ?? literalOds(reference)
  return found !== undefined && isOdsCode(found) ? found : undefined
}

function literalOds(reference: Reference | undefined): string | undefined {
  const { literal } = partsOf(isObject(reference) ? reference : undefined)
  return literal === undefined ? undefined : relativeReference(literal, undefined).replace(/^.*\bOrganization\//, '')
}
