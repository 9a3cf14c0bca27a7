/** The story that the demo tells, step by step; what it shows it has checked, and what does not hold ends it. */
import { type Alert, alertLine } from './alert.ts'
import { answerLines, wordsOf } from './answer-text.ts'
import { auditIdOf, surviveOutage } from './demo-outage.ts'
import { buildTeller, type Teller } from './demo-teller.ts'
import { CliError, EXIT, type Io } from './io.ts'
import { type Listener, startListener } from './listen.ts'
import { resourcesOf } from './parse-answer.ts'

const DERBYSHIRE = 'E10000007'
const NOTTINGHAMSHIRE = 'E10000024'
/** Hits of Derbyshire's children in the story until its receiver goes down. */
const ALERTS_UNTIL_OUTAGE = 6
/** Longest wait for a notification. */
const NOTIFICATION_MS = 20_000

/** A notification whose AuditEvent was read. */
export interface Arrived {
  readonly alert: Alert
  readonly id: string
}

interface StoryOptions {
  readonly json?: boolean
  /** Monotonic milliseconds at which the demo began. */
  readonly started: number
}

/** Tells it; resolves with the listener still open. Throws CliError at the first claim that does not hold. */
export async function tellStory(options: StoryOptions, io: Io): Promise<Listener> {
  const teller = buildTeller(options, io)
  const arrived: Arrived[] = []
  let isOver = false
  teller.step('Derbyshire’s receiver subscribes to accesses of its children and answers the handshake')
  const listen = (port: number): Promise<Listener> =>
    startListener(
      {
        authority: DERBYSHIRE,
        origin: teller.origin,
        port,
        topic: 'child-checked',
        onAlert: (alert, { id }) => arrived.push({ alert, id }),
      },
      // its lines are part of the story while that is told; afterwards they stand alone
      { ...io, out: (text) => (isOver ? io.out(text) : undefined) },
    )
  let listener = await listen(0)
  try {
    await fileExamples(teller)
    await checkKnownChild(teller, options, arrived)
    await checkOthers(teller, arrived)
    await bearBaby(teller)
    await changeNumber(teller)
    await waitFor(arrived, ALERTS_UNTIL_OUTAGE)
    const arrival = (count: number): Promise<Arrived> => waitFor(arrived, count)
    listener = await surviveOutage(teller, io, { listener, restart: listen, arrival, before: ALERTS_UNTIL_OUTAGE })
    await refuseStrangers(teller)
    teller.step('The story holds')
    isOver = true
    return listener
  } catch (error) {
    await listener.receiver.close()
    throw error
  }
}

async function fileExamples(teller: Teller): Promise<void> {
  teller.step('The authorities file plans: the bundles of examples/')
  await teller.file('la-new-plan.transaction.json', DERBYSHIRE)
  await teller.file('unborn-on-mother.transaction.json', DERBYSHIRE)
  await teller.file('looked-after.transaction.json', DERBYSHIRE)
  await teller.file('two-authorities.derbyshire.transaction.json', DERBYSHIRE)
  await teller.file('two-authorities.nottinghamshire.transaction.json', NOTTINGHAMSHIRE)
  await teller.file('parked-without-number.transaction.json', DERBYSHIRE)
}

async function checkKnownChild(teller: Teller, options: StoryOptions, arrived: readonly Arrived[]): Promise<void> {
  teller.step('An emergency nurse in Sheffield checks the child of the first plan')
  const answer = await teller.check('check-request.json')
  teller.holds(answer.total === 1, 'one plan is found')
  teller.holds(resourcesOf(answer, 'Organization')[0]?.contact?.length === 3, 'with whom to call, by day and by night')
  teller.holds(!JSON.stringify(answer).includes('Alma'), 'and without the child’s name')
  teller.show(answerLines(answer))

  teller.step('Derbyshire’s endpoint receives a signed notification and reads who looked')
  const first = await waitFor(arrived, 1)
  const seconds = ((performance.now() - options.started) / 1000).toFixed(1)
  teller.holds(
    first.alert.audit.id === auditIdOf(answer),
    `the notification names the nurse’s own access (${seconds} s after the start)`,
  )
  teller.show([`webhook-id ${first.id}, signature verified with the server’s published key`, alertLine(first.alert)])

  teller.step('The AuditEvent, as Derbyshire reads it')
  const { audit } = first.alert
  teller.holds(audit.agent.filter((agent) => agent.requestor).length === 1, 'it names one person who asked')
  teller.show([
    `AuditEvent/${audit.id} recorded ${audit.recorded}, outcome ${audit.outcome}`,
    ...audit.agent.map(
      (agent) =>
        `  ${agent.requestor ? 'asked by' : 'through '} ${agent.name ?? agent.who?.display ?? agent.who?.identifier?.value ?? ''}`,
    ),
  ])
}

