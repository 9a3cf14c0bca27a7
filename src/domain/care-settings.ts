/** Care settings (interface.md "Names"): the one list behind CodeSystem cpis-care-setting and the choice of scheduled or unscheduled (R18). */

export interface CareSetting {
  readonly code: string
  readonly display: string
  /** A check from a scheduled setting is silent: audited, but no access and told to no one (R18). */
  readonly scheduled: boolean
}

const unscheduled = (code: string, display: string): CareSetting => ({ code, display, scheduled: false })
const scheduled = (code: string, display: string): CareSetting => ({ code, display, scheduled: true })

/** All care settings, in the order of the published CodeSystem. */
export const CARE_SETTINGS: readonly CareSetting[] = [
  unscheduled('emergency-department', 'Emergency department'),
  unscheduled('minor-injury-unit', 'Minor injury unit'),
  unscheduled('walk-in-centre', 'Walk-in centre'),
  unscheduled('urgent-treatment-centre', 'Urgent treatment centre'),
  unscheduled('gp-out-of-hours', 'GP out of hours'),
  unscheduled('nhs-111', 'NHS 111'),
  unscheduled('ambulance', 'Ambulance service'),
  unscheduled('maternity-unscheduled', 'Maternity unit (unscheduled)'),
  unscheduled('paediatric-ward', 'Paediatric ward (unscheduled or direct admission)'),
  scheduled('general-practice', 'General practice in hours'),
  scheduled('camhs', 'Child and adolescent mental health service'),
  scheduled('sarc', 'Sexual assault referral centre'),
  scheduled('termination-of-pregnancy', 'Termination of pregnancy service'),
  scheduled('health-visiting-school-nursing', 'Health visiting and school nursing (0-19)'),
  scheduled('community-paediatrics', 'Community paediatrics'),
  scheduled('dental', 'Dental care'),
  scheduled('maternity-scheduled', 'Maternity (booked appointments)'),
]

const byCode: ReadonlyMap<string, CareSetting> = new Map(CARE_SETTINGS.map((setting) => [setting.code, setting]))

/** The care setting of a code; undefined when it is none of the list. Pure. */
export function findCareSetting(code: string): CareSetting | undefined {
  return byCode.get(code)
}
