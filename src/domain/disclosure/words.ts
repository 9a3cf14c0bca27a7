/** What an answer says in plain words (interface.md "$cpis-check", OperationOutcome): what is known, whom to call. */
import type { Organization, OrganizationContact } from '@medplum/fhirtypes'
import type { LondonDay } from '../brands.ts'
import { dayInWords } from '../london-day.ts'
import { type FoundPlan, isOpen, shownUntil } from '../visibility.ts'

/** One sentence for one visible plan, e.g. `Subject to a child protection plan with Derbyshire since 3 May 2026 (open).` Pure. */
export function planInWords(plan: FoundPlan, authorityName: string | undefined, today: LondonDay): string {
  const authority = authorityName ?? `the local authority ${plan.owner}`
  return isOpen(plan, today)
    ? `${saying(plan, 'is')} ${authority} since ${dayInWords(plan.start)} (${openInWords(plan)}).`
    : `${saying(plan, 'was')} ${authority} from ${dayInWords(plan.start)} ${closedInWords(plan)}.`
}

function openInWords(plan: FoundPlan): string {
  return plan.end === undefined ? 'open' : `open, due to end on ${dayInWords(plan.end)}`
}

function closedInWords(plan: FoundPlan): string {
  const until = shownUntil(plan)
  if (plan.end === undefined || until === undefined) return '(closed)'
  return `until ${dayInWords(plan.end)} (closed, shown until ${dayInWords(until)})`
}

function saying(plan: FoundPlan, tense: 'is' | 'was'): string {
  if (plan.via === 'mother')
    return `Filed on the mother before birth: this child ${tense} subject to a child protection plan with`
  if (plan.type === 'UCPP') return `An unborn child of this woman ${tense} subject to a child protection plan with`
  if (plan.type === 'LAC') return tense === 'is' ? 'Looked after by' : 'Was looked after by'
  return tense === 'is' ? 'Subject to a child protection plan with' : 'Was subject to a child protection plan with'
}

const PURPOSES: Readonly<Record<string, string>> = {
  'office-hours': 'office hours',
  'emergency-duty-team': 'emergency duty team',
  mash: 'MASH',
}

/** Whom to call, e.g. `Call Derbyshire: office hours 01632 960200; MASH 01632 960202.` Undefined when no telephone is known. Pure. */
export function contactsInWords(organization: Organization): string | undefined {
  const contacts = (organization.contact ?? []).flatMap((one) => contactInWords(one) ?? [])
  return contacts.length === 0 ? undefined : `Call ${organization.name}: ${contacts.join('; ')}.`
}

function contactInWords(contact: OrganizationContact): string | undefined {
  const purpose = PURPOSES[contact.purpose?.coding?.[0]?.code ?? '']
  const phone = contact.telecom?.find((one) => one.system === 'phone')?.value
  return purpose === undefined || phone === undefined ? undefined : `${purpose} ${phone}`
}
