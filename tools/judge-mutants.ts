/** Has the reference validator judge mutants of the good instances, and keeps its verdicts for test/fhir/agreement.test.ts. FHIR_VALIDATOR names the program (docs/conformance.md). */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Resource } from '@medplum/fhirtypes'
import { applyJsonPatch } from '../src/fhir/patch.ts'
import { type Mutant, mutantsOf } from './mutate.ts'

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const GOOD = at('test/fhir/instances/good')
const MOST_BYTES = 1024 * 1024 * 1024

interface Judged extends Mutant {
  readonly of: string
}

function readGood(name: string): Resource {
  return JSON.parse(readFileSync(`${GOOD}/${name}`, 'utf8')) as Resource
}

function patched(good: Resource, mutant: Mutant): unknown {
  const result = applyJsonPatch(good, mutant.patch)
  if ('issue' in result) throw new Error(`${mutant.name}: not a patch`)
  return result.resource
}

/** What callers send is kept whole; of what only the server makes, one in so many is enough. */
const INPUT = ['cpis-plan.json', 'cpis-flag.json', 'cpis-patient.json', 'cpis-authority.json', 'cpis-subscription.json']
const ONE_IN = 5

function chosen(of: string): readonly Mutant[] {
  const all = mutantsOf(readGood(of))
  return INPUT.includes(of) ? all : all.filter((_one, nth) => nth % ONE_IN === 0)
}

/** Verdicts of the reference validator, by name: whether it finds no error. */
function judge(lines: readonly string[]): ReadonlyMap<string, boolean> {
  const program = process.env['FHIR_VALIDATOR']
  if (program === undefined)
    throw new Error('FHIR_VALIDATOR must name the reference validator, see docs/conformance.md')
  const options = { input: lines.join('\n'), encoding: 'utf8', maxBuffer: MOST_BYTES } as const
  const { stdout } = spawnSync(program, ['--profiles', at('profiles'), '--json', '--stdin-ndjson'], options)
  const verdicts = new Map<string, boolean>()
  for (const line of stdout.trim().split('\n')) {
    const answer = JSON.parse(line) as { name?: string; issues?: readonly { severity: string }[] }
    if (answer.name === undefined) continue
    const isFaulty = answer.issues?.some(({ severity }) => severity === 'error' || severity === 'fatal') ?? true
    verdicts.set(answer.name, !isFaulty)
  }
  return verdicts
}

const mutants: Judged[] = readdirSync(GOOD).flatMap((of) => chosen(of).map((one) => ({ of, ...one })))
const lines = mutants.map((one, nth) => JSON.stringify({ name: String(nth), resource: patched(readGood(one.of), one) }))
const verdicts = judge(lines)
const rows = mutants.map(({ of, name, patch }, nth) => {
  const accepted = verdicts.get(String(nth))
  if (accepted === undefined) throw new Error(`${of} ${name}: no verdict`)
  return JSON.stringify({ of, name, accepted, patch })
})
writeFileSync(at('test/fhir/mutants.ndjson'), `${rows.join('\n')}\n`)
process.stdout.write(`${rows.length} mutants judged\n`)
