/** Type and authority of the plans that a check showed, by `$disclosed`: asked once for the same plans at the same versions. */
import type { Bundle, EpisodeOfCare } from '@medplum/fhirtypes'
import { parseResource, resourcesOf } from '../parse-answer.ts'
import { sendFhir } from '../server-client.ts'
import type { AuditedAccess, ShownPlan } from './audited-access.ts'
import type { Auditor } from './report-pages.ts'

/** Different sets of plans that are remembered: a child has few. */
const MOST_REMEMBERED = 500

/** A look-up that remembers. Each question is recorded by the server. Throws CliError. Network I/O. */
export function buildPlanSource(auditor: Auditor): (access: AuditedAccess) => Promise<readonly ShownPlan[]> {
  const known = new Map<string, readonly ShownPlan[]>()
  return async (access) => {
    if (access.plans.length === 0) return []
    const key = access.plans.map(({ id, version }) => `${id} ${version}`).join(', ')
    const found = known.get(key) ?? describe(access.plans, await readDisclosed(auditor, access.id))
    if (known.size >= MOST_REMEMBERED) known.clear()
    known.set(key, found)
    return found
  }
}

async function readDisclosed(auditor: Auditor, id: string): Promise<Bundle> {
  const path = `/AuditEvent/${encodeURIComponent(id)}/$disclosed`
  const answer = await sendFhir(auditor.origin, { method: 'GET', path, token: await auditor.token() })
  return parseResource(answer.body, 'Bundle')
}

function describe(plans: readonly ShownPlan[], bundle: Bundle): readonly ShownPlan[] {
  const byId = new Map(resourcesOf(bundle, 'EpisodeOfCare').map((one) => [one.id, one]))
  return plans.map((plan) => ({ ...plan, ...wordsOf(byId.get(plan.id)) }))
}

function wordsOf(plan: EpisodeOfCare | undefined): Pick<ShownPlan, 'type' | 'authority' | 'start' | 'end'> {
  const type = plan?.type?.[0]?.coding?.[0]?.display
  const authority = plan?.managingOrganization?.display ?? plan?.managingOrganization?.identifier?.value
  const { start, end } = plan?.period ?? {}
  return {
    ...(type === undefined ? {} : { type }),
    ...(authority === undefined ? {} : { authority }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  }
}
