/** Our validation against the reference validator's verdicts on mutants of the good instances (tools/judge-mutants.ts): both take or both refuse, but for the differences that docs/conformance.md lists. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Resource } from '@medplum/fhirtypes'
import { applyJsonPatch } from '../../src/fhir/patch.ts'
import { compileProfiles } from '../../src/fhir/validate.ts'

interface Judged {
  /** File of the good instance. */
  readonly of: string
  readonly name: string
  /** The reference validator found no error. */
  readonly accepted: boolean
  readonly patch: readonly object[]
}

/** A difference that is meant: docs/conformance.md has it under this title. */
interface Difference {
  readonly title: string
  /** Who takes it. */
  readonly takenBy: 'reference' | 'register'
  readonly isMeant: (mutant: Judged) => boolean
}

const named = (pattern: RegExp) => (mutant: Judged) => pattern.test(mutant.name)

const DIFFERENCES: readonly Difference[] = [
  {
    title: 'An extension that was not asked for',
    takenBy: 'reference',
    isMeant: named(/^(extension beside|extension in|nothing but an extension for) /),
  },
  { title: 'The id of a primitive', takenBy: 'reference', isMeant: named(/^id beside /) },
  { title: 'A control character', takenBy: 'reference', isMeant: named(/^a control character /) },
  { title: 'An empty list', takenBy: 'reference', isMeant: named(/^(empty|without) .*\/(given|header)(\/0)?$/) },
  {
    title: 'A period whose ends cannot be compared',
    takenBy: 'register',
    isMeant: named(/^date (2026|2026-05|2026-05-03T\S+) \/period\/(start|end)$/),
  },
  {
    title: 'The end of a plan before its start',
    takenBy: 'register',
    isMeant: ({ of, name }) =>
      of.startsWith('cpis-plan') && /^(period in \/|date 1800-01-01 \/period\/end)$/.test(name),
  },
  {
    title: 'A legal basis out of scope',
    takenBy: 'register',
    isMeant: ({ of, name }) => of === 'cpis-plan.json' && name === 'wrong code /extension/0/valueCode',
  },
]

const profiles = compileProfiles()
const at = (path: string): URL => new URL(path, import.meta.url)
const mutants = readFileSync(at('mutants.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Judged)
const good = new Map(
  [...new Set(mutants.map((one) => one.of))].map((of) => [
    of,
    JSON.parse(readFileSync(at(`instances/good/${of}`), 'utf8')) as Resource,
  ]),
)

function isTaken({ of, patch }: Judged): boolean {
  const instance = good.get(of)
  const patched = instance === undefined ? undefined : applyJsonPatch(instance, patch)
  if (patched === undefined || 'issue' in patched)
    throw new Error(`${of}: the patch does not fit; judge the mutants anew`)
  return profiles.check(patched.resource, instance?.meta?.profile?.[0] ?? '').length === 0
}

const apart = mutants.filter((one) => isTaken(one) !== one.accepted)
const differenceOf = (one: Judged): Difference | undefined =>
  DIFFERENCES.find((two) => (two.takenBy === 'reference') === one.accepted && two.isMeant(one))

describe('mutants', () => {
  test('are many, of every profile, and of both kinds', () => {
    expect(mutants.length).toBeGreaterThan(300)
    expect(good.size).toBe(11)
    expect(mutants.filter((one) => one.accepted).length).toBeGreaterThan(300)
    expect(mutants.filter((one) => !one.accepted).length).toBeGreaterThan(300)
  })

  test('are judged as the reference validator does, but for what is meant', () => {
    const unmeant = apart.filter((one) => differenceOf(one) === undefined)
    expect(
      unmeant.map(({ of, name, accepted }) => `${of}: ${name}, ${accepted ? 'taken' : 'refused'} by the reference`),
    ).toEqual([])
  })

  test.each(DIFFERENCES.map((one) => [one.title, one] as const))(
    '%s: still differs, and is documented',
    (title, one) => {
      expect(apart.some((mutant) => differenceOf(mutant) === one)).toBe(true)
      expect(readFileSync(at('../../docs/conformance.md'), 'utf8')).toContain(`| ${title} |`)
    },
  )
})
