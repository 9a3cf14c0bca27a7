/** `cpis upload FILE.csv` and `cpis reconcile FILE.csv` against a server: refusals first. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Console, consoleOf } from '../support/console.ts'
import { bundleOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E10000007'
const HEADER = 'plan_id,plan_type,start,end,nhs_number,child_id,birth_date,given,family,withdrawn'

let server: TestServer
let folder: string

beforeAll(async () => {
  server = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'cpis-csv-'))
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

function write(name: string, ...rows: string[]): string {
  const path = join(folder, name)
  writeFileSync(path, `\ufeff${[HEADER, ...rows].join('\r\n')}\r\n`)
  return path
}

interface Ran {
  readonly code: number
  readonly console: Console
}
async function run(...argv: string[]): Promise<Ran> {
  const console = consoleOf(server)
  return { code: await console.run(...argv, '--as', LA), console }
}

const count = async (): Promise<number | undefined> =>
  bundleOf(await server.send({ as: LA, path: 'EpisodeOfCare/_search', form: { _total: 'accurate', _count: '0' } }))
    .total

describe('a file that cannot be sent is wrong usage, and nothing is sent', () => {
  test.each([
    ['another header', 'a,b\r\n1,2\r\n', 'Unknown in row 1: a, b.'],
    ['semicolons', 'plan_id;start\r\n1;2\r\n', 'semicolons'],
    ['a broken cell', `${HEADER}\r\nP1,"CPP,2026-01-01\r\n`, 'Row 2: a quotation mark'],
  ])('%s', async (_name, text, words) => {
    const path = join(folder, 'wrong.csv')
    writeFileSync(path, text)
    const before = await count()
    for (const command of ['upload', 'reconcile']) {
      const { code, console } = await run(command, path)
      expect(code).toBe(2)
      expect(console.err()).toContain(words)
    }
    expect(await count()).toBe(before)
  })

  test('a file that is not there', async () => {
    expect((await run('upload', join(folder, 'none.csv'))).code).toBe(2)
  })
})

describe('the same rules as at the server, a receipt for each row', () => {
  test('refused rows come back in a file that can be mended and sent again', async () => {
    const path = write(
      'plans.csv',
      'P1,CPP,01/02/2026,,9998450055,C1,03/02/2019,Avery,Zebrafinch,',
      'P2,CPP,2026-02-01,,9995973953,C2,2018-03-04,Robin,Waxwing,',
      'P3,nonsense,2026-02-01,,9995425793,,,,,',
      'P4,CPP,2026-03-01,,9998450055,C1,,,,',
      'P5,LAC,2026-02-01,,9998450055,C1,,,,',
    )
    const { code, console } = await run('upload', path)
    expect(code).toBe(1)
    expect(console.out()).toContain('plans.csv: 5 rows: 2 stored, 0 unchanged, 3 refused')
    expect(console.out()).toMatch(/row 3: INVALID_NHS_NUMBER/)
    expect(console.out()).toContain('row 4: INVALID_CODE: plan_type is CPP, LAC or UCPP.')
    expect(console.out()).toMatch(/row 5: DUPLICATE_PLAN/)
    expect(console.out() + console.err()).not.toMatch(/9995973953|9998450055|Robin|Waxwing|Avery|Zebrafinch|P2/)
    const rejected = join(folder, 'plans.rejected.csv')
    const text = readFileSync(rejected, 'utf8')
    expect(statSync(rejected).mode & 0o777).toBe(0o600)
    const lines = text.trimEnd().split('\r\n')
    expect(lines[0]).toBe(`${HEADER},why_rejected`)
    expect(lines.slice(1).map((one) => one.slice(0, 3))).toEqual(['P2,', 'P3,', 'P4,'])
    expect(lines[1]).toContain('INVALID_NHS_NUMBER')

    writeFileSync(
      rejected,
      text
        .replace('9995973953', '9994944614')
        .replace('nonsense', 'UCPP')
        .replace('P4,CPP,2026-03-01', 'P4,UCPP,2026-03-01'),
    )
    const mended = await run('upload', rejected)
    expect(mended.console.out()).toContain('plans.rejected.csv: 3 rows: 3 stored, 0 unchanged, 0 refused')
    expect(mended.code).toBe(0)
    expect(existsSync(join(folder, 'plans.rejected.rejected.csv'))).toBe(false)
    expect(bundleOf(await sendCheck(server, '9994944614')).total).toBe(1)
  })

  test('R15 the same file again changes nothing; --json has a line for each row', async () => {
    const path = write(
      'again.csv',
      'A1,CPP,2026-02-01,,9999508960,K1,2015-01-02,,,',
      'A2,CPP,2026-02-01,,9992965525,,,,,',
    )
    expect((await run('upload', path)).code).toBe(0)
    const { code, console } = await run('upload', path, '--json')
    expect(code).toBe(0)
    const lines = console
      .out()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toEqual([
      { row: 2, became: 'unchanged', codes: [], words: [] },
      { row: 3, became: 'unchanged', codes: ['BIRTH_DATE_MISSING'], words: [] },
    ])
  })

  test('R8 a child without a number is parked, and seen the moment its number is in the file', async () => {
    await run('upload', write('parked.csv', 'K1,CPP,2026-02-01,,,CH-7,2017-01-02,,,'))
    expect(bundleOf(await sendCheck(server, '9993529427')).total).toBe(0)
    const { code } = await run('upload', write('parked.csv', 'K1,CPP,2026-02-01,,9993529427,CH-7,2017-01-02,,,'))
    expect(code).toBe(0)
    expect(bundleOf(await sendCheck(server, '9993529427')).total).toBe(1)
  })

  test('R4 withdrawn hides it', async () => {
    await run('upload', write('w.csv', 'W1,CPP,2026-02-01,,9992742216,,2018-01-02,,,'))
    expect(bundleOf(await sendCheck(server, '9992742216')).total).toBe(1)
    expect((await run('upload', write('w.csv', 'W1,CPP,2026-02-01,,9992742216,,2018-01-02,,,yes'))).code).toBe(0)
    expect(bundleOf(await sendCheck(server, '9992742216')).total).toBe(0)
  })

  test('thousands of rows go in batches', async () => {
    const rows = Array.from({ length: 1_300 }, (_, at) => `M${at},CPP,2026-02-01,,,MC${at},2016-05-06,,,`)
    const { code, console } = await run('upload', write('many.csv', ...rows))
    expect(console.out()).toContain('1,300 rows: 1,300 stored, 0 unchanged, 0 refused')
    expect(code).toBe(0)
  })

  test('an authority that is not one is told so', async () => {
    const console = consoleOf(server)
    const path = write('n.csv', 'N1,CPP,2026-02-01,,9998450055,,,,,')
    expect(await console.run('upload', path, '--as', 'ed-nurse')).toBe(1)
    expect(console.err()).toContain('403')
  })
})

describe('reconcile', () => {
  const as = 'la-E09000001'
  const reconcile = async (path: string, ...more: string[]): Promise<Ran> => {
    const console = consoleOf(server)
    return { code: await console.run('reconcile', path, '--as', as, ...more), console }
  }

  test('without drift it is 0; with drift a table that can be worked through, and 1', async () => {
    const path = write(
      'list.csv',
      'R1,CPP,2026-02-01,,9997255143,,2018-01-02,,,',
      'R2,LAC,2026-02-01,20/05/2026,9993798568,,2018-01-02,,,',
    )
    expect(await consoleOf(server).run('upload', path, '--as', as)).toBe(0)
    const same = await reconcile(path)
    expect(same.code).toBe(0)
    expect(same.console.out()).toBe(
      [
        '3 May 2026: 2 plans in your list, 2 in the register, 2 the same, 0 missing in the register, 0 missing in your list, 0 different',
        '',
        'Ending within 30 days (1)',
        '  plan  type  start       end         days left',
        '  R2    LAC   2026-02-01  2026-05-20  17',
        '',
      ].join('\n'),
    )
    const drifted = write(
      'drifted.csv',
      'R3,CPP,2026-03-01,,9994179209,,,,,',
      'R1,CPP,2026-02-02,,9997007336,,,,,',
      'R4,?,2026-02-01,,9994179209,,,,,',
    )
    const { code, console } = await reconcile(drifted)
    expect(code).toBe(1)
    expect(console.out()).toContain(
      [
        'In your list, not in the register: upload them (1)',
        '  row  plan  type  start       end',
        '  2    R3    CPP   2026-03-01  –',
        '',
        'In the register, not in your list: end or withdraw them, or correct the list (1)',
        '  plan  type  start       end',
        '  R2    LAC   2026-02-01  2026-05-20',
        '',
        'In both, and not the same (1)',
        '  row  plan  what               register → list',
        '  3    R1    start, nhs-number  2026-02-01 → 2026-02-02, …5143 → …7336',
      ].join('\n'),
    )
    expect(console.out()).toContain(
      'Could not be compared (1)\n  row  why\n  4    INVALID_CODE: plan_type is CPP, LAC or UCPP.',
    )
    expect(console.out()).not.toMatch(/9997255143|9997007336/)
    const json = await reconcile(drifted, '--json')
    expect(JSON.parse(json.console.out())).toMatchObject({ resourceType: 'Parameters' })
    expect(json.code).toBe(1)
  })
})
