/** `/admin/dead-letters`: events of the last 90 days that no Subscription wanted, by topic and authority: a council that is told nothing is seen here. */
import type { Context } from '../context.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { DeadLetters } from '../store/delivery-store.ts'
import type { Handler } from './interaction.ts'
import { earliestEvent } from './subscription/number-range.ts'

/** Nothing of any event but when the first and the last was. */
export interface DeadLettersView extends DeadLetters {
  readonly authorityName?: string
  /** Whether a Subscription of the authority wants this topic now, or the other one of an access: then it is told. */
  readonly subscribed: boolean
}

/** Those told nothing now first, then by how many. Takes no parameters. Database I/O. */
export const handleDeadLetters: Handler = async (request, _caller, context) => {
  if (request.parameters.length > 0) throw fhirError('UNKNOWN_PARAMETER')
  const letters = await context.deliveries.deadLetters(earliestEvent(request.at))
  const codes = [...new Set(letters.map(({ authority }) => authority))]
  const rows = codes.length === 0 ? [] : await context.store.read.authorities(codes)
  const names = new Map(rows.map((row) => [row.owner as string, row.resource?.name]))
  const wanted = await findWanted(context)
  const views = letters.map((one): DeadLettersView => {
    const authorityName = names.get(one.authority)
    return {
      ...one,
      ...(authorityName === undefined ? {} : { authorityName }),
      subscribed: meant(one.topic).some((topic) => wanted.has(`${one.authority} ${topic}`)),
    }
  })
  return { status: 200, body: { deadLetters: views.toSorted(untoldFirst) } }
}

function untoldFirst(a: DeadLettersView, b: DeadLettersView): number {
  return a.subscribed === b.subscribed ? b.count - a.count : a.subscribed ? 1 : -1
}

/** Of an access a council is told by either topic, as it chooses (R21). */
const OF_ACCESS = ['child-checked', 'incident-opened']

function meant(topic: string): readonly string[] {
  return OF_ACCESS.includes(topic) ? OF_ACCESS : [topic]
}

/** More than there are authorities many times over. */
const MOST_SUBSCRIPTIONS = 10_000

async function findWanted(context: Context): Promise<ReadonlySet<string>> {
  const rows = await context.store.read.subscriptions.search({
    criteria: [{ field: 'status', anyOf: ['requested', 'active', 'error'] }],
    limit: MOST_SUBSCRIPTIONS,
  })
  return new Set(rows.map(({ owner, index }) => `${owner} ${topicName(index.topic)}`))
}

/** A topic is indexed by its canonical. */
function topicName(topic: string | undefined): string {
  return topic?.slice(topic.lastIndexOf('/') + 1) ?? ''
}
