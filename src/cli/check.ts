/** `cpis check NUMBER`: one `$cpis-check` as a sandbox identity, printed as plain words (interface.md "$cpis-check"). */
import { randomUUID } from 'node:crypto'
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { findCareSetting } from '../domain/care-settings.ts'
import { SYSTEM } from '../fhir/canonicals.ts'
import { answerLines } from './answer-text.ts'
import { getBearer } from './bearer.ts'
import { EXIT, type Io, say, sayJson, styled } from './io.ts'
import { parseResource } from './parse-answer.ts'
import { sendFhir, serverOrigin } from './server-client.ts'
import { sayNumber } from './words.ts'

export interface CheckOptions {
  readonly as: string
  readonly setting: string
  readonly site?: string
  readonly birthDate?: string
  readonly json?: boolean
}

/** Asks and prints. Resolves to 0 for every sure answer, a hit or nothing known. */
export async function runCheck(number: string, options: CheckOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const { token } = await getBearer(origin, options.as, io)
  const answer = await postCheck(origin, token, buildCheckParameters(number, options))
  if (options.json) sayJson(io, answer)
  else printAnswer(number, answer, io)
  return EXIT.ok
}

/** One check under a new X-Request-ID; throws CliError with the server's words when it is refused or unsure. */
export async function postCheck(origin: string, token: string, parameters: Parameters): Promise<Bundle> {
  const answer = await sendFhir(origin, {
    method: 'POST',
    path: '/Patient/$cpis-check',
    token,
    headers: { 'x-request-id': randomUUID() },
    body: parameters,
  })
  return parseResource(answer.body, 'Bundle')
}

/** The operation's Parameters. Pure. */
export function buildCheckParameters(number: string, options: Omit<CheckOptions, 'as' | 'json'>): Parameters {
  const display = findCareSetting(options.setting)?.display
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'nhsNumber', valueIdentifier: { system: SYSTEM.nhsNumber, value: number } },
      {
        name: 'setting',
        valueCoding: {
          system: SYSTEM.careSetting,
          code: options.setting,
          ...(display === undefined ? {} : { display }),
        },
      },
      ...(options.site === undefined
        ? []
        : [{ name: 'site', valueIdentifier: { system: SYSTEM.ods, value: options.site } }]),
      ...(options.birthDate === undefined ? [] : [{ name: 'birthDate', valueDate: options.birthDate }]),
    ],
  }
}

/** Writes an answer under its number. */
export function printAnswer(number: string, answer: Bundle, io: Io): void {
  const found = (answer.total ?? 0) > 0
  say(io, styled(io, found ? 'red' : 'bold', sayNumber(number)))
  for (const line of answerLines(answer)) say(io, line)
}
