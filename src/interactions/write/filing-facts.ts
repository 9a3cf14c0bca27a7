/** What the upload rules know of the authority that files: from the token, the clock and its own Organization. */
import type { WritingCaller } from '../../auth/caller.ts'
import type { Context } from '../../context.ts'
import type { FilingFacts } from '../../domain/upload/draft.ts'
import { fhirBase } from '../fhir-base.ts'
import type { FhirRequest } from '../interaction.ts'

/** Reads the authority's Organization (cached by the store). */
export async function filingFacts(request: FhirRequest, caller: WritingCaller, context: Context): Promise<FilingFacts> {
  const [own] = await context.store.read.authorities([caller.authority])
  return {
    authority: caller.authority,
    today: request.today,
    numberRange: context.config.mode === 'sandbox' ? 'test' : 'real',
    fhirBase: fhirBase(context),
    ...(own?.resource === undefined ? {} : { organization: { ...own.resource, id: own.id } }),
  }
}
