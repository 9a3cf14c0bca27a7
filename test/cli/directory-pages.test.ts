/** How a file of the directory is parted into requests: an organisation with its sites, and no more than the server takes. */
import { describe, expect, test } from '@jest/globals'
import { codeOf, pagesOf } from '../../src/cli/directory-pages.ts'

const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code'
const entry = (code: string, parent?: string, by: 'code' | 'address' = 'code') => ({
  place: `row ${code}`,
  resource: {
    resourceType: 'Organization',
    identifier: [{ system: ODS, value: code }],
    ...(parent === undefined
      ? {}
      : {
          partOf:
            by === 'code' ? { identifier: { system: ODS, value: parent } } : { reference: `Organization/${parent}` },
        }),
  },
})
const codesIn = (pages: ReturnType<typeof pagesOf>) => pages.map((page) => page.map(({ resource }) => codeOf(resource)))

describe('pages of a file', () => {
  test('hold an organisation before its sites, wherever they stand in the file', () => {
    const file = [entry('RA11', 'RA1', 'address'), entry('RB1'), entry('RA1', 'RA'), entry('RA')]
    expect(codesIn(pagesOf(file))).toEqual([['RA', 'RA1', 'RA11', 'RB1']])
  })

  test('are filled up, and never part a family that one request can hold', () => {
    const families = Array.from({ length: 3 }, (_, of) => [
      entry(`R${of}`),
      ...Array.from({ length: 250 }, (_one, nth) => entry(`R${of}X${nth}`, `R${of}`)),
    ]).flat()
    expect(pagesOf(families).map((page) => page.length)).toEqual([251, 251, 251])
    const alone = Array.from({ length: 900 }, (_, nth) => entry(`A${nth}`))
    expect(pagesOf(alone).map((page) => page.length)).toEqual([400, 400, 100])
  })

  test('part a larger one, its organisation in the first', () => {
    const sites = Array.from({ length: 1_500 }, (_, nth) => entry(`RX${nth}`, 'RX'))
    const pages = pagesOf([...sites, entry('RX')])
    expect(pages.map((page) => page.length)).toEqual([1_000, 501])
    expect(codeOf(pages[0]?.[0]?.resource)).toBe('RX')
  })

  test('keep every entry once, also circles, unknown parents, codes that stand twice, and what is none', () => {
    const file = [
      entry('R1', 'R2'),
      entry('R2', 'R1'),
      entry('R3', 'R3'),
      entry('R4', 'R9'),
      entry('R5'),
      entry('R5'),
      { place: 'entry 7', resource: null },
      { place: 'entry 8', resource: 'x' },
      { place: 'entry 9', resource: { identifier: {}, partOf: [] } },
    ]
    const places = pagesOf(file).flatMap((page) => page.map(({ place }) => place))
    expect(places.toSorted()).toEqual(file.map(({ place }) => place).toSorted())
  })
})
