/** Councils with children on plans and a Subscription each, filed through the server with their own tokens; and checks of those children. */

import { canonical } from '../src/fhir/canonicals.ts'
import { LOCAL_AUTHORITIES } from '../src/sandbox/authorities.ts'
import type { Arena } from './arena.ts'
import { buildBatches, buildChildren, type Child } from './children.ts'
import { type HttpCaller, openCaller } from './http-caller.ts'
import { monotonicMs } from './monotonic.ts'
import type { Random } from './random.ts'

const PAYLOAD_CONTENT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content'

export interface Council {
  readonly gss: string
  readonly children: readonly Child[]
  /** Id of its Subscription. */
  readonly subscription: string
}

/** A check as its caller saw it: monotonic ms, and the AuditEvent that the answer names. */
export interface Asked {
  readonly audit: string
  readonly sentAt: number
  readonly answeredAt: number
}

export interface Filing {
  readonly arena: Arena
  readonly random: Random
  readonly taken: Set<string>
}

/** As many councils as there are endpoints, each with `childrenEach` children and every check told to its endpoint. */
export async function openCouncils(
  { arena, random, taken }: Filing,
  { origins, childrenEach }: { readonly origins: readonly string[]; readonly childrenEach: number },
): Promise<readonly Council[]> {
  const http = openCaller(arena.origin)
  const councils: Council[] = []
  for (const [place, origin] of origins.entries()) {
    const gss = LOCAL_AUTHORITIES[place]?.gss
    if (gss === undefined) throw new Error('There are not so many authorities.')
    const token = await arena.token(`la-${gss}`)()
    const post = async (path: string, body: string): Promise<string> => {
      const { status, text } = await http.send({ method: 'POST', path, token, requestId: random.uuid(), body })
      if (status !== 200 && status !== 201) throw new Error(`Filing was answered ${status}: ${text.slice(0, 500)}`)
      return text
    }
    const children = buildChildren(childrenEach, random, taken)
    for (const batch of buildBatches(children)) await post('/FHIR/R4', batch)
    const made = JSON.parse(await post('/FHIR/R4/Subscription', subscriptionTo(`${origin}/notifications`)))
    councils.push({ gss, children, subscription: made.id })
  }
  await http.close()
  return councils
}

function subscriptionTo(endpoint: string): string {
  return JSON.stringify({
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Alerts for the duty desk',
    criteria: canonical('SubscriptionTopic', 'child-checked'),
    channel: {
      type: 'rest-hook',
      endpoint,
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: PAYLOAD_CONTENT, valueCode: 'id-only' }] },
    },
  })
}

export interface Alerts {
  /** One check of a child of one of these councils. Rejects for any answer but one plan. */
  check(councils: readonly Council[]): Promise<Asked>
  /** Pauses or resumes a lane, as the administrator. */
  order(council: Council, order: 'pause' | 'resume'): Promise<void>
  close(): Promise<void>
}

/** Callers over connections of their own, as many as checks are under way at once. No I/O until the first. */
export function buildAlerts({ arena, random }: Pick<Filing, 'arena' | 'random'>): Alerts {
  const nurse = arena.token('ed-nurse')
  const administrator = arena.token('administrator')
  const free: HttpCaller[] = []
  const all: HttpCaller[] = []
  const send: HttpCaller['send'] = async (request) => {
    const fresh = free.pop() ?? openCaller(arena.origin)
    if (!all.includes(fresh)) all.push(fresh)
    const received = await fresh.send(request)
    free.push(fresh)
    return received
  }
  return {
    async check(councils) {
      const council = councils[random.below(councils.length)]
      const child = council?.children[random.below(council.children.length)]
      if (child === undefined) throw new Error('There is no child to ask for.')
      const request = { method: 'POST', path: '/FHIR/R4/Patient/$cpis-check', token: await nurse() } as const
      const sentAt = monotonicMs()
      const { status, text } = await send({ ...request, requestId: random.uuid(), body: checkOf(child) })
      const answeredAt = monotonicMs()
      const bundle = JSON.parse(text)
      if (status !== 200 || bundle.total !== 1) throw new Error(`A check was answered ${status}: ${text.slice(0, 500)}`)
      return { audit: String(bundle.identifier.value).replace('urn:uuid:', ''), sentAt, answeredAt }
    },
    async order({ subscription }, order) {
      const path = `/admin/lanes/${subscription}/${order}`
      const request = {
        method: 'POST',
        path,
        token: await administrator(),
        requestId: random.uuid(),
        body: '',
      } as const
      const { status, text } = await send(request)
      if (status !== 200) throw new Error(`To ${order} was answered ${status}: ${text.slice(0, 500)}`)
    },
    async close() {
      await Promise.all(all.map((one) => one.close()))
    },
  }
}

function checkOf({ nhsNumber }: Child): string {
  return JSON.stringify({
    resourceType: 'Parameters',
    parameter: [
      { name: 'nhsNumber', valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber } },
      {
        name: 'setting',
        valueCoding: { system: canonical('CodeSystem', 'cpis-care-setting'), code: 'emergency-department' },
      },
    ],
  })
}
