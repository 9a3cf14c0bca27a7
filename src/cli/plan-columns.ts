/** The columns of a council's CSV: which there are, which must be there, and a row by their names (docs/integrating.md "A council without a supplier: CSV"). */
import type { CsvRow } from './csv.ts'

/** All columns, in the order in which they are documented. */
export const COLUMNS = [
  'plan_id',
  'plan_type',
  'start',
  'end',
  'nhs_number',
  'child_id',
  'birth_date',
  'given',
  'family',
  'legal_basis',
  'expected_delivery',
  'withdrawn',
] as const
export type Column = (typeof COLUMNS)[number]

/** Columns that must be there, though their cells may be empty: without an end column no plan would ever end. */
const NEEDED: readonly Column[] = ['plan_id', 'plan_type', 'start', 'end', 'nhs_number']

/** Added to a file of rejected rows; ignored on reading. */
export const WHY_COLUMN = 'why_rejected'

/** A row by column; a cell that is empty, or whose column is not there, is ''. */
export interface NamedRow {
  readonly row: number
  readonly cells: Readonly<Record<Column, string>>
  /** As read, for writing it again. */
  readonly asRead: readonly string[]
  /** More cells than columns. */
  readonly isTooLong: boolean
}

export type NamedRows =
  | { readonly header: readonly string[]; readonly rows: readonly NamedRow[] }
  | { readonly fault: string }

/** Rows by the names of their columns, or every column that is unknown, missing or there twice, by name. Pure. */
export function nameRows([first, ...rest]: readonly CsvRow[]): NamedRows {
  const header = (first?.cells ?? []).map((name) => name.trim().toLowerCase())
  const faults = checkHeader(header)
  if (faults.length > 0) return { fault: `${faults.join(' ')} The columns are: ${COLUMNS.join(', ')}.` }
  const rows = rest.map(({ row, cells }) => ({
    row,
    cells: Object.fromEntries(COLUMNS.map((name) => [name, (cells[header.indexOf(name)] ?? '').trim()])) as Record<
      Column,
      string
    >,
    asRead: cells,
    isTooLong: cells.slice(header.length).some((cell) => cell.trim() !== ''),
  }))
  return { header: first?.cells ?? [], rows }
}

function checkHeader(header: readonly string[]): string[] {
  const known: readonly string[] = [...COLUMNS, WHY_COLUMN]
  const unknown = header.filter((name) => !known.includes(name))
  const missing = NEEDED.filter((name) => !header.includes(name))
  const twice = header.filter((name, at) => header.indexOf(name) !== at)
  return [
    ...(unknown.length === 0 ? [] : [`Unknown in row 1: ${unknown.map(printable).join(', ')}.`]),
    ...(missing.length === 0 ? [] : [`Missing in row 1: ${missing.join(', ')}.`]),
    ...(twice.length === 0 ? [] : [`Twice in row 1: ${twice.map(printable).join(', ')}.`]),
  ]
}

/** A file without a header has a child in row 1: only what looks like a column's name is repeated. */
function printable(name: string): string {
  return /^[a-z][a-z_ ]{0,30}$/.test(name) ? name : '(not a name of a column)'
}
