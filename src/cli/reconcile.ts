/** `cpis reconcile FILE.csv`: a council's whole list beside the register, as a table that a person can work through. */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes'
import { buildTokenSource } from './bearer.ts'
import { EXIT, type Io, say, sayJson, styled } from './io.ts'
import { parseResource } from './parse-answer.ts'
import { type PlanFile, readPlanFile } from './plan-file.ts'
import { sendFhir, serverOrigin } from './server-client.ts'
import { systemsOf } from './upload-csv.ts'
import { sayCount, sayDay } from './words.ts'

export interface ReconcileOptions {
  readonly as: string
  readonly json?: boolean
  readonly planSystem?: string
  readonly childSystem?: string
}

/** Prints the comparison; resolves to 1 when the two have drifted apart or a row could not be compared. Throws CliError when the server does not answer it. */
export async function runReconcile(path: string, options: ReconcileOptions, io: Io): Promise<number> {
  const file = readPlanFile(path, systemsOf(options))
  const origin = serverOrigin(io.env)
  const token = await buildTokenSource(origin, options.as, io)()
  const content = file.plans.map(({ plan }) => `${JSON.stringify(plan)}\n`).join('')
  const text = { content, type: 'application/fhir+ndjson' }
  const answer = await sendFhir(origin, { method: 'POST', path: '/EpisodeOfCare/$reconcile', token, text })
  const parameters = parseResource(answer.body, 'Parameters')
  if (options.json === true) sayJson(io, parameters)
  else
    for (const line of reconcileLines(parameters, file))
      say(io, line.isHeading ? styled(io, 'bold', line.text) : line.text)
  const drift = ['missing-here', 'missing-there', 'different', 'unreadable'].some((name) => has(parameters, name))
  return drift || file.refused.size > 0 ? EXIT.failed : EXIT.ok
}

function has({ parameter = [] }: Parameters, name: string): boolean {
  return parameter.some((one) => one.name === name)
}

interface Line {
  readonly text: string
  readonly isHeading: boolean
}

type Cells = readonly string[]

interface Section {
  readonly name: string
  readonly heading: string
  readonly columns: Cells
  readonly cells: (part: ParametersParameter, file: PlanFile) => Cells
}

const SECTIONS: readonly Section[] = [
  {
    name: 'missing-here',
    heading: 'In your list, not in the register: upload them',
    columns: ['row', 'plan', 'type', 'start', 'end'],
    cells: (one, file) => [rowOf(one, file), planOf(one), ...datesOf(one)],
  },
  {
    name: 'missing-there',
    heading: 'In the register, not in your list: end or withdraw them, or correct the list',
    columns: ['plan', 'type', 'start', 'end'],
    cells: (one) => [planOf(one), ...datesOf(one)],
  },
  {
    name: 'different',
    heading: 'In both, and not the same',
    columns: ['row', 'plan', 'what', 'register → list'],
    cells: (one, file) => [rowOf(one, file), planOf(one), ...differencesOf(one)],
  },
  {
    name: 'parked',
    heading: 'Invisible to the NHS until an NHS number arrives',
    columns: ['plan', 'type', 'start', 'end', 'days outstanding'],
    cells: (one) => [planOf(one), ...datesOf(one), daysOf(one)],
  },
  {
    name: 'ending-soon',
    heading: 'Ending within 30 days',
    columns: ['plan', 'type', 'start', 'end', 'days left'],
    cells: (one) => [planOf(one), ...datesOf(one), daysOf(one)],
  },
  {
    name: 'unreadable',
    heading: 'Could not be compared',
    columns: ['row', 'why'],
    cells: (one, file) => [rowOf(one, file), issuesOf(one)],
  },
]

/** The lines of the table: a summary, then each list that is not empty. Pure. */
export function reconcileLines(parameters: Parameters, file: PlanFile): readonly Line[] {
  const { parameter = [] } = parameters
  const day = parameter.find((one) => one.name === 'day')?.valueDate ?? ''
  const unread = [...file.refused].map(([row, faults]) => [
    String(row),
    faults.map((one) => `${one.code}: ${one.words}`).join(' '),
  ])
  const sections = SECTIONS.flatMap((section) => {
    const rows = parameter.filter((one) => one.name === section.name).map((one) => section.cells(one, file))
    const all = section.name === 'unreadable' ? [...unread, ...rows] : rows
    return all.length === 0 ? [] : [{ ...section, rows: all }]
  })
  return [
    heading(`${sayDay(day)}: ${summary(parameter, file)}`),
    ...sections.flatMap(({ heading: title, columns, rows }) => [
      line(''),
      heading(`${title} (${rows.length})`),
      ...tableOf([columns, ...rows]).map(line),
    ]),
  ]
}

const heading = (text: string): Line => ({ text, isHeading: true })
const line = (text: string): Line => ({ text, isHeading: false })

function summary(parameter: readonly ParametersParameter[], file: PlanFile): string {
  const counts = parameter.find((one) => one.name === 'counts')?.part ?? []
  const count = (name: string): number => counts.find((one) => one.name === name)?.valueInteger ?? 0
  const unreadable = count('unreadable') + file.refused.size
  return [
    `${sayCount(count('listed') + file.refused.size, 'plan')} in your list, ${count('held')} in the register`,
    `${count('same')} the same`,
    `${count('missing-here')} missing in the register`,
    `${count('missing-there')} missing in your list`,
    `${count('different')} different`,
    ...(unreadable === 0 ? [] : [`${unreadable} not compared`]),
  ].join(', ')
}

const partOf = (one: ParametersParameter, name: string): ParametersParameter | undefined =>
  one.part?.find((its) => its.name === name)

const planOf = (one: ParametersParameter): string => partOf(one, 'plan')?.valueIdentifier?.value ?? ''
const daysOf = (one: ParametersParameter): string => String(partOf(one, 'days')?.valueInteger ?? '')

/** The file's row of the line that was sent. */
function rowOf(one: ParametersParameter, file: PlanFile): string {
  const nth = Number(/^line (\d+)$/.exec(partOf(one, 'place')?.valueString ?? '')?.[1])
  return String(file.plans[nth - 1]?.row ?? '')
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['342191000000101', 'CPP'],
  ['764841000000100', 'LAC'],
  ['818901000000100', 'UCPP'],
])

function datesOf(one: ParametersParameter): Cells {
  const type = partOf(one, 'type')?.valueCoding?.code ?? ''
  return [TYPES.get(type) ?? type, partOf(one, 'start')?.valueDate ?? '', partOf(one, 'end')?.valueDate ?? '–']
}

function differencesOf(one: ParametersParameter): Cells {
  const all = (one.part ?? []).filter((its) => its.name === 'difference')
  const element = (its: ParametersParameter): string => partOf(its, 'element')?.valueCode ?? ''
  const said = (its: ParametersParameter, name: string): string => {
    const value = partOf(its, name)?.valueString
    if (value === undefined) return 'nothing'
    return element(its) === 'nhs-number' ? `…${value.slice(-4)}` : value
  }
  return [all.map(element).join(', '), all.map((its) => `${said(its, 'here')} → ${said(its, 'there')}`).join(', ')]
}

function issuesOf(one: ParametersParameter): string {
  return (one.part ?? [])
    .filter((its) => its.name === 'issue')
    .map((its) => `${partOf(its, 'code')?.valueCode ?? ''}: ${partOf(its, 'text')?.valueString ?? ''}`)
    .join(' ')
}

/** Columns as wide as their widest cell, two spaces between. Pure. */
export function tableOf(rows: readonly Cells[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_cell, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd())
}
