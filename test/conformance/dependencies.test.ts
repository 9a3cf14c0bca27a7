/** What the register is built on: exact versions, floors, licences, and nothing that runs at install (issue 6). */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'

const PROJECT = new URL('../../', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, PROJECT), 'utf8')

interface Locked {
  readonly version: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}

const manifest = JSON.parse(read('package.json')) as Readonly<Record<string, Readonly<Record<string, string>>>>
const lock = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Locked>> }
const production = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** Licences that Apache-2.0 may be shipped with, and asked nothing of those who only use the register. */
const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Python-2.0',
  'WTFPL OR ISC',
])
/** Packages that say it in a file of theirs only: read by a person, and held to these words. */
const SAID_ELSEWHERE: Readonly<Record<string, { readonly file: string; readonly words: RegExp }>> = {
  fhirpath: { file: 'LICENSE.md', words: /terms and conditions are based on the BSD open-source license/ },
  '@lhncbc/ucum-lhc': {
    file: 'LICENSE.md',
    words: /Redistribution and use in source and binary forms, with or without modification/,
  },
  'emitter-component': { file: 'component.json', words: /"license": "MIT"/ },
  xmldoc: { file: 'LICENSE', words: /Permission is hereby granted, free of charge/ },
}
/** Their scripts make a demo and count installs; .npmrc lets none run, and all tests pass without. */
const IDLE_SCRIPTS = ['@scarf/scarf', 'fhirpath']

describe('dependencies', () => {
  const pins = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'].flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}),
  )

  test('are many, so that these tests look at something', () => {
    expect(pins.length).toBeGreaterThan(30)
    expect(production.length).toBeGreaterThan(100)
  })

  test.each(pins)('%s is pinned exactly (%s), and locked so', (name, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(lock.packages[`node_modules/${name}`]?.version).toBe(version)
  })

  test.each([
    ['body-parser', '2.3.0'],
    ['qs', '6.14.2'],
  ])('every %s that production uses is at least %s', (name, floor) => {
    const versions = production.flatMap(([path, { version }]) => (nameOf(path) === name ? [version] : []))
    expect(versions.length).toBeGreaterThan(0)
    expect(versions.filter((one) => isBelow(one, floor))).toEqual([])
  })

  test('in production have licences of the list', () => {
    const strangers = production
      .filter(([path, { optional }]) => optional !== true || existsSync(new URL(`${path}/package.json`, PROJECT)))
      .filter(([path]) => !isAllowed(path))
    expect(strangers.map(([path]) => path)).toEqual([])
  })

  test('in production need nothing to run at install', () => {
    const scripts = production.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    expect(scripts.map(([path]) => nameOf(path)).sort()).toEqual(IDLE_SCRIPTS)
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  })

  test('are listed by the command that docs/operating.md names', () => {
    expect(read('docs/operating.md')).toContain('npm sbom --sbom-format cyclonedx --omit dev')
  })
})

function isAllowed(path: string): boolean {
  const { license } = JSON.parse(read(`${path}/package.json`)) as { readonly license?: unknown }
  if (typeof license === 'string' && ALLOWED.has(license)) return true
  const elsewhere = SAID_ELSEWHERE[nameOf(path)]
  return elsewhere?.words.test(read(`${path}/${elsewhere.file}`)) === true
}

function isBelow(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map((one) => one.split('.').map(Number))
  const at = [0, 1, 2].find((part) => have?.[part] !== want?.[part])
  return at !== undefined && (have?.[at] ?? 0) < (want?.[at] ?? 0)
}
