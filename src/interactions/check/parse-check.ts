/** What a check asks, from its Parameters and the caller's token (interface.md "$cpis-check"), with every fault at once. */

import type { UserCaller } from '../../auth/caller.ts'
import { checkOrganization } from '../../auth/policy.ts'
import type { Context } from '../../context.ts'
import type { NhsNumber, OdsCode } from '../../domain/brands.ts'
import { type CareSetting, findCareSetting } from '../../domain/care-settings.ts'
import { parseNhsNumber } from '../../domain/nhs-number.ts'
import { SYSTEM } from '../../fhir/canonicals.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { parseParameters } from '../../fhir/parameters.ts'
import type { Row } from '../../store/store.ts'
import type { FhirRequest } from '../interaction.ts'
import { placeOfParameter } from '../parameter-number.ts'

export interface AskedCheck {
  readonly nhsNumber: NhsNumber
  readonly setting: CareSetting
  readonly site?: OdsCode
  /** YYYY, YYYY-MM or YYYY-MM-DD. */
  readonly birthDate?: string
}

const SPEC = {
  nhsNumber: { type: 'valueIdentifier', min: 1, max: 1, system: SYSTEM.nhsNumber },
  setting: { type: 'valueCoding', min: 1, max: 1, system: SYSTEM.careSetting },
  site: { type: 'valueIdentifier', min: 0, max: 1, system: SYSTEM.ods },
  birthDate: { type: 'valueDate', min: 0, max: 1 },
} as const

/** The question. Throws FhirError with all that is wrong: missing X-Request-ID, parameters, number, setting, site, organisation. Reads the directory (cached). */
export async function parseCheck(request: FhirRequest, caller: UserCaller, context: Context): Promise<AskedCheck> {
  const beside = request.requestIdGiven ? [] : [issue('MISSING_REQUEST_ID')]
  const parsed = parseParameters(request.body, SPEC)
  if ('issues' in parsed) throw new FhirError([...beside, ...parsed.issues])
  const { values } = parsed
  const place = (name: string, part: string): string => placeOfParameter(request.body, name, part)
  const number = parseNhsNumber(values.nhsNumber.value, context.config.mode === 'sandbox' ? 'test' : 'real')
  const setting = findCareSetting(values.setting.code ?? '')
  const site = values.site?.value as OdsCode | undefined
  const issues: readonly Issue[] = [
    ...beside,
    ...(number.code === undefined ? [] : [issue(number.code, place('nhsNumber', 'value'))]),
    ...(setting === undefined ? [issue('UNKNOWN_SETTING', place('setting', 'code'))] : []),
    ...(site === undefined ? [] : await checkSite(site, caller, { context, place: place('site', 'value') })),
    ...checkOrganization((await findOpen(caller.organization, context)) !== undefined),
  ]
  if (issues.length > 0 || number.nhsNumber === undefined || setting === undefined) throw new FhirError(issues)
  return {
    nhsNumber: number.nhsNumber,
    setting,
    ...(site === undefined ? {} : { site }),
    ...(values.birthDate === undefined ? {} : { birthDate: values.birthDate }),
  }
}

async function checkSite(
  site: OdsCode,
  caller: UserCaller,
  { context, place }: { context: Context; place: string },
): Promise<readonly Issue[]> {
  const found = await findOpen(site, context)
  if (found === undefined) return [issue('UNKNOWN_SITE', place)]
  const { partOf } = found.index
  const isOfClosed = partOf !== undefined && (await findOpen(partOf as OdsCode, context)) === undefined
  if (isOfClosed) return [issue('UNKNOWN_SITE', place)]
  const isOwn = site === caller.organization || partOf === caller.organization
  return isOwn ? [] : [issue('SITE_NOT_YOURS', place)]
}

/** An organisation or site that is in the directory and not closed there. */
async function findOpen(code: OdsCode, context: Context): Promise<Row<'Organization'> | undefined> {
  const row = await context.store.read.site(code)
  return row?.resource?.active === false ? undefined : row
}
