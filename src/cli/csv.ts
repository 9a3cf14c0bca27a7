/** Comma-separated values (RFC 4180) as spreadsheets write them: quotes, CRLF, a byte order mark; read strictly, written so that they read the same again. */

/** A record with its number as a spreadsheet shows it: the header is row 1. */
export interface CsvRow {
  readonly row: number
  readonly cells: readonly string[]
}

export type ParsedCsv = { readonly rows: readonly CsvRow[] } | { readonly fault: string }

/** All records that are not blank, or the first thing wrong with the file. Words name rows, never what stands in them. Pure. */
export function parseCsv(bytes: Uint8Array): ParsedCsv {
  const text = decode(bytes)
  if (text === undefined) return { fault: 'The file is not UTF-8. Save it as "CSV UTF-8 (comma delimited)".' }
  const other = findOtherSeparator(text)
  if (other !== undefined) return { fault: `The columns are parted by ${other}. Save the file with commas.` }
  return readRecords(text)
}

/** One record as a line, with CRLF. Pure. */
export function writeCsvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`
}

/** The decoder drops a byte order mark. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\u0000') ? undefined : text
  } catch {
    return undefined
  }
}

function findOtherSeparator(text: string): string | undefined {
  const [header = ''] = text.split(/\r?\n/, 1)
  if (header.includes(',')) return undefined
  return header.includes(';') ? 'semicolons' : header.includes('\t') ? 'tabs' : undefined
}

interface Reading {
  readonly text: string
  at: number
}

function readRecords(text: string): ParsedCsv {
  const reading: Reading = { text, at: 0 }
  const rows: CsvRow[] = []
  for (let row = 1; reading.at < text.length; row++) {
    const cells = readRecord(reading)
    if (typeof cells === 'string') return { fault: `Row ${row}: ${cells}` }
    if (cells.some((cell) => cell.trim() !== '')) rows.push({ row, cells })
  }
  return rows.length === 0 ? { fault: 'The file is empty.' } : { rows }
}

/** The cells up to the end of the record, or what is wrong with them. */
function readRecord(reading: Reading): string[] | string {
  const cells: string[] = []
  for (;;) {
    const cell = reading.text[reading.at] === '"' ? readQuoted(reading) : readBare(reading)
    if (cell === undefined) return 'a quotation mark stands where it cannot, or is not closed.'
    cells.push(cell)
    if (reading.text[reading.at] !== ',') break
    reading.at += 1
  }
  if (reading.text[reading.at] === '\r') reading.at += 1
  if (reading.text[reading.at] === '\n') reading.at += 1
  return cells
}

const BARE = /[^",\r\n]*/y

function readBare(reading: Reading): string | undefined {
  BARE.lastIndex = reading.at
  const [cell = ''] = BARE.exec(reading.text) ?? []
  reading.at += cell.length
  return reading.text[reading.at] === '"' ? undefined : cell
}

const QUOTED = /"((?:[^"]|"")*)"(?=[,\r\n]|$)/y

function readQuoted(reading: Reading): string | undefined {
  QUOTED.lastIndex = reading.at
  const found = QUOTED.exec(reading.text)
  if (found === null) return undefined
  reading.at += found[0].length
  return found[1]?.replaceAll('""', '"')
}
