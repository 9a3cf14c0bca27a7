/** The story that the demo tells, step by step; what it shows it has checked, and what does not hold ends it. */
import { readFileSync } from 'node:fs'
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { type Alert, alertLine } from './alert.ts'
import { answerLines, wordsOf } from './answer-text.ts'
import { fetchToken } from './bearer.ts'
import { postCheck } from './check.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { type Listener, startListener } from './listen.ts'
import { parseResource, resourcesOf } from './parse-answer.ts'
import { buildReceipt, receiptLines } from './receipt.ts'
import { send, serverOrigin } from './server-client.ts'

const DERBYSHIRE = 'E10000007'
const NOTTINGHAMSHIRE = 'E10000024'
/** Longest wait for a notification. */
const NOTIFICATION_MS = 20_000

interface Arrived {
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
  teller.step('Derbyshire’s receiver subscribes to accesses of its children and answers the handshake')
  const listener = await startListener(
    {
      authority: DERBYSHIRE,
      origin: teller.origin,
      port: 0,
      topic: 'child-checked',
      onAlert: (alert, { id }) => arrived.push({ alert, id }),
    },
    { ...io, out: () => {} },
  )
  try {
    await fileExamples(teller)
    await checkKnownChild(teller, options, arrived)
    await checkOthers(teller, arrived)
    await refuseStrangers(teller)
    teller.step('The story holds')
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
    first.alert.audit.id === answer.identifier?.value?.replace('urn:uuid:', ''),
    `the notification names the nurse’s own access (${seconds} s after the start)`,
  )
  teller.show([alertLine(first.alert)])

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
  teller.step('She checks a child of whom nothing is known: the answer has the same shape, and no one is told')
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
  teller.show(arrived.slice(1).map((one) => alertLine(one.alert)))

  teller.step('She checks the first child again: the history shows the first time')
  const again = await teller.check('check-request.json')
  teller.holds(resourcesOf(again, 'AuditEvent').length === 1, 'one earlier access is shown')
  teller.holds((await waitFor(arrived, 4)).alert.audit.id !== arrived[0]?.alert.audit.id, 'Derbyshire is told again')
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

interface Teller {
  readonly origin: string
  step(title: string): void
  show(lines: readonly string[]): void
  /** Says that a claim holds; throws CliError when it does not. */
  holds(isTrue: boolean, claim: string): void
  file(example: string, authority: string): Promise<void>
  check(example: string): Promise<Bundle>
  refused(story: string, as: string, status: number, request: readonly ['POST', string, string]): Promise<void>
}

function buildTeller(options: StoryOptions, io: Io): Teller {
  const origin = serverOrigin(io.env)
  const holds = (isTrue: boolean, claim: string): void => {
    if (!isTrue) throw new CliError(EXIT.failed, `It does not hold that: ${claim}.`)
    if (options.json) sayJson(io, { holds: claim })
    else say(io, `  ${styled(io, 'green', 'ok')} ${claim}`)
  }
  const show = (lines: readonly string[]): void => {
    if (options.json) sayJson(io, { shows: lines })
    else for (const line of lines) say(io, line === '' ? '' : `     ${line}`)
  }
  return {
    origin,
    step: (title) => {
      if (options.json) sayJson(io, { step: title })
      else say(io, `\n${styled(io, 'bold', title)}`)
    },
    show,
    holds,
    file: async (example, authority) => {
      const { token } = await fetchToken(origin, `la-${authority}`, io)
      const answer = await send(origin, { method: 'POST', path: '/FHIR/R4', token, body: readExample(example) })
      const receipt = buildReceipt(example, answer)
      show(receiptLines(receipt))
      holds(
        answer.status === 200 && receipt.refused.length === 0 && receipt.created > 0,
        `${example} is filed by ${authority}`,
      )
    },
    check: async (example) => {
      const { token } = await fetchToken(origin, 'ed-nurse', io)
      const parameters: Parameters = parseResource(readExample(example), 'Parameters')
      return postCheck(origin, token, parameters)
    },
    refused: async (story, as, status, [method, path, example]) => {
      const { token } = await fetchToken(origin, as, io)
      const headers = { 'x-request-id': crypto.randomUUID() }
      const answer = await send(origin, { method, path: `/FHIR/R4${path}`, token, headers, body: readExample(example) })
      holds(answer.status === status, `${story}: ${status}`)
    },
  }
}

function readExample(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8'))
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
