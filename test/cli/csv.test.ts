import { describe, expect, test } from '@jest/globals'
import { parseCsv, writeCsvLine } from '../../src/cli/csv.ts'
import { COLUMNS, nameRows } from '../../src/cli/plan-columns.ts'
import { buildPlanFile } from '../../src/cli/plan-file.ts'
import { conditionOf, parseDate, readPlanRow } from '../../src/cli/plan-row.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const cellsOf = (text: string): unknown => {
  const parsed = parseCsv(bytes(text))
  return 'rows' in parsed ? parsed.rows.map(({ row, cells }) => [row, ...cells]) : parsed.fault
}

describe('a file that is not read', () => {
  test.each([
    ['semicolons', 'plan_id;start\r\n1;2026-01-01', /semicolons/],
    ['tabs', 'plan_id\tstart\n1\t2026-01-01', /tabs/],
    ['nothing', '', /empty/],
    ['blank lines only', '\r\n,,\r\n', /empty/],
    ['a quotation mark inside a bare cell', 'a,b\n1,x"y', /^Row 2: a quotation mark/],
    ['a quoted cell that is not closed', 'a,b\n1,"xy\n', /^Row 2: a quotation mark/],
    ['text behind a quoted cell', 'a,b\n1,"x"y', /^Row 2: a quotation mark/],
  ])('%s', (_name, text, words) => {
    expect(cellsOf(text)).toMatch(words)
  })

  test('Windows-1252, UTF-16: it says how to save it', () => {
    for (const wrong of [Uint8Array.of(0x61, 0x2c, 0xe9), Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x2c, 0)])
      expect(parseCsv(wrong)).toEqual({ fault: expect.stringContaining('CSV UTF-8') })
  })

  test('what is said never holds a cell', () => {
    expect(cellsOf('a,b\n9998450055,x"y')).not.toContain('9998450055')
  })
})

describe('a file that is read (RFC 4180)', () => {
  test.each([
    [
      'plain',
      'a,b\n1,2\n',
      [
        [1, 'a', 'b'],
        [2, '1', '2'],
      ],
    ],
    [
      'a byte order mark and CRLF, no end of line at the end',
      '\ufeffa,b\r\n1,2',
      [
        [1, 'a', 'b'],
        [2, '1', '2'],
      ],
    ],
    [
      'quotes: commas, quotes and line ends inside',
      'a,b\n"x, ""y""\r\nz",2',
      [
        [1, 'a', 'b'],
        [2, 'x, "y"\r\nz', '2'],
      ],
    ],
    [
      'empty cells',
      'a,b,c\n,"",3',
      [
        [1, 'a', 'b', 'c'],
        [2, '', '', '3'],
      ],
    ],
    [
      'blank rows are passed over and counted',
      'a,b\n\n,\n1,2',
      [
        [1, 'a', 'b'],
        [4, '1', '2'],
      ],
    ],
    [
      'a last empty cell',
      'a,b\n1,',
      [
        [1, 'a', 'b'],
        [2, '1', ''],
      ],
    ],
    [
      'letters of every kind',
      'a,b\nZoë,Ó Súilleabháin',
      [
        [1, 'a', 'b'],
        [2, 'Zoë', 'Ó Súilleabháin'],
      ],
    ],
  ])('%s', (_name, text, rows) => {
    expect(cellsOf(text)).toEqual(rows)
  })

  test('what is written reads the same', () => {
    const cells = ['plain', 'x, "y"\r\nz', '', 'Zoë', '"']
    expect(cellsOf(`a,b,c,d,e\r\n${writeCsvLine(cells)}`)).toEqual([
      [1, 'a', 'b', 'c', 'd', 'e'],
      [2, ...cells],
    ])
  })

  test('a long file is read in good time', () => {
    const text = `a,b\n${'"x ""y""",2\n'.repeat(20_000)}`
    const parsed = parseCsv(bytes(text))
    expect('rows' in parsed && parsed.rows.length).toBe(20_001)
  })
})

