/** Every access has its event, every event its one number, and every number is delivered in order or waits where it is seen (delivery.md; R18, R21). Pure. */
import type { Aftermath, StoredDelivery, StoredEvent, ToldSubscription, Violation } from './operation.ts'

/** Violations of accesses, events, numbers and what receivers were told. */
export function checkEvents(aftermath: Aftermath): Violation[] {
  return [
    ...checkAccesses(aftermath),
    ...checkLegs(aftermath),
    ...checkCaused(aftermath),
    ...aftermath.subscriptions.flatMap((one) => [
      ...checkNumbers(one, aftermath),
      ...checkTold(
        one,
        aftermath.deliveries.filter((its) => its.subscription === one.id),
      ),
    ]),
  ]
}

/** A check that found something from an unscheduled setting is one access, and nothing else is. */
function checkAccesses({ audits, accesses }: Aftermath): Violation[] {
  const due = new Set(audits.filter((one) => one.incident !== undefined).map((one) => one.id))
  const made = new Set(accesses.map((one) => one.id))
  const wrong = (words: string): Violation => ({ rule: 'one access for each hit', words })
  return [
    ...[...due].filter((id) => !made.has(id)).map((id) => wrong(`the check ${id} is in no history`)),
    ...[...made].filter((id) => !due.has(id)).map((id) => wrong(`the history has ${id}, which no AuditEvent tells of`)),
    ...(made.size === accesses.length ? [] : [wrong('an access stands twice in a history')]),
  ]
}

/** The legs of an incident are counted from 1 without a gap. */
function checkLegs({ accesses }: Aftermath): Violation[] {
  const incidents = Map.groupBy(accesses, (one) => one.incident.id)
  return [...incidents].flatMap(([id, legs]) => {
    const numbers = legs.map((one) => one.incident.leg).sort((a, b) => a - b)
    if (numbers.every((leg, at) => leg === at + 1)) return []
    return [{ rule: 'legs of an incident without gap', words: `incident ${id} has legs ${numbers.join(', ')}` }]
  })
}

/** Each authority of an access has one child-checked event of it; no event comes of nothing. */
function checkCaused({ audits, events }: Aftermath): Violation[] {
  const wrong = (words: string): Violation => ({ rule: 'one event for each authority of an access', words })
  const checked = events.filter((one) => one.topic === 'child-checked')
  const found = Map.groupBy(checked, (one) => `${one.auditId} ${one.authority}`)
  const due = new Set(
    audits.flatMap(({ id, incident, authorities }) =>
      incident === undefined ? [] : authorities.map((one) => `${id} ${one}`),
    ),
  )
  return [
    ...[...due].filter((key) => !found.has(key)).map((key) => wrong(`none for ${key}`)),
    ...[...found].filter(([key]) => !due.has(key)).map(([key]) => wrong(`one for ${key}, which was no access`)),
    ...[...found].filter(([, same]) => same.length > 1).map(([key, same]) => wrong(`${same.length} for ${key}`)),
    ...checked.filter((one) => one.state === 'undeliverable').map((one) => wrong(`${one.id} found no Subscription`)),
  ]
}

/** Numbers of a Subscription run from 1 without a gap, and each event of its topic has one of them, or waits to be numbered. */
function checkNumbers(subscription: ToldSubscription, { deliveries, events }: Aftermath): Violation[] {
  const wrong = (words: string): Violation => ({
    rule: 'events numbered without gap',
    words: `${subscription.topic} of ${subscription.authority}: ${words}`,
  })
  const own = deliveries.filter((one) => one.subscription === subscription.id)
  const numbers = own.map((one) => one.number).sort((a, b) => a - b)
  const byEvent = Map.groupBy(own, (one) => one.eventId)
  const due = events.filter((one) => one.topic === subscription.topic && one.authority === subscription.authority)
  return [
    ...(numbers.every((number, at) => number === at + 1) ? [] : [wrong(`numbers ${firstGap(numbers)}`)]),
    ...[...byEvent]
      .filter(([, same]) => same.length > 1)
      .map(([id, same]) => wrong(`${id} has ${same.length} numbers`)),
    ...due
      .filter((one) => isLostEvent(one, byEvent))
      .map((one) => wrong(`${one.id} is ${one.state} and has no number`)),
  ]
}

function isLostEvent(event: StoredEvent, byEvent: ReadonlyMap<string, unknown>): boolean {
  return event.state !== 'new' && !byEvent.has(event.id)
}

function firstGap(numbers: readonly number[]): string {
  const at = numbers.findIndex((number, place) => number !== place + 1)
  return `${numbers.slice(Math.max(0, at - 2), at + 2).join(', ')} around place ${at + 1}`
}

/** What the receiver got: right signatures, one event and one webhook-id for a number, each number after the one before it was taken, and all that counts as delivered. */
function checkTold({ topic, authority, told }: ToldSubscription, deliveries: readonly StoredDelivery[]): Violation[] {
  const wrong = (words: string): Violation => ({
    rule: 'delivered in order, under one name, or waiting',
    words: `${topic} of ${authority}: ${words}`,
  })
  const found: Violation[] = []
  const names = new Map<number, string>()
  const audits = new Map(deliveries.map((one) => [one.number, one.auditId]))
  let takenThrough = 0
  for (const one of told) {
    if (!one.signatureIsRight) found.push(wrong(`a wrong signature on ${one.numbers.join()}`))
    for (const [at, number] of one.numbers.entries()) {
      const name = names.get(number) ?? one.webhookId
      names.set(number, name)
      if (name !== one.webhookId) found.push(wrong(`number ${number} came as ${name} and as ${one.webhookId}`))
      if (audits.has(number) && audits.get(number) !== one.auditIds[at])
        found.push(wrong(`number ${number} told of another event`))
      if (!audits.has(number)) found.push(wrong(`number ${number} was told and is not known to the register`))
      if (number > takenThrough + 1) found.push(wrong(`number ${number} came before ${takenThrough + 1} was taken`))
      if (isTaken(one.answered)) takenThrough = Math.max(takenThrough, number)
    }
  }
  const lost = deliveries.filter((one) => one.state === 'delivered' && one.number > takenThrough)
  return [...found, ...lost.map((one) => wrong(`number ${one.number} counts as delivered and never was`))]
}

const isTaken = (status: number | undefined): boolean => status !== undefined && status >= 200 && status < 300
