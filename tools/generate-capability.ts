/** Writes capability-statement.json from the route table and the search parameters. With --check it writes nothing and fails when the file differs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FHIR_ROUTES } from '../src/http/routes.ts'
import { buildCapabilityStatement } from '../src/interactions/capabilities.ts'

const FILE = join(import.meta.dirname, '../capability-statement.json')
/** Where a sandbox listens unless told otherwise. */
const BASE_URL = 'http://127.0.0.1:8080'

/** The text of capability-statement.json. Pure. */
export function capabilityText(): string {
  return `${JSON.stringify(buildCapabilityStatement(FHIR_ROUTES, { baseUrl: BASE_URL, embeddedIssuer: true }), null, 2)}\n`
}

if (import.meta.main) {
  const isCheck = process.argv.includes('--check')
  if (!isCheck) writeFileSync(FILE, capabilityText())
  if (readFileSync(FILE, 'utf8') !== capabilityText()) {
    console.error('capability-statement.json differs: run `npm run generate`')
    process.exitCode = 1
  }
}