const named = (header: string, ...rows: string[]) => {
  const parsed = parseCsv(bytes([header, ...rows].join('\n')))
  if ('fault' in parsed) throw new Error(parsed.fault)
  return nameRows(parsed.rows)
}
const HEADER = 'plan_id,plan_type,start,end,nhs_number'

describe('the header', () => {
  test.each([
    ['an unknown column', `${HEADER},postcode`, /Unknown in row 1: postcode\./],
    ['missing columns', 'plan_id,start,nhs_number', /Missing in row 1: plan_type, end\./],
    ['a column twice', `${HEADER},start`, /Twice in row 1: start\./],
  ])('%s is refused by name, with all there are', (_name, header, words) => {
    const found = named(header)
    expect('fault' in found ? found.fault : '').toMatch(words)
    expect('fault' in found ? found.fault : '').toContain(COLUMNS.join(', '))
  })

  test('a file without one has a child in row 1, which is not repeated', () => {
    const found = named('P1,CPP,2026-01-01,,9998450055')
    expect('fault' in found ? found.fault : '9998450055').not.toMatch(/9998450055|2026/)
  })

  test('names in any order and case; why_rejected is passed over', () => {
    const found = named(
      'NHS_Number, end ,START,plan_type,plan_id,why_rejected',
      '9998450055,,2026-01-01,CPP,P1,a fault',
    )
    expect('rows' in found ? found.rows[0]?.cells : {}).toMatchObject({
      plan_id: 'P1',
      nhs_number: '9998450055',
      start: '2026-01-01',
      birth_date: '',
    })
  })
})

const SYSTEMS = { plan: 'urn:plan', child: 'urn:child' }
const FULL = COLUMNS.join(',')
const rowOf = (cells: string) => {
  const found = named(FULL, cells)
  const [row] = 'rows' in found ? found.rows : []
  if (row === undefined) throw new Error('no row')
  return readPlanRow(row, SYSTEMS)
}

