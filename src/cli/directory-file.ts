/** A file of the directory (CSV of sites or of authorities, a Bundle, or NDJSON of Organizations) → Organizations ready to be sent, each with its place in the file (docs/operating.md "First start in production"). What can be judged by the server is left to it. */

import { readFileSync } from 'node:fs'
import type { Organization, OrganizationContact } from '@medplum/fhirtypes'
import { SYSTEM } from '../fhir/canonicals.ts'
import { isObject } from '../fhir/json-object.ts'
import { parseCsv } from './csv.ts'
import { CliError, EXIT } from './io.ts'

export interface FileEntry {
  /** `row 12`, `line 12` or `entry 12`, counted from 1; the header of a CSV is row 1. */
  readonly place: string
  /** As it will be sent: of any shape when the file is JSON. */
  readonly resource: unknown
}

/** Reads the whole file. Throws CliError when it is none of the forms, or a CSV of other columns. Disk I/O. */
export function readDirectoryFile(path: string): readonly FileEntry[] {
  const bytes = readBytes(path)
  const entries = /\.csv$/i.test(path)
    ? entriesOfCsv(bytes, path)
    : /\.ndjson$/i.test(path)
      ? entriesOfLines(bytes, path)
      : entriesOfBundle(bytes, path)
  if (entries.length > 0) return entries
  throw new CliError(EXIT.usage, `${path} holds no organisations.`)
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new CliError(EXIT.usage, `${path} cannot be read.`, { cause })
  }
}

const SITE_COLUMNS = { needed: ['ods_code', 'name', 'part_of', 'kind'], more: ['town', 'phone', 'active'] } as const
const PURPOSES = [
  ['office-hours', 'office_hours'],
  ['emergency-duty-team', 'emergency_duty_team'],
  ['mash', 'mash'],
] as const
const AUTHORITY_COLUMNS = {
  needed: ['name', 'gss_code'],
  // the region is for people who read the file
  more: ['ods_code', 'region', 'dfe_la_code', ...PURPOSES.flatMap(([, name]) => [`${name}_phone`, `${name}_email`])],
} as const

type Cells = (column: string) => string

function entriesOfCsv(bytes: Uint8Array, path: string): readonly FileEntry[] {
  const parsed = parseCsv(bytes)
  if ('fault' in parsed) throw new CliError(EXIT.usage, `${path}: ${parsed.fault}`)
  const [first, ...rows] = parsed.rows
  const header = (first?.cells ?? []).map((name) => name.trim().toLowerCase())
  const isOfAuthorities = header.includes('gss_code')
  const fault = findHeaderFault(header, isOfAuthorities ? AUTHORITY_COLUMNS : SITE_COLUMNS)
  if (fault !== undefined) throw new CliError(EXIT.usage, `${path}: ${fault}`)
  const build = isOfAuthorities ? buildAuthority : buildSite
  return rows.map(({ row, cells }) => {
    if (cells.length > header.length)
      throw new CliError(EXIT.usage, `${path}: Row ${row}: more cells than columns: quote cells that hold a comma.`)
    return { place: `row ${row}`, resource: build((column) => (cells[header.indexOf(column)] ?? '').trim()) }
  })
}

function findHeaderFault(
  header: readonly string[],
  { needed, more }: { readonly needed: readonly string[]; readonly more: readonly string[] },
): string | undefined {
  const all = [...needed, ...more]
  const missing = needed.filter((name) => !header.includes(name))
  const unknown = header.filter((name) => !all.includes(name))
  const twice = header.filter((name, at) => header.indexOf(name) !== at)
  if (missing.length + unknown.length + twice.length === 0) return undefined
  return [
    ...(missing.length === 0 ? [] : [`Missing in row 1: ${missing.join(', ')}.`]),
    ...(unknown.length === 0 ? [] : [`${unknown.length} unknown in row 1.`]),
    ...(twice.length === 0 ? [] : ['A column stands twice in row 1.']),
    `The columns are: ${all.join(', ')}.`,
  ].join(' ')
}

