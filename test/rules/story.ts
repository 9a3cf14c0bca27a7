/** Plays a story against the real server and on paper at once, and compares after every step. */
import type { EpisodeOfCare, Extension, Patient } from '@medplum/fhirtypes'
import { NHS, patientOf, planOf, transactionOf } from '../support/plans.ts'
import { DERBYSHIRE, LUTON, type RulesWorld } from '../support/rules-world.ts'
import { bundleOf, resourceOf, type TestAnswer } from '../support/server.ts'
import {
  isShown,
  isTooOld,
  newestNumber,
  newPaper,
  overlapping,
  type PaperChild,
  type PaperPlan,
  plusDays,
  plusYears,
  shownUnder,
  toldOf,
} from './model.ts'
import { NUMBERS, type Step } from './steps.ts'

export const DAY_ONE = '2026-05-03'
const COUNCIL_CODES = [DERBYSHIRE, LUTON] as const
const PLAN_SYSTEM = 'https://derbyshire.example/plan'
const EXTENSION = 'https://cpis.example/fhir/StructureDefinition/'

/** What the paper says must become of a request. */
type Expected = 'taken' | 'refused'

let stories = 0

/** Plays all steps; throws at the first difference, naming the step. Returns how many requests were taken and refused. */
export async function playStory(
  world: RulesWorld,
  steps: readonly Step[],
): Promise<{ taken: number; refused: number }> {
  const story = openStory(world)
  await story.setDay(DAY_ONE)
  for (const [nth, step] of steps.entries()) {
    try {
      await story.play(step)
      await story.compare()
    } catch (error) {
      throw new Error(`step ${nth + 1}, ${JSON.stringify(step)}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    }
  }
  return story.count
}

function openStory(world: RulesWorld) {
  const name = `s${++stories}`
  const paper = newPaper(DAY_ONE)
  const numbers = Array.from({ length: NUMBERS }, () => world.newNumber())
  const numberAt = (index: number): string => numbers[index % NUMBERS] ?? ''
  const councilAt = (index: number): string => COUNCIL_CODES[index % COUNCIL_CODES.length] ?? DERBYSHIRE
  const secrets = new Set<string>(['private-', 's31'])
  const count = { taken: 0, refused: 0 }
  let made = 0

  const livePlan = (index: number): PaperPlan | undefined => pick(paper.plans, index)
  const childrenOf = (la: string): PaperChild[] => paper.children.filter((one) => one.la === la)

  function resourceOfPlan(plan: Omit<PaperPlan, 'id'> & { readonly id?: string }, patient?: string): EpisodeOfCare {
    const basis: Extension = { url: `${EXTENSION}cpis-legal-basis`, valueCode: 's31' }
    const due: Extension[] =
      plan.due === undefined ? [] : [{ url: `${EXTENSION}cpis-expected-delivery-date`, valueDate: plan.due }]
    const extension = [...(plan.type === 'LAC' ? [basis] : []), ...due]
    return {
      ...planOf({
        identifier: plan.ref,
        type: plan.type,
        start: plan.start,
        status: plan.state === 'withdrawn' ? 'entered-in-error' : 'active',
        ...(plan.end === undefined ? {} : { end: plan.end }),
        ...(plan.number === undefined
          ? { patient: patient ?? `Patient/${plan.child?.id}` }
          : { nhsNumber: plan.number }),
      }),
      ...(plan.id === undefined ? {} : { id: plan.id }),
      ...(extension.length === 0 ? {} : { extension }),
      careManager: {
        type: 'Practitioner',
        identifier: { system: 'https://derbyshire.example/worker', value: `private-worker-${plan.ref}` },
      },
    }
  }

  const resourceOfChild = (child: Omit<PaperChild, 'id'> & { readonly id?: string }): Patient => ({
    ...patientOf({
      local: child.local,
      family: child.family,
      ...(child.number === undefined ? {} : { nhsNumber: child.number }),
      ...(child.born === undefined ? {} : { birthDate: child.born }),
    }),
    ...(child.id === undefined ? {} : { id: child.id }),
  })

  /** Whether a request was taken, which must be as expected. */
  function judge(answer: TestAnswer, expected: Expected): boolean {
    const isTaken = answer.status < 300
    if (answer.status >= 500) throw new Error(`${answer.status} ${answer.text}`)
    if (isTaken !== (expected === 'taken')) throw new Error(`not ${expected}: ${answer.status} ${answer.text}`)
    count[isTaken ? 'taken' : 'refused'] += 1
    return isTaken
  }

  /** What the rules say of a plan in a new state; `before` is the plan as it stood. */
  function expectedOf(after: PaperPlan, before?: PaperPlan): Expected {
    const { start, end } = after
    const latest = plusYears(paper.today, 1)
    if (start > latest || (end !== undefined && (end < start || end > latest))) return 'refused'
    if (after.state === 'withdrawn') return 'taken'
    if (isTooOld(after, after.child?.born)) return 'refused'
    // an overlap that a linked number had made may stay, but none may be made
    const stood = before === undefined ? [] : overlapping(paper, before).map((one) => one.id)
    return overlapping(paper, after).every((one) => stood.includes(one.id)) ? 'taken' : 'refused'
  }

  const childWithNumber = (la: string, number: string): PaperChild | undefined =>
    childrenOf(la).find((one) => one.number === number)

  /** A plan that names its number is about the council's child of that number, if it has one now. */
  function linked<P extends Omit<PaperPlan, 'id'>>(plan: P): P {
    const { child: _child, ...rest } = plan
    if (plan.number === undefined) return plan
    const child = childWithNumber(plan.la, plan.number)
    return { ...rest, ...(child === undefined ? {} : { child }) } as P
  }

  async function file(step: Extract<Step, { do: 'file' }>): Promise<void> {
    const la = councilAt(step.la)
    const ref = `private-plan-${name}-${++made}`
    const number = numberAt(step.whom)
    const day = (offset: number) => plusDays(DAY_ONE, offset)
    const parts = {
      la,
      ref,
      type: step.type,
      start: day(step.start),
      ...(step.end === undefined ? {} : { end: day(step.end) }),
      ...(step.due === undefined || step.type !== 'UCPP' ? {} : { due: day(step.due) }),
      state: 'filed' as const,
    }
    if (step.how === 'transaction') return fileWithChild(parts, number)
    const child = pick(childrenOf(la), step.whom)
    if (step.about === 'child' && child === undefined) return
    const plan = linked({ ...parts, ...(step.about === 'child' && child !== undefined ? { child } : { number }) })
    const expected = expectedOf({ ...plan, id: 'new' })
    const body = resourceOfPlan(plan)
    const answer = await world.server.send(
      step.how === 'create'
        ? { as: `la-${la}`, path: 'EpisodeOfCare', body }
        : { as: `la-${la}`, method: 'PUT', path: `EpisodeOfCare?identifier=${PLAN_SYSTEM}|${ref}`, body },
    )
    if (judge(answer, expected)) paper.plans.push({ ...plan, id: resourceOf(answer, 'EpisodeOfCare').id ?? '' })
  }

  /** Patient and plan in one transaction. */
  async function fileWithChild(parts: Omit<PaperPlan, 'id' | 'number' | 'child'>, number: string): Promise<void> {
    const patient = { la: parts.la, local: `private-child-${parts.ref}`, family: `Private-${parts.ref}`, number }
    const plan = { ...parts, child: { ...patient, id: 'new' } }
    const isHeld = childWithNumber(parts.la, number) !== undefined
    const expected = isHeld ? 'refused' : expectedOf({ ...plan, id: 'new' })
    const fullUrl = 'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001'
    const answer = await world.server.send({
      as: `la-${parts.la}`,
      body: transactionOf([
        { url: 'EpisodeOfCare', resource: resourceOfPlan(plan, fullUrl) },
        { fullUrl, url: 'Patient', resource: resourceOfChild(patient) },
      ]),
    })
    if (!judge(answer, expected)) return
    const [planEntry, childEntry] = bundleOf(answer).entry ?? []
    const child: PaperChild = { ...patient, id: childEntry?.resource?.id ?? '' }
    paper.children.push(child)
    link(child)
    paper.plans.push({ ...parts, child, id: planEntry?.resource?.id ?? '' })
  }

  /** Plans that name the child's number and have found no child so far. */
  function link(child: PaperChild): void {
    if (child.number === undefined) return
    for (const plan of paper.plans)
      if (plan.la === child.la && plan.number === child.number && plan.child === undefined && plan.state !== 'deleted')
        plan.child = child
  }

  async function addChild(step: Extract<Step, { do: 'child' }>): Promise<void> {
    const la = councilAt(step.la)
    const nth = `${name}-${++made}`
    const number = step.number === undefined ? undefined : numberAt(step.number)
    const child = {
      la,
      local: `private-child-${nth}`,
      family: `Private-${nth}`,
      ...(step.born === undefined ? {} : { born: step.born }),
      ...(number === undefined ? {} : { number }),
    }
    if (step.born !== undefined) secrets.add(step.born)
    const answer = await world.server.send({ as: `la-${la}`, path: 'Patient', body: resourceOfChild(child) })
    if (!judge(answer, expectedOfChild({ ...child, id: 'new' }, undefined))) return
    const taken: PaperChild = { ...child, id: resourceOf(answer, 'Patient').id ?? '' }
    paper.children.push(taken)
    link(taken)
  }

  function expectedOfChild(after: PaperChild, before: PaperChild | undefined): Expected {
    const { la, number } = after
    if (number !== undefined && childrenOf(la).some((one) => one.number === number && one.id !== after.id))
      return 'refused'
    const ofChild = paper.plans.filter(
      (plan) =>
        plan.la === la &&
        plan.state !== 'deleted' &&
        (plan.child?.id === after.id || (plan.child === undefined && plan.number === number && number !== undefined)),
    )
    const isWrong = (plan: PaperPlan): boolean =>
      (plan.number !== undefined && number !== undefined && plan.number !== number) ||
      (plan.state === 'filed' && isTooOld(plan, after.born)) ||
      (plan.number === undefined && number === undefined && before?.number !== undefined && isShown(plan, paper.today))
    return ofChild.some(isWrong) ? 'refused' : 'taken'
  }

  async function setNumber(step: Extract<Step, { do: 'number' }>): Promise<void> {
    const child = pick(paper.children, step.child)
    if (child === undefined) return
    const { number: before, ...rest } = child
    const number = step.number === undefined ? undefined : numberAt(step.number)
    const after: PaperChild = { ...rest, ...(number === undefined ? {} : { number }) }
    const answer = await world.send(resourceOfChild(after), child.la)
    if (before === number) {
      judge(answer, 'taken')
      return
    }
    if (!judge(answer, expectedOfChild(after, child))) return
    if (number === undefined) delete child.number
    else child.number = number
    link(child)
  }

  /** PUT of a plan by its id in a new state. */
  async function put(plan: PaperPlan, parts: Partial<PaperPlan>): Promise<void> {
    const { end: _end, ...kept } = plan
    const after = linked({ ...('end' in parts ? kept : plan), ...parts } as PaperPlan)
    const answer = await world.send(resourceOfPlan(after), plan.la)
    if (plan.state === 'deleted') {
      if (answer.status !== 410) throw new Error(`not 410: ${answer.status} ${answer.text}`)
      return
    }
    if (judge(answer, expectedOf(after, plan))) paper.plans[paper.plans.indexOf(plan)] = after
  }

  async function onPlan(step: Extract<Step, { plan: number }>): Promise<void> {
    const plan = livePlan(step.plan)
    if (plan === undefined) return
    if (step.do === 'refile') return refile(plan, step.how)
    if (step.do === 'delete') return remove(plan)
    if (step.do === 'withdraw') return put(plan, { state: plan.state === 'deleted' ? 'deleted' : 'withdrawn' })
    if (plan.state === 'withdrawn') return
    if (step.do === 'end') return put(plan, { end: plusDays(DAY_ONE, step.end) })
    if (step.do === 'move') return put(plan, { start: plusDays(DAY_ONE, step.start) })
    if (step.do === 'reopen') return put(plan, withoutEnd)
    return resend(plan)
  }

  async function remove(plan: PaperPlan): Promise<void> {
    const path = `EpisodeOfCare/${plan.id}`
    judge(await world.server.send({ as: `la-${plan.la}`, method: 'DELETE', path }), 'taken')
    plan.state = 'deleted'
  }

  /** R15: the same again makes no version. */
  async function resend(plan: PaperPlan): Promise<void> {
    if (plan.state === 'deleted') return put(plan, {})
    const before = await world.plan(plan.id, plan.la)
    await put(plan, {})
    const after = await world.plan(plan.id, plan.la)
    const status = paper.today < plan.start ? 'planned' : isOpenToday(plan) ? 'active' : 'finished'
    if (before.status === status && before.meta?.versionId !== after.meta?.versionId)
      throw new Error('sending the same again made a version')
  }

  const isOpenToday = (plan: PaperPlan): boolean => plan.end === undefined || paper.today <= plan.end

  /** R15: a withdrawn or deleted plan frees its identifier; one that stands answers for itself. */
  async function refile(plan: PaperPlan, how: Extract<Step, { do: 'refile' }>['how']): Promise<void> {
    const filed = linked({ ...plan, state: 'filed' as const, id: 'new' })
    const { id: _id, ...body } = resourceOfPlan(filed)
    const holder = paper.plans.find((one) => one.la === plan.la && one.ref === plan.ref && one.state === 'filed')
    const condition = `identifier=${PLAN_SYSTEM}|${plan.ref}`
    const as = `la-${plan.la}`
    const answer = await world.server.send({
      as,
      method: how === 'conditional update' ? 'PUT' : 'POST',
      path: how === 'conditional update' ? `EpisodeOfCare?${condition}` : 'EpisodeOfCare',
      body,
      ...(how === 'conditional create' ? { headers: { 'If-None-Exist': condition } } : {}),
    })
    if (holder === undefined) {
      if (judge(answer, expectedOf(filed)))
        paper.plans.push({ ...filed, id: resourceOf(answer, 'EpisodeOfCare').id ?? '' })
      return
    }
    const expected = expectedOfHeld(filed, holder, how)
    if (!judge(answer, expected)) return
    if (resourceOf(answer, 'EpisodeOfCare').id !== holder.id) throw new Error('a second plan under one identifier')
    const after = how === 'conditional create' ? holder : { ...filed, id: holder.id }
    paper.plans[paper.plans.indexOf(holder)] = after
  }

  function expectedOfHeld(filed: PaperPlan, holder: PaperPlan, how: string): Expected {
    if (how === 'conditional create') return 'taken'
    const isSame = holder.start === filed.start && holder.end === filed.end
    if (how === 'create' && !isSame) return 'refused'
    return expectedOf({ ...filed, id: holder.id }, holder)
  }

  /** R16: a nightly batch of all that a council holds, with one bad and one new plan among them. */
  async function nightly(step: Extract<Step, { do: 'nightly' }>): Promise<void> {
    const la = councilAt(step.la)
    const held = paper.plans.filter((plan) => plan.la === la && plan.state === 'filed')
    const fresh = linked({
      la,
      ref: `private-plan-${name}-${++made}`,
      type: 'CPP' as const,
      start: plusDays(paper.today, -10),
      state: 'filed' as const,
      number: numberAt(step.number),
    })
    const bad = { ...fresh, ref: `${fresh.ref}-bad`, number: '9990000000' }
    const urlOf = (plan: { readonly ref: string }) => `EpisodeOfCare?identifier=${PLAN_SYSTEM}|${plan.ref}`
    const entries = [...held, bad, fresh].map((plan) => {
      const resource = resourceOfPlan(plan)
      delete resource.id
      return { method: 'PUT', url: urlOf(plan), resource }
    })
    const answer = await world.server.send({ as: `la-${la}`, body: { ...transactionOf(entries), type: 'batch' } })
    const statuses = bundleOf(answer).entry?.map((one) => one.response?.status?.slice(0, 3)) ?? []
    for (const [nth, plan] of held.entries()) {
      const expected = expectedOf(linked(plan), plan) === 'taken'
      if ((statuses[nth] === '200') !== expected) throw new Error(`entry ${nth} of ${answer.text}`)
      if (expected) paper.plans[paper.plans.indexOf(plan)] = linked(plan)
    }
    const [badStatus, freshStatus] = statuses.slice(held.length)
    const expected = expectedOf({ ...fresh, id: 'new' })
    if (badStatus !== '400' || (freshStatus === '201') !== (expected === 'taken')) throw new Error(answer.text)
    const id = bundleOf(answer).entry?.at(-1)?.resource?.id
    if (expected === 'taken') paper.plans.push({ ...fresh, id: id ?? '' })
  }

  /** R18, R19, R20, R25: who is told, of what; and the history. */
  async function check(step: Extract<Step, { do: 'check' }>): Promise<void> {
    const number = numberAt(step.number)
    const told = toldOf(paper, number)
    const seen = await (step.scheduled ? world.look(number) : world.check(number))
    compareText(number, seen.text)
    const events = await world.eventsOfCheck(seen.auditId)
    const checked = events.filter((one) => one.topic === 'child-checked')
    const actual = checked.map((one) => ({
      la: one.authority,
      plans: one.plans.map((plan) => plan.id).sort(),
      caseStatus: one.caseStatus,
    }))
    const isAccess = !step.scheduled && shownUnder(paper, number).length > 0
    expectSame(
      'who is told',
      [...actual].sort((a, b) => (a.la < b.la ? -1 : 1)),
      isAccess ? told : [],
    )
    const history = paper.accesses.filter((one) => newestNumber(paper, one.number) === newestNumber(paper, number))
    if (shownUnder(paper, number).length > 0)
      expectSame(
        'the access history',
        seen.history.map((one) => one.id).sort(),
        history
          .slice(-25)
          .map((one) => one.id)
          .sort(),
      )
    if (isAccess) paper.accesses.push({ id: seen.auditId, number })
  }

  /** R23. */
  async function replace({ from, to, reason }: Extract<Step, { do: 'replace' }>): Promise<void> {
    const [old, next] = [numberAt(from), numberAt(to)]
    const given = { from: old, ...(reason === 'invalid' ? {} : { to: next }) }
    const answer = await tell('number-changed', given, { name: 'reason', valueCode: reason })
    if (reason === 'invalid') {
      judge(answer, 'taken')
      paper.replaced.delete(old)
    } else if (reason === 'correction') {
      judge(answer, old === next ? 'refused' : 'taken')
      if (paper.replaced.get(old) === next) paper.replaced.delete(old)
    } else {
      const before = paper.replaced.get(old)
      paper.replaced.delete(old)
      const isCircle = newestNumber(paper, next) === old
      if (before !== undefined) paper.replaced.set(old, before)
      if (judge(answer, isCircle ? 'refused' : 'taken')) paper.replaced.set(old, next)
    }
  }

  /** R24. */
  async function birth(step: Extract<Step, { do: 'birth' }>): Promise<void> {
    const [mother, baby] = [numberAt(step.mother), numberAt(step.baby)]
    const answer = await tell('birth-notified', { mother, baby }, { name: 'birthDate', valueDate: paper.today })
    if (judge(answer, mother === baby ? 'refused' : 'taken')) paper.births.push({ mother, baby })
  }

  function tell(operation: string, given: Readonly<Record<string, string>>, more: object): Promise<TestAnswer> {
    const parameter = Object.entries(given).map(([name, value]) => ({ name, valueIdentifier: { system: NHS, value } }))
    const body = { resourceType: 'Parameters', parameter: [...parameter, more] }
    return world.server.send({ as: 'number-feed', path: `Patient/$${operation}`, body })
  }

  function compareText(number: string, text: string): void {
    for (const secret of secrets) if (text.includes(secret)) throw new Error(`a private text is shown: ${secret}`)
    for (const other of numbers)
      if (other !== number && text.includes(other)) throw new Error('a number is shown that was not asked for')
    if (/Patient\/(?!\$cpis-check)/.test(text)) throw new Error('a reference to a Patient is shown')
  }

  async function setDay(day: string): Promise<void> {
    paper.today = day
    world.at(`${day} 12:00`)
  }

  /** What the NHS sees under each number, from a scheduled setting, so that looking changes nothing. */
  async function compare(): Promise<void> {
    for (const number of numbers) {
      const seen = await world.look(number)
      compareText(number, seen.text)
      const shown = seen.plans.map(({ status: _status, shownUntil: _until, ...plan }) => plan)
      expectSame(
        `what is seen under number ${numbers.indexOf(number)}`,
        shown.sort(byId),
        [...shownUnder(paper, number)].sort(byId),
      )
    }
  }

  function play(step: Step): Promise<void> {
    switch (step.do) {
      case 'child':
        return addChild(step)
      case 'file':
        return file(step)
      case 'number':
        return setNumber(step)
      case 'nightly':
        return nightly(step)
      case 'check':
        return check(step)
      case 'pass':
        return setDay(plusDays(paper.today, step.days))
      case 'replace':
        return replace(step)
      case 'birth':
        return birth(step)
      default:
        return onPlan(step)
    }
  }

  return { play, compare, setDay, count }
}

const withoutEnd: Partial<PaperPlan> = Object.freeze({ end: undefined } as unknown as Partial<PaperPlan>)

const pick = <T>(list: readonly T[], index: number): T | undefined =>
  list.length === 0 ? undefined : list[index % list.length]

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)

function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [sorted(actual), sorted(expected)]
  if (is !== should) throw new Error(`${what} differs\n  server: ${is}\n  paper:  ${should}`)
}

/** JSON with sorted keys. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
