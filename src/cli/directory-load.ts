/** `cpis directory load FILE`: brings NHS organisations, sites and local authorities into the register, and says what became of each (security.md "Tokens"; docs/operating.md "First start in production"). */
import { randomUUID } from 'node:crypto'
import type { BundleEntryResponse } from '@medplum/fhirtypes'
import { buildTokenSource } from './bearer.ts'
import { type FileEntry, readDirectoryFile } from './directory-file.ts'
import { codeOf, pagesOf } from './directory-pages.ts'
import { CliError, EXIT, type Io, say, sayJson, styled } from './io.ts'
import { outcomeWords, parseResource } from './parse-answer.ts'
import { refusal, send, serverOrigin } from './server-client.ts'
import { sayCount } from './words.ts'

export interface DirectoryLoadOptions {
  /** Sandbox identity of an administrator. */
  readonly as: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

type Counts = Record<'created' | 'updated' | 'unchanged' | 'refused', number>

/** What became of one, with its place in the file. */
interface Told {
  readonly place: string
  readonly id?: string
  readonly outcome: keyof Counts
  /** `CODE at place: words`. */
  readonly issues: readonly string[]
}

/** Loads all of it, a few hundred at a time; a bad one does not stop the others, and a load that broke off may be run again. Resolves to 1 when any was refused. */
export async function runDirectoryLoad(path: string, options: DirectoryLoadOptions, io: Io): Promise<number> {
  const pages = pagesOf(readDirectoryFile(path))
  const origin = serverOrigin(io.env)
  const token = buildTokenSource(origin, options.as, io)
  const counts: Counts = { created: 0, updated: 0, unchanged: 0, refused: 0 }
  for (const page of pages) {
    if (io.stopped.aborted) break
    const told = await postPage(page, { origin, token: await token(), isDryRun: options.dryRun === true })
    for (const one of told) {
      counts[one.outcome] += 1
      tellOne(one, options, io)
    }
  }
  const isWhole = total(counts) === pages.flat().length
  if (options.json !== true)
    for (const line of summary(counts, { isWhole, isDryRun: options.dryRun === true })) say(io, line)
  return isWhole && counts.refused === 0 ? EXIT.ok : EXIT.failed
}

interface Posting {
  readonly origin: string
  readonly token: string
  readonly isDryRun: boolean
}

async function postPage(page: readonly FileEntry[], { origin, token, isDryRun }: Posting): Promise<readonly Told[]> {
  const answer = await send(origin, {
    method: 'POST',
    path: `/admin/directory${isDryRun ? '?dryRun=true' : ''}`,
    token,
    body: {
      resourceType: 'Bundle',
      type: 'collection',
      entry: page.map(({ resource }) => ({ fullUrl: `urn:uuid:${randomUUID()}`, resource })),
    },
  })
  if (answer.status >= 400) throw refusal(answer)
  const { entry: answers = [] } = parseResource(answer.body, 'Bundle')
  if (answers.length !== page.length)
    throw new CliError(EXIT.failed, 'The server answered something that does not say what became of each.')
  return page.map((entry, at) => toTold(entry, answers[at]?.response))
}

const OUTCOMES = ['created', 'updated', 'unchanged', 'refused'] as const

function toTold({ place, resource }: FileEntry, response: BundleEntryResponse | undefined): Told {
  const status = Number.parseInt(response?.status ?? '0', 10)
  const words = outcomeWords(response?.outcome)
  const isUnchanged = words.some((one) => one.startsWith('UNCHANGED'))
  const outcome = status === 201 ? 'created' : status !== 200 ? 'refused' : isUnchanged ? 'unchanged' : 'updated'
  const id = codeOf(resource)
  // where it stood in the request is of no use to who looks at a file
  const said = words.map((one) =>
    one.replace(/Bundle\.entry\[\d+\](\.resource)?\.?/, 'Organization.').replace(' at Organization.:', ':'),
  )
  return {
    place,
    ...(id === undefined ? {} : { id }),
    outcome,
    issues: said.filter((one) => !one.startsWith('UNCHANGED')),
  }
}

/** Refused ones each, and remarks; for machines all. */
function tellOne(told: Told, { json }: DirectoryLoadOptions, io: Io): void {
  if (json === true) {
    sayJson(io, told)
    return
  }
  const name = told.id === undefined ? told.place : `${told.place} (${told.id})`
  for (const words of told.issues) say(io, styled(io, told.outcome === 'refused' ? 'red' : 'dim', `${name}: ${words}`))
}

function total(counts: Counts): number {
  return OUTCOMES.reduce((sum, one) => sum + counts[one], 0)
}

function summary(counts: Counts, { isWhole, isDryRun }: { isWhole: boolean; isDryRun: boolean }): readonly string[] {
  const each = OUTCOMES.map((one) => `${counts[one]} ${one}`).join(', ')
  return [
    `${sayCount(total(counts), 'organisation')}: ${each}.`,
    ...(isDryRun ? ['Nothing was stored: this was a dry run.'] : []),
    ...(isWhole ? [] : ['Stopped before the end: run it again.']),
  ]
}
