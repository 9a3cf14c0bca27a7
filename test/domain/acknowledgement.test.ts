import { describe, expect, test } from '@jest/globals'
import {
  type Acknowledgement,
  checkRole,
  decideAcknowledgement,
  MOST_ACKNOWLEDGEMENTS,
  parseAcknowledgementCode,
} from '../../src/domain/acknowledgement.ts'
import type { AuthorityCode } from '../../src/domain/brands.ts'

describe('the words for a role', () => {
  test.each([
    ['nothing', '', 'empty'],
    ['spaces', '   ', 'empty'],
    ['61 characters', `duty ${'w'.repeat(56)}`, 'too-long'],
    ['an NHS number', 'duty worker 9998450055', 'characters'],
    ['one in three parts', '999 845 0055', 'characters'],
    ['digits of another script', 'duty worker ٩٩٩', 'characters'],
    ['full-width digits', 'duty worker ９９９', 'characters'],
    ['a telephone', 'duty desk 01629 533190', 'characters'],
    ['an e-mail address', 'duty@example', 'characters'],
    ['a line end', 'duty\nworker', 'characters'],
    ['a formula', '=duty', 'characters'],
    ['mark-up', 'duty <b>', 'characters'],
    ['a title', 'Mrs duty worker', 'title'],
    ['a title with a stop and a name', 'social worker Dr Example', 'title'],
    ['a title in small letters', 'duty worker mr example', 'title'],
    ['a name', 'Jane Example', 'name'],
    ['a name before a role', 'Jane Example, duty social worker', 'name'],
    ['a name behind a role', 'Duty social worker (Jane)', 'name'],
    ['a name with a hyphen', 'Example-Smith duty', 'name'],
    ['a name in small letters alone', 'jane example', 'no-role'],
    ['words that say no role', 'the first of the children', 'no-role'],
    ['an abbreviation alone', 'AB', 'no-role'],
  ])('%s is refused', (_what, text, fault) => {
    expect(checkRole(text)).toBe(fault)
  })

  test.each([
    'duty social worker',
    'Duty Social Worker',
    'MASH desk',
    'mash',
    'emergency duty team',
    'Emergency Duty Team (EDT)',
    "children's services front door",
    'team manager, out-of-hours',
    'Head of Service',
    'Independent Reviewing Officer',
    'assistant team manager / practice lead',
    'safeguarding nurse',
  ])('%s is taken', (text) => {
    expect(checkRole(text)).toBeUndefined()
  })
})

test.each([
  ['seen', 'seen'],
  ['acting', 'acting'],
  ['no-action-needed', 'no-action-needed'],
  ['SEEN', undefined],
  ['constructor', undefined],
  ['', undefined],
])('the code %p is %p', (text, code) => {
  expect(parseAcknowledgementCode(text)).toBe(code)
})

describe('a new answer', () => {
  const given = (sequence: number, more: Partial<Acknowledgement> = {}): Acknowledgement => ({
    id: `a${sequence}`,
    auditEvent: 'e1',
    authority: 'E10000007' as AuthorityCode,
    sequence,
    code: 'seen',
    by: 'duty social worker',
    recorded: '2026-05-03T11:00:00.000Z',
    requestId: `r${sequence}`,
    ...more,
  })
  const SEEN = { code: 'seen', by: 'duty social worker', requestId: 'new' } as const
  const ACTING = { ...SEEN, code: 'acting' } as const
  const two = [given(1), given(2, { code: 'acting' })]

  test.each<readonly [string, readonly Acknowledgement[], Parameters<typeof decideAcknowledgement>[1], object]>([
    ['is the first', [], SEEN, { kind: 'new', sequence: 1 }],
    ['takes the place of another', [given(1)], ACTING, { kind: 'new', sequence: 2 }],
    ['of another role takes the place too', [given(1)], { ...SEEN, by: 'manager' }, { kind: 'new', sequence: 2 }],
    ['that says what stands is a repeat', [given(1)], SEEN, { kind: 'repeated', stands: given(1) }],
    ['that says what stood once is new', two, SEEN, { kind: 'new', sequence: 3 }],
    [
      'of an earlier request is a repeat, whatever stands since',
      two,
      { ...SEEN, requestId: 'r1' },
      { kind: 'repeated', stands: given(1) },
    ],
    ['of an earlier request with other content is refused', two, { ...ACTING, requestId: 'r1' }, { kind: 'reused' }],
    [
      'ends somewhere',
      Array.from({ length: MOST_ACKNOWLEDGEMENTS }, (_, nth) => given(nth + 1)),
      ACTING,
      { kind: 'too-many' },
    ],
  ])('%s', (_what, before, sent, decision) => {
    expect(decideAcknowledgement(before, sent)).toEqual(decision)
  })
})
