/** The test NHS numbers: of the range that is never issued, one use each, and strings that are no NHS numbers. */

import type { NhsNumber } from '../../src/domain/brands.ts'
import { parseNhsNumber } from '../../src/domain/nhs-number.ts'

export interface TestNumber {
  readonly text: string
  readonly use: string
  readonly valid: boolean
}

export const TEST_NUMBERS: readonly TestNumber[] = [
  { text: '9995973952', use: 'child on an open plan, one authority', valid: true },
  { text: '9995294524', use: 'looked-after child', valid: true },
  { text: '9992495146', use: 'child on a plan and looked after, one authority', valid: true },
  { text: '9996568814', use: 'child known to two authorities', valid: true },
  { text: '9994033018', use: 'pregnant woman with an unborn child plan', valid: true },
  { text: '9997007336', use: 'baby born to her', valid: true },
  { text: '9996470911', use: 'child whose plan ended 100 days ago', valid: true },
  { text: '9990654352', use: 'child whose plan ended 365 days ago', valid: true },
  { text: '9996585131', use: 'child whose plan ended 366 days ago', valid: true },
  { text: '9994055313', use: 'child with a future plan', valid: true },
  { text: '9998432405', use: 'child with a withdrawn plan', valid: true },
  { text: '9990183449', use: 'child turning 18 tomorrow', valid: true },
  { text: '9991795944', use: 'child turned 18 today', valid: true },
  { text: '9994579657', use: 'child whose number was replaced: old number', valid: true },
  { text: '9997526694', use: 'child whose number was replaced: new number', valid: true },
  { text: '9995161435', use: 'adopted child: old number, no replacement', valid: true },
  { text: '9992378603', use: 'child with many accesses', valid: true },
  { text: '9996621235', use: 'nothing known 1', valid: true },
  { text: '9993798568', use: 'nothing known 2', valid: true },
  { text: '9994179209', use: 'nothing known 3', valid: true },
  { text: '9995539772', use: 'mother who is herself looked after', valid: true },
  { text: '9992742216', use: 'twin one', valid: true },
  { text: '9997255143', use: 'twin two', valid: true },
  { text: '9997382455', use: 'child moving between authorities', valid: true },
  { text: '9998450055', use: 'spare', valid: true },
  { text: '9995425793', use: 'spare', valid: true },
  { text: '9994944614', use: 'spare', valid: true },
  { text: '9999508960', use: 'spare', valid: true },
  { text: '9992965525', use: 'spare', valid: true },
  { text: '9993529427', use: 'spare', valid: true },
  { text: '9995973953', use: 'wrong check digit', valid: false },
  { text: '9990000000', use: 'check value 10: no digit is right', valid: false },
  { text: '9999999999', use: 'ten equal digits', valid: false },
  { text: '999000001', use: 'nine digits', valid: false },
  { text: '99900000011', use: 'eleven digits', valid: false },
  { text: '999O395633', use: 'letter O', valid: false },
  { text: 'ABCD123456', use: 'old style', valid: false },
  { text: '９９９０４８１０１３', use: 'full-width digits', valid: false },
  { text: '9912003890', use: 'wrong check digit (example in the old draft guide)', valid: false },
]

/** A checked number out of its text; throws for a text that is none. */
export function testNumber(text: string): NhsNumber {
  const { nhsNumber } = parseNhsNumber(text, 'test')
  if (nhsNumber === undefined) throw new Error('not a test NHS number')
  return nhsNumber
}
