/** The register as a child's council would keep it on paper: plain lists and dates, written from register.md alone and from no code of the service. */

export type Type = 'CPP' | 'LAC' | 'UCPP'

export interface PaperChild {
  readonly la: string
  readonly id: string
  readonly local: string
  readonly family: string
  readonly born?: string
  number?: string
}

export interface PaperPlan {
  readonly la: string
  readonly ref: string
  readonly id: string
  readonly type: Type
  start: string
  end?: string
  readonly due?: string
  state: 'filed' | 'withdrawn' | 'deleted'
  /** The number that the plan itself names; a plan without one names its child. */
  readonly number?: string
  child?: PaperChild
}

export interface Paper {
  today: string
  readonly plans: PaperPlan[]
  readonly children: PaperChild[]
  /** Old number → new number. */
  readonly replaced: Map<string, string>
  readonly births: { readonly mother: string; readonly baby: string }[]
  readonly accesses: { readonly id: string; readonly number: string }[]
}

export interface Shown {
  readonly id: string
  readonly type: Type
  readonly authority: string
  readonly start: string
  readonly end?: string
  readonly caseStatus: 'open' | 'closed' | 'born-plan-of-mother'
}

export const newPaper = (today: string): Paper => ({
  today,
  plans: [],
  children: [],
  replaced: new Map(),
  births: [],
  accesses: [],
})

export function plusDays(day: string, days: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(Date.UTC(year, month - 1, date + days)).toISOString().slice(0, 10)
}

export function plusYears(day: string, years: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(Date.UTC(year + years, month - 1, date)).toISOString().slice(0, 10)
}

export const numberOf = (plan: PaperPlan): string | undefined => plan.number ?? plan.child?.number

/** R2, R3, R4, R6. */
export function isShown(plan: PaperPlan, day: string): boolean {
  if (plan.state !== 'filed' || day < plan.start) return false
  if (plan.end !== undefined && day > plusDays(plan.end, 365)) return false
  return plan.type === 'UCPP' || plan.child?.born === undefined || day < plusYears(plan.child.born, 18)
}

export const isOpen = (plan: PaperPlan, day: string): boolean => plan.end === undefined || day <= plan.end

/** R23: the newest number of a child. */
export function newestNumber(paper: Paper, number: string): string {
  const next = paper.replaced.get(number)
  return next === undefined ? number : newestNumber(paper, next)
}

const isSameChild = (paper: Paper, a: string, b: string): boolean => newestNumber(paper, a) === newestNumber(paper, b)

const plansUnder = (paper: Paper, number: string): readonly PaperPlan[] =>
  paper.plans.filter((plan) => {
    const own = numberOf(plan)
    return own !== undefined && isSameChild(paper, own, number)
  })

/** Plans of the child itself, and through R24 those of its mother, that are shown today. */
export function shownPlans(paper: Paper, number: string): { readonly own: PaperPlan[]; readonly mothers: PaperPlan[] } {
  const own = plansUnder(paper, number)
  const mothers = paper.births.filter((one) => isSameChild(paper, one.baby, number)).map((one) => one.mother)
  const taken = new Set(
    own.filter((plan) => plan.state === 'filed' && plan.start <= paper.today).map((plan) => plan.la),
  )
  const unborn = paper.plans.filter(
    (plan) =>
      plan.type === 'UCPP' &&
      !taken.has(plan.la) &&
      mothers.some((mother) => plansUnder(paper, mother).includes(plan)) &&
      !own.includes(plan),
  )
  return {
    own: own.filter((plan) => isShown(plan, paper.today)),
    mothers: unborn.filter((plan) => isShown(plan, paper.today)),
  }
}

/** What NHS staff see today. */
export function shownUnder(paper: Paper, number: string): readonly Shown[] {
  const { own, mothers } = shownPlans(paper, number)
  const show = (plan: PaperPlan, caseStatus: Shown['caseStatus']): Shown => ({
    id: plan.id,
    type: plan.type,
    authority: plan.la,
    start: plan.start,
    ...(plan.end === undefined ? {} : { end: plan.end }),
    caseStatus,
  })
  return [
    ...own.map((plan) => show(plan, isOpen(plan, paper.today) ? 'open' : 'closed')),
    ...mothers.map((plan) => show(plan, 'born-plan-of-mother')),
  ]
}

/** Who is told of an access today, of which plans, and whether the case is open (R18, R20). */
export function toldOf(
  paper: Paper,
  number: string,
): readonly { readonly la: string; readonly plans: readonly string[]; readonly caseStatus: string }[] {
  const { own, mothers } = shownPlans(paper, number)
  const shown = [...own, ...mothers]
  return [...new Set(shown.map((plan) => plan.la))].sort().flatMap((la) => {
    const ofCouncil = shown.filter((plan) => plan.la === la)
    const told = ofCouncil.filter((plan) => isTold(plan, paper.today))
    if (told.length === 0) return []
    const caseStatus = ofCouncil.some((plan) => isOpen(plan, paper.today)) ? 'open' : 'closed'
    return [{ la, plans: told.map((plan) => plan.id).sort(), caseStatus }]
  })
}

function isTold(plan: PaperPlan, day: string): boolean {
  if (plan.type !== 'UCPP' || plan.due === undefined || isOpen(plan, day)) return true
  return day <= plusDays(plan.due, 28)
}

/** R6: 18 or more on the day the plan starts. */
export const isTooOld = (plan: Pick<PaperPlan, 'type' | 'start'>, born: string | undefined): boolean =>
  plan.type !== 'UCPP' && born !== undefined && plusYears(born, 18) <= plan.start

/** R13: the council's other plans of that type for that child that overlap in time. */
export function overlapping(paper: Paper, plan: PaperPlan): readonly PaperPlan[] {
  const forEver = '9999-12-31'
  return paper.plans.filter(
    (other) =>
      other.id !== plan.id &&
      other.la === plan.la &&
      other.type === plan.type &&
      other.state === 'filed' &&
      whom(other) === whom(plan) &&
      other.start < (plan.end ?? forEver) &&
      plan.start < (other.end ?? forEver),
  )
}

const whom = (plan: PaperPlan): string | undefined => numberOf(plan) ?? plan.child?.id
