/** `cpis upload FILE.csv`: a council's rows as batches of conditional updates, a receipt for each row, and a file of the rejected ones that can be mended and sent again (R15, R16). */
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Bundle, BundleEntry } from '@medplum/fhirtypes'
import { buildTokenSource } from './bearer.ts'
import { writeCsvLine } from './csv.ts'
import { EXIT, type Io, say, sayJson, styled } from './io.ts'
import { outcomeWords, parseResource } from './parse-answer.ts'
import { WHY_COLUMN } from './plan-columns.ts'
import { DEFAULT_SYSTEMS, type PlanFile, readPlanFile } from './plan-file.ts'
import { conditionOf, type OwnSystems, type PlanOfRow, patientOf } from './plan-row.ts'
import { refusal, send, serverOrigin } from './server-client.ts'

export interface UploadCsvOptions {
  readonly as: string
  readonly json?: boolean
  readonly planSystem?: string
  readonly childSystem?: string
}

/** Most entries of a batch. */
const MOST_ENTRIES = 1000

/** What became of a row. */
export interface RowReceipt {
  readonly row: number
  readonly became: 'stored' | 'unchanged' | 'refused'
  readonly codes: readonly string[]
  readonly words: readonly string[]
}

/** Sends all rows; a refused one does not stop the others. Resolves to 1 when any row was refused. Throws CliError when the server refuses a whole batch or cannot answer surely; what was sent before stays, and sending all again is safe. */
export async function runUploadCsv(path: string, options: UploadCsvOptions, io: Io): Promise<number> {
  const systems = systemsOf(options)
  const file = readPlanFile(path, systems)
  const receipts = new Map<number, RowReceipt>()
  for (const [row, faults] of file.refused)
    receipts.set(row, {
      row,
      became: 'refused',
      codes: faults.map((one) => one.code),
      words: faults.map((one) => `${one.code}: ${one.words}`),
    })
  await sendRows(file, { systems, options, io, receipts })
  const inOrder = [...receipts.values()].sort((a, b) => a.row - b.row)
  tell(path, inOrder, { options, io })
  const refused = inOrder.filter((one) => one.became === 'refused')
  if (refused.length > 0) writeRejected(path, file, { refused, options, io })
  return refused.length === 0 && inOrder.length === file.asRead.size ? EXIT.ok : EXIT.failed
}

/** The systems of the council's own ids. Pure. */
export function systemsOf(options: Pick<UploadCsvOptions, 'planSystem' | 'childSystem'>): OwnSystems {
  return { plan: options.planSystem ?? DEFAULT_SYSTEMS.plan, child: options.childSystem ?? DEFAULT_SYSTEMS.child }
}

/** An entry with the row it comes from. */
interface SentEntry {
  readonly row: number
  readonly what: 'child' | 'plan'
  readonly entry: BundleEntry
}

interface Sending {
  readonly systems: OwnSystems
  readonly options: UploadCsvOptions
  readonly io: Io
  readonly receipts: Map<number, RowReceipt>
}

async function sendRows(file: PlanFile, sending: Sending): Promise<void> {
  const { options, io, receipts, systems } = sending
  const origin = serverOrigin(io.env)
  const token = buildTokenSource(origin, options.as, io)
  const batches = batchesOf(file.plans, systems)
  for (const [nth, batch] of batches.entries()) {
    if (io.stopped.aborted) return
    if (io.isTerminal && options.json !== true)
      io.err(`\r\u001b[K${receipts.size} of ${file.asRead.size} rows, batch ${nth + 1} of ${batches.length}`)
    const body: Bundle = { resourceType: 'Bundle', type: 'batch', entry: batch.map((one) => one.entry) }
    const headers = { prefer: 'return=minimal' }
    const answer = await send(origin, { method: 'POST', path: '/FHIR/R4', token: await token(), headers, body })
    if (answer.status >= 400) throw refusal(answer)
    const replies = parseResource(answer.body, 'Bundle').entry ?? []
    for (const receipt of receiptsOf(batch, replies)) receipts.set(receipt.row, receipt)
  }
  if (io.isTerminal && options.json !== true) io.err('\r\u001b[K')
}

/** Batches in which each child goes before its plans; the entries of a row stay together. Pure. */
export function batchesOf(plans: readonly PlanOfRow[], systems: OwnSystems): readonly (readonly SentEntry[])[] {
  const batches: SentEntry[][] = [[]]
  const sent = new Set<string>()
  for (const one of plans) {
    const entries = entriesOf(one, systems, sent)
    const last = batches.at(-1)
    if (last !== undefined && last.length + entries.length <= MOST_ENTRIES) last.push(...entries)
    else batches.push([...entries])
  }
  return batches.filter((batch) => batch.length > 0)
}

