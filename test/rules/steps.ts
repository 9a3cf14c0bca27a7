/** What may happen to the register, as values that fast-check makes and shrinks. */
import fc from 'fast-check'

export type Step =
  | {
      readonly do: 'child'
      readonly la: number
      readonly number: number | undefined
      readonly born: string | undefined
    }
  | {
      readonly do: 'file'
      readonly la: number
      readonly type: 'CPP' | 'LAC' | 'UCPP'
      readonly about: 'number' | 'child'
      readonly whom: number
      readonly start: number
      readonly end: number | undefined
      readonly due: number | undefined
      readonly how: 'create' | 'conditional update' | 'transaction'
    }
  | { readonly do: 'end'; readonly plan: number; readonly end: number }
  | { readonly do: 'reopen' | 'withdraw' | 'resend' | 'delete'; readonly plan: number }
  | {
      readonly do: 'refile'
      readonly plan: number
      readonly how: 'create' | 'conditional create' | 'conditional update'
    }
  | { readonly do: 'move'; readonly plan: number; readonly start: number }
  | { readonly do: 'nightly'; readonly la: number; readonly number: number }
  | { readonly do: 'number'; readonly child: number; readonly number: number | undefined }
  | { readonly do: 'check'; readonly number: number; readonly scheduled: boolean }
  | { readonly do: 'pass'; readonly days: number }
  | {
      readonly do: 'replace'
      readonly from: number
      readonly to: number
      readonly reason: 'superseded' | 'invalid' | 'correction'
    }
  | { readonly do: 'birth'; readonly mother: number; readonly baby: number }

/** Numbers of one story, few so that what happens meets: the first is a mother's, who may be a child herself. */
export const NUMBERS = 3
export const COUNCILS = 2

const la = fc.nat(COUNCILS - 1)
const number = fc.nat(NUMBERS - 1)
const plan = fc.nat(4)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
/** Days before or after the day on which the story began. */
const end = fc.oneof(fc.integer({ min: -400, max: 300 }), fc.constantFrom(-366, -365, -20, -1, 0, 1, 20))
const start = fc.oneof(fc.integer({ min: -500, max: 60 }), fc.constantFrom(-100, -30, -1, 0, 1, 30))
/** Children who turn 18 within or around the stories. */
const born = fc.constantFrom('2008-02-29', '2008-05-04', '2008-11-20', '2009-07-01', '2012-01-01')

const file = fc.record({
  do: fc.constant('file' as const),
  la,
  type: fc.constantFrom('CPP' as const, 'LAC' as const, 'UCPP' as const),
  about: fc.constantFrom('number' as const, 'number' as const, 'child' as const),
  whom: number,
  start,
  end: maybe(end),
  due: maybe(fc.oneof(fc.integer({ min: -60, max: 120 }), fc.integer({ min: -30, max: -20 }))),
  how: fc.constantFrom('create' as const, 'conditional update' as const, 'transaction' as const),
})
const child = fc.record({ do: fc.constant('child' as const), la, number: maybe(number), born: maybe(born) })
const onPlan = fc.record({
  do: fc.constantFrom('reopen' as const, 'withdraw' as const, 'resend' as const, 'delete' as const),
  plan,
})
const refile = fc.record({
  do: fc.constant('refile' as const),
  plan,
  how: fc.constantFrom('create' as const, 'conditional create' as const, 'conditional update' as const),
})
const replace = fc.record({
  do: fc.constant('replace' as const),
  from: number,
  to: number,
  reason: fc.constantFrom('superseded' as const, 'superseded' as const, 'invalid' as const, 'correction' as const),
})
const birth = fc.record({
  do: fc.constant('birth' as const),
  mother: fc.oneof({ arbitrary: fc.constant(0), weight: 5 }, { arbitrary: number, weight: 1 }),
  baby: number,
})
/** An unborn child's plan on the mother's number. */
const unborn = file.map((step) => ({ ...step, type: 'UCPP' as const, about: 'number' as const, whom: 0 }))
const check = fc.record({ do: fc.constant('check' as const), number, scheduled: fc.boolean() })
const pass = fc.record({
  do: fc.constant('pass' as const),
  days: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 28, 180, 365)),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: file, weight: 6 },
  { arbitrary: unborn, weight: 2 },
  { arbitrary: child, weight: 3 },
  { arbitrary: onPlan, weight: 3 },
  { arbitrary: refile, weight: 2 },
  { arbitrary: replace, weight: 3 },
  { arbitrary: birth, weight: 2 },
  { arbitrary: fc.record({ do: fc.constant('end' as const), plan, end }), weight: 2 },
  { arbitrary: fc.record({ do: fc.constant('move' as const), plan, start }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('nightly' as const), la, number }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('number' as const), child: fc.nat(5), number: maybe(number) }), weight: 3 },
  { arbitrary: check, weight: 5 },
  { arbitrary: pass, weight: 2 },
)

/** Steps that mean something together, and that chance alone would seldom bring together; what comes between and after is chance again. */
const soon = fc.integer({ min: -40, max: 40 })
const bridge = fc
  .record({ la, start: soon, end: maybe(soon), baby: fc.integer({ min: 1, max: NUMBERS - 1 }), own: soon })
  .map(({ la: council, start: from, end: until, baby, own }): readonly Step[] => [
    { do: 'file', la: council, type: 'UCPP', about: 'number', whom: 0, start: -60, end: until, due: 0, how: 'create' },
    { do: 'birth', mother: 0, baby },
    {
      do: 'file',
      la: council,
      type: 'CPP',
      about: 'number',
      whom: baby,
      start: own,
      end: undefined,
      due: undefined,
      how: 'create',
    },
    { do: 'check', number: baby, scheduled: false },
    { do: 'pass', days: Math.max(1, from) },
    { do: 'check', number: baby, scheduled: false },
  ])
const closedUnborn = fc
  .record({ la, due: fc.integer({ min: -32, max: 0 }), days: fc.integer({ min: 1, max: 30 }) })
  .map(({ la: council, due, days }): readonly Step[] => [
    { do: 'file', la: council, type: 'UCPP', about: 'number', whom: 0, start: -200, end: -1, due, how: 'create' },
    { do: 'check', number: 0, scheduled: false },
    { do: 'pass', days },
    { do: 'check', number: 0, scheduled: false },
  ])
const linkedOverlap = fc
  .record({ la, number, end: soon, nth: fc.nat(1) })
  .map(({ la: council, number: of, end: until, nth }): readonly Step[] => [
    {
      do: 'file',
      la: council,
      type: 'LAC',
      about: 'number',
      whom: of,
      start: -90,
      end: undefined,
      due: undefined,
      how: 'create',
    },
    { do: 'child', la: council, number: undefined, born: undefined },
    {
      do: 'file',
      la: council,
      type: 'LAC',
      about: 'child',
      whom: 0,
      start: -50,
      end: undefined,
      due: undefined,
      how: 'create',
    },
    { do: 'number', child: 0, number: of },
    { do: 'end', plan: nth, end: until },
    { do: 'resend', plan: 1 - nth },
  ])

const fragment: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { arbitrary: step.map((one) => [one]), weight: 20 },
  { arbitrary: bridge, weight: 1 },
  { arbitrary: closedUnborn, weight: 1 },
  { arbitrary: linkedOverlap, weight: 1 },
)

/** Whole stories. */
export const stories: fc.Arbitrary<readonly Step[]> = fc
  .array(fragment, { minLength: 1, maxLength: 24, size: 'max' })
  .map((fragments) => fragments.flat())