async function checkOthers(teller: Teller, arrived: readonly Arrived[]): Promise<void> {
  teller.step('She checks a child of whom nothing is known: the answer has the same shape')
  const nothing = await teller.check('check-nothing.request.json')
  teller.holds(nothing.total === 0 && resourcesOf(nothing, 'Flag').length === 0, 'nothing is found')
  teller.show(wordsOf(nothing))

  teller.step('She checks a pregnant woman: the unborn child has a plan')
  const unborn = await teller.check('check-unborn.request.json')
  teller.holds(unborn.total === 1, 'the plan is found under the mother’s number')
  teller.show(wordsOf(unborn))

  teller.step('She checks a child known to two authorities')
  const two = await teller.check('check-two-authorities.request.json')
  teller.holds(
    two.total === 2 && resourcesOf(two, 'Organization').length === 2,
    'both plans and both authorities are shown',
  )
  teller.show(wordsOf(two))
  const third = await waitFor(arrived, 3)
  teller.holds(third.alert.plans.length === 1, 'Derbyshire is told, of its own plan only')
  const isTold = arrived.some((one) => one.alert.audit.id === auditIdOf(nothing))
  teller.holds(!isTold, 'and of the child of whom nothing is known no one was told')
  teller.show(arrived.slice(1).map((one) => alertLine(one.alert)))

  teller.step('She checks the first child again: the history shows the first time')
  const again = await teller.check('check-request.json')
  teller.holds(resourcesOf(again, 'AuditEvent').length === 1, 'one earlier access is shown')
  teller.holds((await waitFor(arrived, 4)).alert.audit.id !== arrived[0]?.alert.audit.id, 'Derbyshire is told again')
}

/** R24: from the unborn plan to the baby. */
async function bearBaby(teller: Teller): Promise<void> {
  teller.step('The baby is born: a midwife notifies both numbers, and a nurse checks the baby')
  await teller.operate('the birth is taken', 'midwife', ['Patient/$birth-notified', 'birth-notified.request.json'])
  const baby = await teller.check('check-baby.request.json')
  teller.holds(baby.total === 1, 'the plan made before the birth is found under the baby’s number')
  const mother = '9995425793'
  teller.holds(!JSON.stringify(baby).includes(mother), 'without the mother’s number')
  teller.show(wordsOf(baby))
}

/** R23: the NHS replaces a number. */
async function changeNumber(teller: Teller): Promise<void> {
  teller.step('The NHS replaces the looked-after child’s number')
  await teller.operate('the notice is taken', 'number-feed', ['Patient/$number-changed', 'number-changed.request.json'])
  const child = await teller.check('check-new-number.request.json')
  teller.holds(child.total === 1, 'the plan is found under the new number')
  const plans = await teller.search(DERBYSHIRE, 'EpisodeOfCare?_count=100')
  const told = resourcesOf(plans, 'EpisodeOfCare').filter((plan) => JSON.stringify(plan).includes('cpis-new-number'))
  teller.holds(told.length === 1, 'and Derbyshire reads the new number on its plan, until it files it')
  teller.show(wordsOf(child))
}

async function refuseStrangers(teller: Teller): Promise<void> {
  teller.step('What may not be is refused')
  await teller.refused('the nurse files a plan', 'ed-nurse', 403, ['POST', '', 'looked-after.transaction.json'])
  await teller.refused('Derbyshire checks a child', `la-${DERBYSHIRE}`, 403, [
    'POST',
    '/Patient/$cpis-check',
    'check-request.json',
  ])
  await teller.refused('a second plan of one type for one child', `la-${DERBYSHIRE}`, 409, [
    'POST',
    '',
    'refused-overlapping-plan.request.json',
  ])
}

/** The nth notification, once it is there. */
async function waitFor(arrived: readonly Arrived[], count: number): Promise<Arrived> {
  const started = performance.now()
  for (;;) {
    const found = arrived[count - 1]
    if (found !== undefined) return found
    if (performance.now() - started > NOTIFICATION_MS) {
      throw new CliError(EXIT.failed, `Notification ${count} did not arrive within ${NOTIFICATION_MS / 1000} s.`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
