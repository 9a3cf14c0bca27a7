/** What became of an upload: counts, and each refused entry with its place and code (register.md R16). */

import type { Bundle } from '@medplum/fhirtypes'
import { isObject } from '../fhir/json-object.ts'
import { outcomeWords, parseResource } from './parse-answer.ts'
import type { Answer } from './server-client.ts'
import { sayCount } from './words.ts'

export interface Receipt {
  readonly file: string
  /** HTTP status of the whole. */
  readonly status: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  /** Locations as answered, in the order of entries. */
  readonly locations: readonly string[]
  /** Words of each refusal, with the place of its entry. */
  readonly refused: readonly string[]
  /** Warnings and information beside a success. */
  readonly remarks: readonly string[]
}

/** The receipt of one answer: of a Bundle's entries, or of a single resource. Pure. */
export function buildReceipt(file: string, answer: Answer): Receipt {
  const entries = answer.status < 400 ? entriesOf(answer) : []
  const refusedEntries = entries.filter((one) => one.status >= 400)
  const ofStatus = (status: number, isChanged: boolean): number =>
    entries.filter((one) => one.status === status && one.isChanged === isChanged).length
  return {
    file,
    status: answer.status,
    created: ofStatus(201, true),
    updated: ofStatus(200, true),
    unchanged: ofStatus(200, false),
    deleted: ofStatus(204, true),
    locations: entries.flatMap((one) => one.location ?? []),
    refused:
      answer.status >= 400
        ? wordsOr(answer.body, `refused with ${answer.status}`)
        : refusedEntries.flatMap((one) =>
            wordsOr(one.outcome, `refused with ${one.status}`).map((words) => `entry ${one.place}: ${words}`),
          ),
    remarks: entries.filter((one) => one.status < 400).flatMap((one) => outcomeWords(one.outcome).filter(isRemark)),
  }
}

/** A line for the whole and one for each thing to say. Pure. */
export function receiptLines(receipt: Receipt): string[] {
  const counts = [
    `${receipt.created} created`,
    `${receipt.updated} updated`,
    `${receipt.unchanged} unchanged`,
    ...(receipt.deleted > 0 ? [`${receipt.deleted} deleted`] : []),
    ...(receipt.refused.length > 0 ? [`${sayCount(receipt.refused.length, 'fault')}`] : []),
  ].join(', ')
  const said = [
    ...receipt.refused.map((one) => `  refused: ${one}`),
    ...new Set(receipt.remarks.map((one) => `  note: ${one}`)),
  ]
  return [`${receipt.file}: ${receipt.status}, ${counts}`, ...said]
}

interface EntryAnswer {
  readonly place: number
  readonly status: number
  readonly isChanged: boolean
  readonly location: string | undefined
  readonly outcome: unknown
}

function entriesOf(answer: Answer): EntryAnswer[] {
  if (!isObject(answer.body) || answer.body['resourceType'] !== 'Bundle') return [singleEntry(answer)]
  const bundle: Bundle = parseResource(answer.body, 'Bundle')
  return (bundle.entry ?? []).map((entry, place) => ({
    place,
    status: Number.parseInt(entry.response?.status ?? '0', 10),
    isChanged: !saysUnchanged(entry.response?.outcome),
    location: entry.response?.location,
    outcome: entry.response?.outcome,
  }))
}

function singleEntry(answer: Answer): EntryAnswer {
  const location = answer.headers.get('location') ?? undefined
  return { place: 0, status: answer.status, isChanged: !saysUnchanged(answer.body), location, outcome: answer.body }
}

function saysUnchanged(outcome: unknown): boolean {
  return outcomeWords(outcome).some((words) => words.startsWith('UNCHANGED'))
}

function isRemark(words: string): boolean {
  return !/^(UNCHANGED|SUCCESS)\b/.test(words)
}

function wordsOr(outcome: unknown, otherwise: string): string[] {
  const words = outcomeWords(outcome)
  return words.length === 0 ? [otherwise] : words
}
