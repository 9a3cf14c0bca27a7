/** The seals of the audit for everyone to read and to keep: headers only, no id of a record (security.md "Audit"; issue 6). */
import type { Context } from '../context.ts'
import { fhirError } from '../fhir/fhir-error.ts'
import type { Answer } from './fhir-response.ts'
import type { PlainRequest } from './plain-routes.ts'

export const SEALS_PATH = '/.well-known/audit-seals'

type Seals = Awaited<ReturnType<Context['seals']['list']>>

interface Published {
  /** The newest. */
  readonly head?: Seals[number]
  readonly seals: Seals
  /** Address of the next page. */
  readonly next?: string
}

const PAGE = 100

/** `after`: number behind which the page begins, 0 when absent. Throws INVALID_PARAMETER, StoreError. Store I/O. */
export async function answerSeals(context: Context, { parameters }: PlainRequest): Promise<Answer> {
  const after = parseAfter(parameters)
  const [head, seals] = await Promise.all([context.seals.head(), context.seals.list({ after, limit: PAGE })])
  const last = seals.at(-1)
  const body: Published = {
    ...(head === undefined ? {} : { head }),
    seals,
    ...(last === undefined || seals.length < PAGE
      ? {}
      : { next: `${context.config.baseUrl}${SEALS_PATH}?after=${last.number}` }),
  }
  return { status: 200, body, contentType: 'application/json' }
}

function parseAfter(parameters: PlainRequest['parameters']): number {
  const given = parameters.filter(([name]) => name === 'after')
  const [first] = given
  if (first === undefined) return 0
  if (given.length > 1 || !/^\d{1,15}$/.test(first[1]))
    throw fhirError('INVALID_PARAMETER', undefined, '`after` is the number of a seal.')
  return Number(first[1])
}
