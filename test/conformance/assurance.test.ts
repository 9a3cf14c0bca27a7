/** docs/assurance.md, docs/threat-model.md and docs/hazard-log.md against what the suites hold: a count that is not so, or a test that is not there, fails. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { OPERATOR_PAYLOADS } from '../security/operator-payloads.ts'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')

interface Line {
  readonly kind: string
  readonly file: string
  readonly part: string
  readonly count: number
  readonly least: number
}

const LINES: readonly Line[] = read('docs/assurance.md')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => /^\d+$/.test(cells[4] ?? ''))
  .map(([, kind = '', file = '', part = '', count, least]) => ({
    kind,
    file,
    part,
    count: Number(count),
    least: Number(least),
  }))
const isCounted = ({ file }: Line): boolean =>
  !['security/mutants', 'security/canaries', 'security/operator'].some((one) => file.startsWith(one))
const COUNTED = LINES.filter(isCounted)

interface Listing {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly ancestorTitles: readonly string[] }[]
  }[]
}

const folder = mkdtempSync(join(tmpdir(), 'cpis-assurance-'))
let listing: Listing
beforeAll(() => {
  // no test has this name: each is listed, and none is run
  const output = join(folder, 'listing.json')
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '-i', '-t', 'no test has this name']
  const files = COUNTED.map(({ file }) => `test/${file}`)
  const argv = [...jest, '--json', `--outputFile=${output}`, '--runTestsByPath', ...new Set(files)]
  execFileSync(process.execPath, argv, { cwd: ROOT, stdio: 'ignore' })
  listing = JSON.parse(readFileSync(output, 'utf8')) as Listing
}, 180_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('docs/assurance.md', () => {
  test('has a line for each kind that is wanted', () => {
    expect(LINES.length).toBeGreaterThanOrEqual(10)
    expect(COUNTED.length).toBeGreaterThanOrEqual(7)
  })

  test.each(COUNTED)('$kind: $count', ({ file, part, count, least }) => {
    const found = listing.testResults.find(({ name }) => name.endsWith(`/test/${file}`))?.assertionResults ?? []
    expect(found.filter(({ ancestorTitles }) => ancestorTitles[0]?.startsWith(part)).length).toBe(count)
    expect(count).toBeGreaterThanOrEqual(least)
  })

  test.each(LINES.filter((line) => !isCounted(line)))('$kind: $count', ({ file, part, count, least }) => {
    const text = read(`test/${file}`)
    const values = part
      .split(' × ')
      .map((name) => Number(new RegExp(`^const ${name} = ([\\d_]+)$`, 'm').exec(text)?.[1]?.replaceAll('_', '')))
    const value =
      part === 'OPERATOR_PAYLOADS' ? OPERATOR_PAYLOADS.length : values.reduce((product, one) => product * one, 1)
    expect(value).toBe(count)
    expect(count).toBeGreaterThanOrEqual(least)
  })

  test('all access tokens that are refused, ours and outside ones, are more than 60', () => {
    const tokens = LINES.filter(({ kind }) => kind.startsWith('access tokens'))
    expect(tokens.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(60)
  })
})

describe.each(['docs/threat-model.md', 'docs/hazard-log.md', 'docs/assurance.md'])('%s', (document) => {
  const names = [...read(document).matchAll(/`((?:[a-z]+\/)*[\w./-]+)`/g)].map(([, name = '']) => name)
  const tests = [...new Set(names.filter((name) => /\.test\.ts$/.test(name)))]

  test('names tests', () => {
    if (document !== 'docs/assurance.md') expect(tests.length).toBeGreaterThan(10)
  })

  test.each(tests)('%s is there', (name) => {
    expect(existsSync(new URL(name.startsWith('test/') ? name : `test/${name}`, ROOT))).toBe(true)
  })

  test('every folder and source file that it names is there', () => {
    const paths = names.filter(
      (name) => /^(domain|security|auth|http|src)\/[\w-]+(\/[\w-]+)*(\.ts)?$/.test(name) && !name.endsWith('.test.ts'),
    )
    const missing = paths.filter(
      (name) => !existsSync(new URL(name, ROOT)) && !existsSync(new URL(`test/${name}`, ROOT)),
    )
    expect(missing.filter((name) => name !== 'domain/disclosure')).toEqual([])
  })
})