describe('a row', () => {
  test.each([
    ['no plan_id', ',CPP,2026-01-01,,9998450055,,,,,,,', 'PROFILE: plan_id is needed.'],
    ['no start', 'P1,CPP,,,9998450055,,,,,,,', 'PROFILE: start is needed.'],
    ['no child', 'P1,CPP,2026-01-01,,,,,,,,,', 'PROFILE: nhs_number or child_id is needed.'],
    ['an unknown type', 'P1,plan,2026-01-01,,9998450055,,,,,,,', 'INVALID_CODE: plan_type is CPP, LAC or UCPP.'],
    ['an American date', 'P1,CPP,12/31/2025,,9998450055,,,,,,,', 'DATE_IMPLAUSIBLE: start is no day'],
    ['a day that no calendar has', 'P1,CPP,2026-01-01,30/02/2026,9998450055,,,,,,,', 'DATE_IMPLAUSIBLE: end is no day'],
    [
      'neither yes nor no',
      'P1,CPP,2026-01-01,,9998450055,,,,,,,perhaps',
      'INVALID_CODE: withdrawn is yes, no or empty.',
    ],
    ['a cell too many', 'P1,CPP,2026-01-01,,9998450055,,,,,,,,x', 'PROFILE: there are more cells than columns'],
  ])('%s cannot be sent', (_name, cells, words) => {
    const read = rowOf(cells)
    expect('faults' in read ? read.faults.map((one) => `${one.code}: ${one.words}`).join(' ') : '').toContain(words)
  })

  test('all faults at once, and no cell in the words', () => {
    const read = rowOf(',plan,31/31/2026,,9998450055,,99/99/9999,Avery,Zebrafinch,,,')
    expect('faults' in read && read.faults.length).toBe(4)
    expect(JSON.stringify(read)).not.toMatch(/9998450055|Avery|Zebrafinch|31\/31|99\/99/)
  })

  test('becomes a plan that names its child by number, and what it says of the child', () => {
    expect(
      rowOf('P1,Looked after child,01/02/2026,2026-05-01,999 845 0055,C1,3/2/2019,Avery,Zebrafinch,section 20,,no'),
    ).toEqual({
      row: 2,
      plan: {
        resourceType: 'EpisodeOfCare',
        extension: [{ url: 'https://cpis.example/fhir/StructureDefinition/cpis-legal-basis', valueCode: 's20' }],
        identifier: [{ system: 'urn:plan', value: 'P1' }],
        status: 'active',
        type: [{ coding: [{ system: 'http://snomed.info/sct', code: '764841000000100' }] }],
        patient: {
          type: 'Patient',
          identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '999 845 0055' },
        },
        period: { start: '2026-02-01', end: '2026-05-01' },
      },
      child: { nhsNumber: '9998450055', childId: 'C1', birthDate: '2019-02-03', given: 'Avery', family: 'Zebrafinch' },
    })
  })

  test('withdrawn, unborn, without a number', () => {
    expect(rowOf('P1,ucpp,2026-01-01,,,M1,2001,,,,2026-07-01,YES')).toMatchObject({
      plan: {
        status: 'entered-in-error',
        patient: { identifier: { system: 'urn:child', value: 'M1' } },
        extension: [{ valueDate: '2026-07-01' }],
      },
      child: { birthDate: '2001' },
    })
  })

  test.each([
    ['2026-05-03', '2026-05-03'],
    ['03/05/2026', '2026-05-03'],
    ['3/5/2026', '2026-05-03'],
    ['29/02/2024', '2024-02-29'],
    ['', ''],
    ['29/02/2026', undefined],
    ['2026-5-3', undefined],
    ['03-05-2026', undefined],
    ['03/05/26', undefined],
    ['2026', undefined],
    ['46145', undefined],
  ])('the date "%s" is %s', (cell, date) => {
    expect(parseDate(cell)).toBe(date)
  })

  test('a condition is escaped for R4 and for the URL', () => {
    expect(decodeURIComponent(conditionOf({ system: 'urn:x', value: 'a|b,c$d\\e' }))).toBe(
      'identifier=urn:x|a\\|b\\,c\\$d\\\\e',
    )
  })
})

describe('rows together', () => {
  const build = (...rows: string[]) => {
    const found = named(FULL, ...rows)
    if ('fault' in found) throw new Error(found.fault)
    return buildPlanFile(found.header, found.rows, SYSTEMS)
  }

  test('a plan_id that stands twice is refused the second time', () => {
    const file = build('P1,CPP,2026-01-01,,9998450055,,,,,,,', 'P1,LAC,2026-01-01,,9998450055,,,,,,,')
    expect([...file.refused]).toEqual([
      [3, [{ code: 'DUPLICATE_IDENTIFIER', words: 'plan_id stands in row 2 already.' }]],
    ])
    expect(file.plans.map(({ row }) => row)).toEqual([2])
  })

  test('rows of one child are put together, so that one that says less takes nothing away', () => {
    const file = build('P1,CPP,2026-01-01,,9998450055,C1,2019-02-03,,,,,', 'P2,LAC,2026-01-01,,,C1,,Avery,,,,')
    const child = { nhsNumber: '9998450055', childId: 'C1', birthDate: '2019-02-03', given: 'Avery' }
    expect(file.plans.map((one) => one.child)).toEqual([child, child])
  })

  test('R14a rows of one child that contradict each other are refused', () => {
    const file = build(
      'P1,CPP,2026-01-01,,9998450055,C1,2019-02-03,,,,,',
      'P2,LAC,2026-01-01,,9995425793,C1,2018-02-03,,,,,',
    )
    expect([...file.refused]).toEqual([
      [3, [{ code: 'NUMBERS_DISAGREE', words: 'another row of this child has another nhs_number, birth_date.' }]],
    ])
  })
})
