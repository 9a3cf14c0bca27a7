/** A row of a council's CSV → the plan and the child that it means. What can be judged by the server is left to it; here only what cannot be said in FHIR is refused. */
import type { EpisodeOfCare, Patient } from '@medplum/fhirtypes'
import { EXTENSION, SYSTEM } from '../fhir/canonicals.ts'
import type { NamedRow } from './plan-columns.ts'

/** Why a row cannot be sent. */
export interface RowFault {
  readonly code: string
  readonly words: string
}

export interface PlanOfRow {
  readonly row: number
  readonly plan: EpisodeOfCare
  /** What the row says of the child; merged with other rows of that child. */
  readonly child: ChildOfRow
}

export interface ChildOfRow {
  readonly nhsNumber?: string
  readonly childId?: string
  readonly birthDate?: string
  readonly given?: string
  readonly family?: string
}

/** Systems of a council's own identifiers. */
export interface OwnSystems {
  readonly plan: string
  readonly child: string
}

const PLAN_TYPE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    cpp: '342191000000101',
    'child protection plan': '342191000000101',
    'subject to child protection plan': '342191000000101',
    lac: '764841000000100',
    'looked after child': '764841000000100',
    'looked after': '764841000000100',
    ucpp: '818901000000100',
    'unborn child protection plan': '818901000000100',
    'subject to unborn child protection plan': '818901000000100',
  }),
)

/** The plan of a row, or every reason why it cannot be sent. Words never repeat a cell. Pure. */
export function readPlanRow(
  named: NamedRow,
  systems: OwnSystems,
): PlanOfRow | { readonly row: number; readonly faults: readonly RowFault[] } {
  const { cells, row } = named
  const start = parseDate(cells.start)
  const end = parseDate(cells.end)
  const birthDate = parseDate(cells.birth_date, 'partial')
  const delivery = parseDate(cells.expected_delivery)
  const withdrawn = parseYes(cells.withdrawn)
  const type = PLAN_TYPE.get(cells.plan_type.toLowerCase().replaceAll('-', ' '))
  const faults = [
    ...(named.isTooLong ? [fault('PROFILE', 'there are more cells than columns: quote cells that hold a comma.')] : []),
    ...needed(cells.plan_id, 'plan_id'),
    ...needed(cells.start, 'start'),
    ...(cells.nhs_number === '' && cells.child_id === ''
      ? [fault('PROFILE', 'nhs_number or child_id is needed.')]
      : []),
    ...(type === undefined ? [fault('INVALID_CODE', 'plan_type is CPP, LAC or UCPP.')] : []),
    ...wrongDates({ start, end, birth_date: birthDate, expected_delivery: delivery }),
    ...(withdrawn === undefined ? [fault('INVALID_CODE', 'withdrawn is yes, no or empty.')] : []),
  ]
  if (faults.length > 0) return { row, faults }
  const extension = [
    ...(delivery ? [{ url: EXTENSION.expectedDeliveryDate, valueDate: delivery }] : []),
    ...(cells.legal_basis === '' ? [] : [{ url: EXTENSION.legalBasis, valueCode: legalBasisOf(cells.legal_basis) }]),
  ]
  const plan: EpisodeOfCare = {
    resourceType: 'EpisodeOfCare',
    ...(extension.length === 0 ? {} : { extension }),
    identifier: [{ system: systems.plan, value: cells.plan_id }],
    status: withdrawn === true ? 'entered-in-error' : 'active',
    type: [{ coding: [{ system: SYSTEM.snomed, code: type ?? '' }] }],
    patient: {
      type: 'Patient',
      identifier:
        cells.nhs_number === ''
          ? { system: systems.child, value: cells.child_id }
          : { system: SYSTEM.nhsNumber, value: cells.nhs_number },
    },
    period: { start: start ?? '', ...(end ? { end } : {}) },
  }
  return {
    row,
    plan,
    child: {
      ...(cells.nhs_number === '' ? {} : { nhsNumber: cells.nhs_number.replaceAll(' ', '') }),
      ...(cells.child_id === '' ? {} : { childId: cells.child_id }),
      ...(birthDate ? { birthDate } : {}),
      ...(cells.given === '' ? {} : { given: cells.given }),
      ...(cells.family === '' ? {} : { family: cells.family }),
    },
  }
}

/** The Patient of a child, with the condition by which it is found again: by the council's own id where there is one, for that never changes. Undefined when the plan's own reference says as much. Pure. */
export function patientOf(
  child: ChildOfRow,
  systems: OwnSystems,
): { readonly patient: Patient; readonly identifier: string } | undefined {
  const { nhsNumber, childId, birthDate, given, family } = child
  if (childId === undefined && birthDate === undefined && given === undefined && family === undefined) return undefined
  const tokens = [
    ...(childId === undefined ? [] : [{ system: systems.child, value: childId }]),
    ...(nhsNumber === undefined ? [] : [{ system: SYSTEM.nhsNumber, value: nhsNumber }]),
  ]
  const [first] = tokens
  if (first === undefined) return undefined
  const hasName = given !== undefined || family !== undefined
  const name = { ...(family === undefined ? {} : { family }), ...(given === undefined ? {} : { given: [given] }) }
  return {
    identifier: conditionOf(first),
    patient: {
      resourceType: 'Patient',
      identifier: tokens,
      ...(hasName ? { name: [name] } : {}),
      ...(birthDate === undefined ? {} : { birthDate }),
    },
  }
}

/** `identifier=system|value`, escaped as R4 search asks and then for a URL. Pure. */
export function conditionOf({ system, value }: { readonly system: string; readonly value: string }): string {
  const escaped = [system, value].map((one) => one.replace(/[\\,|$]/g, (mark) => `\\${mark}`)).join('|')
  return `identifier=${encodeURIComponent(escaped)}`
}

const fault = (code: string, words: string): RowFault => ({ code, words })

function needed(cell: string, name: string): readonly RowFault[] {
  return cell === '' ? [fault('PROFILE', `${name} is needed.`)] : []
}

function wrongDates(dates: Readonly<Record<string, string | undefined>>): readonly RowFault[] {
  return Object.entries(dates)
    .filter(([, date]) => date === undefined)
    .map(([name]) => fault('DATE_IMPLAUSIBLE', `${name} is no day as YYYY-MM-DD or DD/MM/YYYY.`))
}

const ISO = /^\d{4}-\d{2}-\d{2}$/
const PARTIAL = /^\d{4}(-\d{2})?$/
const BRITISH = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/

/** YYYY-MM-DD out of either form; '' for an empty cell; undefined for anything else and for days that no calendar has. Pure. */
export function parseDate(cell: string, partial?: 'partial'): string | undefined {
  if (cell === '' || (partial !== undefined && PARTIAL.test(cell))) return cell
  const [, day, month, year] = BRITISH.exec(cell) ?? []
  const text = day === undefined ? cell : `${year}-${month?.padStart(2, '0')}-${day.padStart(2, '0')}`
  if (!ISO.test(text)) return undefined
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? text : undefined
}

const YES = new Set(['yes', 'y', 'true', '1'])
const NO = new Set(['', 'no', 'n', 'false', '0'])

function parseYes(cell: string): boolean | undefined {
  const text = cell.toLowerCase()
  return YES.has(text) ? true : NO.has(text) ? false : undefined
}

/** `20`, `s20`, `section 20` are one; whether it is in scope the server says. */
function legalBasisOf(cell: string): string {
  const [, section] = /^(?:s|section)?\.?\s*(\d+[a-z]?)$/i.exec(cell) ?? []
  return section === undefined ? 'unknown' : `s${section.toLowerCase()}`
}
