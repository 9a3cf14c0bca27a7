/** Callers of `$cpis-check`: 98 in 100 ask for a child nobody knows, 2 for one that was filed; every answer is looked at. */
import type { Arena } from './arena.ts'
import type { Child } from './children.ts'
import { type HttpCaller, openCaller, type Received } from './http-caller.ts'
import type { Random } from './random.ts'

const PATH = '/FHIR/R4/Patient/$cpis-check'
const HITS = 0.02
/** Who asks, and from where: a trust's emergency department most of all. */
const ASKERS = [
  ['ed-nurse', 'emergency-department'],
  ['paramedic', 'ambulance'],
  ['call-handler-111', 'nhs-111'],
  ['gp-out-of-hours', 'gp-out-of-hours'],
] as const

export interface Checker {
  /** One check over the connection of this caller. Rejects for any answer but the right one: 200, and known exactly when the child was filed. */
  check(caller: number): Promise<void>
  /** The same, but a refusal is an answer too: it is given back. */
  ask(caller: number): Promise<Received>
  /** One check of this child, which must be known. */
  find(caller: number, child: Child): Promise<void>
  /** One check over any connection that is free; a new one is opened when none is. */
  checkAnyhow(): Promise<void>
  close(): Promise<void>
}

export interface CheckFacts {
  readonly arena: Arena
  readonly random: Random
  readonly filed: readonly Child[]
  /** Numbers that may be known: never asked for as a miss. */
  readonly taken: ReadonlySet<string>
  /** Share of checks that are of a filed child; 2 in 100 unless told. */
  readonly hits?: number
  /** Identities that ask; all of them unless told. */
  readonly askers?: readonly string[]
}

/** No I/O until the first check. */
export function buildChecker({ arena, random, filed, taken, hits = HITS, askers: names }: CheckFacts): Checker {
  const askers = ASKERS.filter(([name]) => names === undefined || names.includes(name)).map(([name, setting]) => ({
    token: arena.token(name),
    setting,
  }))
  const callers: HttpCaller[] = []
  const free: HttpCaller[] = []
  const open = (): HttpCaller => {
    const caller = openCaller(arena.origin)
    callers.push(caller)
    return caller
  }
  const own = (caller: number): HttpCaller => {
    const mine = free[caller] ?? open()
    free[caller] = mine
    return mine
  }
  const askOver = async (http: HttpCaller, child: Child | undefined): Promise<Received> => {
    const asker = askers[random.below(askers.length)] ?? askers[0]
    if (asker === undefined) throw new Error('Nobody asks.')
    const number = child?.nhsNumber ?? unknownNumber(random, taken)
    const answer = await http.send({
      method: 'POST',
      path: PATH,
      token: await asker.token(),
      requestId: random.uuid(),
      body: bodyOf(number, asker.setting),
    })
    if (answer.status === 200) checkAnswer(answer, child !== undefined)
    return answer
  }
  const pick = (): Child | undefined => (random.fraction() < hits ? filed[random.below(filed.length)] : undefined)
  const checkOver = async (http: HttpCaller, child = pick()): Promise<void> => {
    const { status, text } = await askOver(http, child)
    if (status !== 200) throw new Error(`A check was answered ${status}: ${text}`)
  }
  return {
    check: (caller) => checkOver(own(caller)),
    ask: (caller) => askOver(own(caller), pick()),
    find: (caller, child) => checkOver(own(caller), child),
    async checkAnyhow() {
      const http = free.pop() ?? open()
      await checkOver(http)
      free.push(http)
    },
    async close() {
      await Promise.all(callers.map((one) => one.close()))
    },
  }
}

function unknownNumber(random: Random, taken: ReadonlySet<string>): string {
  for (;;) {
    const number = random.nhsNumber()
    if (!taken.has(number)) return number
  }
}

function bodyOf(number: string, setting: string): string {
  return `{"resourceType":"Parameters","parameter":[{"name":"nhsNumber","valueIdentifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"${number}"}},{"name":"setting","valueCoding":{"system":"https://cpis.example/fhir/CodeSystem/cpis-care-setting","code":"${setting}"}}]}`
}

function checkAnswer({ text }: Received, isKnown: boolean): void {
  const total = /"total":(\d+)/.exec(text)?.[1]
  if (total !== (isKnown ? '1' : '0')) throw new Error(`A check told of ${total} plans where ${isKnown ? 1 : 0} stood.`)
}
