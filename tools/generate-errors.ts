/** Writes docs/errors.md from the catalogue of the program. With --check it writes nothing and fails when the file differs. */
import { CATALOGUE, type CatalogueCode, catalogueRow, ISSUE_KIND } from '../src/fhir/catalogue.ts'
import { type Generated, writeOrCompare } from './profiles/generated-files.ts'

/** An answer of the service that is replaced, what it meant, and what stands for it here. */
type OldAnswer = readonly [code: string, meaning: string, here: string]

/** CP-ISUploadRecordResponse and CP-ISUploadFileResponse of the Child Protection Domain Message Specification 1.0. */
const OLD_RECORD_ANSWERS: readonly OldAnswer[] = [
  [
    'CPR01',
    'No match for the NHS number',
    '`INVALID_NHS_NUMBER` when the number cannot be one. The register keeps no list of all people: a well-formed number is accepted',
  ],
  [
    'CPR02',
    'The record of the person is sensitive',
    'Nothing: no address or contact is held, so sensitive records need no other handling',
  ],
  [
    'CPR03',
    'The number could not be verified',
    'At a check `CHECK_IDENTITY` (warning) when the birth date differs; at an upload `NUMBERS_DISAGREE` when plan and Patient name two numbers',
  ],
  ['CPR04', 'The number is an old-style one', '`INVALID_NHS_NUMBER`'],
  [
    'CPR05',
    'The number was replaced by another',
    'Accepted; `NUMBER_SUPERSEDED` (warning). A check under either number shows the plan',
  ],
  [
    'CPR06',
    'The record was uploaded',
    '201 or 200, with `UNCHANGED`, `STATUS_CORRECTED` or a warning where there is something to say',
  ],
  [
    'CPR07',
    'The record was not uploaded',
    'The code of each fault, with its place: `PROFILE`, `UNKNOWN_ELEMENT`, `INVALID_RESOURCE`, `DATE_IMPLAUSIBLE`, `END_BEFORE_START`, `OUT_OF_SCOPE`, `DUPLICATE_PLAN`, `DUPLICATE_IDENTIFIER`, `NOT_YOUR_AUTHORITY` …',
  ],
]
const OLD_FILE_ANSWERS: readonly OldAnswer[] = [
  [
    'CPF01',
    'The file is corrupt or badly formed',
    '`INVALID_JSON`, `TOO_DEEP`, `TOO_LARGE`, `TOO_MANY_ENTRIES` or `INVALID_BUNDLE`',
  ],
  [
    'CPF02',
    'All records were uploaded',
    '200 with a transaction-response or batch-response whose entries are all 200 or 201',
  ],
  [
    'CPF03',
    'Some records were uploaded, others rejected',
    '200 with a batch-response: each rejected entry has its status and its OperationOutcome',
  ],
  [
    'CPF04',
    'No record was uploaded',
    'Transaction: one OperationOutcome with 4xx, nothing is stored. Batch: 200, every entry with its 4xx',
  ],
  ['CPF05', 'The national service was not available; send again', '503 `UNAVAILABLE` with Retry-After'],
  [
    'CPF06',
    'The version of the client is no longer supported',
    '406 `NOT_ACCEPTABLE` or 415 `UNSUPPORTED_MEDIA`, when another FHIR version is asked for',
  ],
]

function errorsPage(): string {
  const codes = Object.keys(CATALOGUE) as CatalogueCode[]
  return [
    '# Errors, warnings and information',
    '',
    'Generated from `src/fhir/catalogue.ts` by `tools/generate-errors.ts`; the same list is served as CodeSystem `cpis-error`.',
    'Every answer that is not a success, and every remark beside a success, is an OperationOutcome: `details.coding` holds one of',
    'these codes, `details.text` plain words with what to do, `expression` the place where there is one. It never holds a value of a patient.',
    '',
    'When several faults are found, all are listed and the most basic one sets the status. Warnings and information never fail a request.',
    '',
    table(
      ['Code', 'Status', 'Severity', 'R4 issue type', 'Meaning and what to do', 'National code'],
      codes.map(errorRow),
    ),
    '',
    '## The answers of the service before',
    '',
    'For suppliers who know the local-authority upload of CP-IS (record and file responses) and its draft FHIR API.',
    '',
    table(['Before', 'It meant', 'Here'], [...OLD_RECORD_ANSWERS, ...OLD_FILE_ANSWERS]),
    '',
    'The draft FHIR API of the service answers with three codes of `England-SpineErrorOrWarningCode`. Where one of them fits, it stands',
    'in `details.coding` as a second coding:',
    '',
    table(['National code', 'Stands beside'], nationalRows(codes)),
    '',
  ].join('\n')
}

function errorRow(code: CatalogueCode): readonly string[] {
  const row = catalogueRow(code)
  const { status, issueType } = ISSUE_KIND[row.kind]
  const isError = row.severity === 'error'
  const type = isError ? issueType : row.severity === 'warning' ? 'business-rule' : 'informational'
  return [`\`${code}\``, isError ? String(status) : '–', row.severity, type, row.meaning, row.national ?? '–']
}

function nationalRows(codes: readonly CatalogueCode[]): readonly (readonly string[])[] {
  const names = [...new Set(codes.flatMap((code) => catalogueRow(code).national ?? []))].sort()
  return names.map((name) => [
    `\`${name}\``,
    codes
      .filter((code) => catalogueRow(code).national === name)
      .map((code) => `\`${code}\``)
      .join(', '),
  ])
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** docs/errors.md, by its name. Pure. */
export function generateErrors(): Generated {
  return new Map([['errors.md', errorsPage()]])
}

if (import.meta.main) {
  process.exitCode = writeOrCompare('docs', generateErrors(), process.argv.includes('--check')) ? 0 : 1
}
