/** `cpis seed`: files the scenario children over HTTP, each with its authority's own token, with dates seen from the server's today. */
import { londonDayOf } from '../domain/london-day.ts'
import { findLocalAuthority } from '../sandbox/organizations.ts'
import { buildScenario, type ScenarioChild } from '../sandbox/scenario.ts'
import { buildScenarioBundle } from '../sandbox/scenario-bundle.ts'
import { fetchToken } from './bearer.ts'
import { EXIT, type Io, say, sayJson } from './io.ts'
import { outcomeWords } from './parse-answer.ts'
import { send, serverOrigin } from './server-client.ts'
import { readServerClock } from './server-clock.ts'
import { sayNumber } from './words.ts'

/** Files every child; a refused one is said and the rest go on. Resolves to 1 when any was refused. */
export async function runSeed(options: { readonly json?: boolean }, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const clock = await readServerClock(origin)
  let refused = 0
  for (const child of buildScenario(londonDayOf(clock()))) {
    const { token } = await fetchToken(origin, `la-${child.authority}`, io)
    const answer = await send(origin, { method: 'POST', path: '/FHIR/R4', token, body: buildScenarioBundle(child) })
    const isFiled = answer.status === 200
    if (!isFiled) refused += 1
    if (options.json) sayJson(io, { number: child.nhsNumber, authority: child.authority, status: answer.status })
    else
      say(io, seedLine(child, isFiled ? 'filed' : `refused (${answer.status}) ${outcomeWords(answer.body).join('; ')}`))
  }
  return refused === 0 ? EXIT.ok : EXIT.failed
}

function seedLine(child: ScenarioChild, result: string): string {
  const authority = findLocalAuthority(child.authority)?.name ?? child.authority
  return `${sayNumber(child.nhsNumber)}  ${authority.padEnd(15)}  ${child.use}: ${result}`
}