/** A child is sent once, with its first row. */
function entriesOf({ row, plan, child }: PlanOfRow, systems: OwnSystems, sent: Set<string>): readonly SentEntry[] {
  const found = plan.status === 'entered-in-error' ? undefined : patientOf(child, systems)
  const [identifier] = plan.identifier ?? []
  const ofPlan: SentEntry = {
    row,
    what: 'plan',
    entry: {
      resource: plan,
      request: {
        method: 'PUT',
        url: `EpisodeOfCare?${conditionOf({ system: identifier?.system ?? '', value: identifier?.value ?? '' })}`,
      },
    },
  }
  if (found === undefined || sent.has(found.identifier)) return [ofPlan]
  sent.add(found.identifier)
  const request = { method: 'PUT', url: `Patient?${found.identifier}` } as const
  return [{ row, what: 'child', entry: { resource: found.patient, request } }, ofPlan]
}

/** One receipt for each row of a batch. Pure. */
export function receiptsOf(batch: readonly SentEntry[], replies: readonly BundleEntry[]): readonly RowReceipt[] {
  const outcomes = batch.map(({ row, what }, at) => ({ row, what, ...outcomeOf(replies[at]) }))
  return [...Map.groupBy(outcomes, (one) => one.row)].map(([row, ofRow]) => {
    const refused = ofRow.filter((one) => one.isRefused)
    const planStands = ofRow.some((one) => one.what === 'plan' && !one.isRefused)
    const note = refused.length > 0 && planStands ? ['the plan was stored; what is said of the child was not.'] : []
    return {
      row,
      became: refused.length > 0 ? 'refused' : ofRow.every((one) => one.isUnchanged) ? 'unchanged' : 'stored',
      codes: [...new Set((refused.length > 0 ? refused : ofRow).flatMap((one) => one.codes))],
      words: [...new Set(refused.flatMap((one) => one.words)), ...note],
    }
  })
}

const ASIDE = new Set(['UNCHANGED', 'SUCCESS'])

function outcomeOf(reply: BundleEntry | undefined) {
  const status = Number.parseInt(reply?.response?.status ?? '500', 10)
  const outcome = reply?.response?.outcome
  // places are those of the batch, which the council never sees: only the element is told
  const words = outcomeWords(outcome).map((one) =>
    one.replace(/ at Bundle\.entry\[\d+\](?:\.resource)?\.?([\w.[\]]*)/, (_all, element: string) =>
      element === '' ? '' : ` (${element})`,
    ),
  )
  const all = words.map((one) => one.split(/[ :]/, 1)[0] ?? '')
  return {
    isRefused: status >= 400,
    isUnchanged: all.includes('UNCHANGED'),
    codes: all.filter((code) => !ASIDE.has(code)),
    words: words.length === 0 && status >= 400 ? [`refused with ${status}`] : words,
  }
}

interface Telling {
  readonly options: UploadCsvOptions
  readonly io: Io
}

function tell(path: string, receipts: readonly RowReceipt[], { options, io }: Telling): void {
  if (options.json === true) {
    for (const receipt of receipts) sayJson(io, receipt)
    return
  }
  const count = (became: RowReceipt['became']): string =>
    `${receipts.filter((one) => one.became === became).length.toLocaleString('en-GB')} ${became}`
  say(
    io,
    `${basename(path)}: ${receipts.length.toLocaleString('en-GB')} rows: ${count('stored')}, ${count('unchanged')}, ${count('refused')}`,
  )
  for (const { row, became, words } of receipts)
    if (became === 'refused') for (const one of words) say(io, styled(io, 'red', `  row ${row}: ${one}`))
  for (const [code, rows] of remarked(receipts)) say(io, `  note: ${code} in ${rows} of the rows`)
}

/** Warnings beside what was stored, counted. */
function remarked(receipts: readonly RowReceipt[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { became, codes } of receipts)
    if (became !== 'refused') for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1)
  return counts
}

interface Rejecting extends Telling {
  readonly refused: readonly RowReceipt[]
}

/** The rows as they were read, with the reason in a column of its own that is passed over when the file is sent again. Readable by its owner only. */
function writeRejected(path: string, file: PlanFile, { refused, options, io }: Rejecting): void {
  const target = `${path.replace(/\.csv$/i, '')}.rejected.csv`
  const at = file.header.findIndex((name) => name.trim().toLowerCase() === WHY_COLUMN)
  const kept = (cells: readonly string[]): string[] => cells.filter((_cell, place) => place !== at)
  const width = kept(file.header).length
  const lines = refused.flatMap(({ row, words }) => {
    const cells = kept(file.asRead.get(row)?.asRead ?? [])
    const padded = [...cells, ...Array<string>(Math.max(0, width - cells.length)).fill('')]
    return writeCsvLine([...padded, words.join(' ')])
  })
  writeFileSync(target, writeCsvLine([...kept(file.header), WHY_COLUMN]) + lines.join(''), { mode: 0o600 })
  if (options.json !== true) say(io, `Mend the rows in ${basename(target)} and send that file.`)
}
