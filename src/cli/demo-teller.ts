/** How the demo tells its story: steps, what is shown, and claims that are checked before they are said. */

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { fetchToken } from './bearer.ts'
import { postCheck } from './check.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { parseResource } from './parse-answer.ts'
import { buildReceipt, receiptLines } from './receipt.ts'
import { send, serverOrigin } from './server-client.ts'

export interface Teller {
  readonly origin: string
  step(title: string): void
  show(lines: readonly string[]): void
  /** Says that a claim holds; throws CliError when it does not. */
  holds(isTrue: boolean, claim: string): void
  file(example: string, authority: string): Promise<void>
  check(example: string): Promise<Bundle>
  /** Posts an example to an operation below the FHIR base; claims that it is taken. */
  operate(story: string, as: string, request: readonly [path: string, example: string]): Promise<void>
  /** The bodies of a search, as an authority's system. */
  search(authority: string, path: string): Promise<Bundle>
  refused(story: string, as: string, status: number, request: readonly ['POST', string, string]): Promise<void>
}

/** A teller to that console: words for a person, or with `json` a line of JSON each. */
export function buildTeller(options: { readonly json?: boolean }, io: Io): Teller {
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
    operate: async (story, as, [path, example]) => {
      const { token } = await fetchToken(origin, as, io)
      const answer = await send(origin, { method: 'POST', path: `/FHIR/R4/${path}`, token, body: readExample(example) })
      holds(answer.status === 200, story)
    },
    search: async (authority, path) => {
      const { token } = await fetchToken(origin, `la-${authority}`, io)
      return parseResource((await send(origin, { method: 'GET', path: `/FHIR/R4/${path}`, token })).body, 'Bundle')
    },
    refused: async (story, as, status, [method, path, example]) => {
      const { token } = await fetchToken(origin, as, io)
      const headers = { 'x-request-id': randomUUID() }
      const answer = await send(origin, { method, path: `/FHIR/R4${path}`, token, headers, body: readExample(example) })
      holds(answer.status === status, `${story}: ${status}`)
    },
  }
}

function readExample(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8'))
}