const ACTIVE: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['y', true],
  ['true', true],
  ['no', false],
  ['n', false],
  ['false', false],
])

/** An empty cell of `active` leaves it as it is; another word than yes or no goes as it is, for the server to refuse. */
function buildSite(cell: Cells): unknown {
  const parent = cell('part_of')
  const active = cell('active').toLowerCase()
  return {
    resourceType: 'Organization',
    identifier: [{ system: SYSTEM.ods, value: cell('ods_code') }],
    ...(active === '' ? {} : { active: ACTIVE.get(active) ?? active }),
    ...typeOf(cell('kind')),
    ...(cell('name') === '' ? {} : { name: cell('name') }),
    ...(cell('phone') === '' ? {} : { telecom: [telecomOf('phone', cell('phone'))] }),
    ...(cell('town') === '' ? {} : { address: [{ city: cell('town') }] }),
    ...(parent === '' ? {} : { partOf: { type: 'Organization', identifier: { system: SYSTEM.ods, value: parent } } }),
  }
}

/** `hospital site` as its code `hospital-site` of cpis-organization-type. */
function typeOf(kind: string): Pick<Organization, 'type'> {
  const code = kind.toLowerCase().replaceAll(/\s+/g, '-')
  return code === '' ? {} : { type: [{ coding: [{ system: SYSTEM.organizationType, code }] }] }
}

function telecomOf(system: 'phone' | 'email', value: string): NonNullable<Organization['telecom']>[number] {
  return { system, value, use: 'work' }
}

/** Without any contact, those that the register holds stay. */
function buildAuthority(cell: Cells): Organization {
  const contact = PURPOSES.flatMap(([code, name]) => contactOf(code, cell(`${name}_phone`), cell(`${name}_email`)))
  const codes = [
    [SYSTEM.gss, 'gss_code'],
    [SYSTEM.ods, 'ods_code'],
    [SYSTEM.dfe, 'dfe_la_code'],
  ] as const
  return {
    resourceType: 'Organization',
    identifier: codes.flatMap(([system, column]) => {
      const value = cell(column)
      return value === '' && column !== 'gss_code' ? [] : [{ system, value }]
    }),
    ...(cell('name') === '' ? {} : { name: cell('name') }),
    ...(contact.length === 0 ? {} : { contact }),
  }
}

function contactOf(code: string, phone: string, email: string): readonly OrganizationContact[] {
  if (phone === '' && email === '') return []
  const telecom = [
    ...(phone === '' ? [] : [telecomOf('phone', phone)]),
    ...(email === '' ? [] : [telecomOf('email', email)]),
  ]
  return [{ purpose: { coding: [{ system: SYSTEM.contactPurpose, code }] }, telecom }]
}

function entriesOfLines(bytes: Uint8Array, path: string): readonly FileEntry[] {
  return textOf(bytes, path)
    .split('\n')
    .flatMap((text, at) =>
      text.trim() === '' ? [] : [{ place: `line ${at + 1}`, resource: parseJson(text, `${path}: line ${at + 1}`) }],
    )
}

function entriesOfBundle(bytes: Uint8Array, path: string): readonly FileEntry[] {
  const parsed = parseJson(textOf(bytes, path), path)
  const entry = isObject(parsed) && parsed['resourceType'] === 'Bundle' ? parsed['entry'] : undefined
  if (!Array.isArray(entry))
    throw new CliError(EXIT.usage, `${path} is no Bundle. Name a *.csv, a *.ndjson or a Bundle.`)
  return entry.map((one: unknown, at) => ({
    place: `entry ${at + 1}`,
    resource: isObject(one) ? one['resource'] : undefined,
  }))
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new CliError(EXIT.usage, `${path} is not UTF-8.`, { cause })
  }
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CliError(EXIT.usage, `${place} is no JSON.`, { cause })
  }
}
