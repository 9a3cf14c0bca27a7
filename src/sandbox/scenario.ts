/** The scenario children of the sandbox: for each use of a test number that the rules can express, the plans that make it so on a given day. */
import type { LondonDay, PlanType } from '../domain/brands.ts'
import { addDays } from '../domain/london-day.ts'
import { birthdayBefore } from './birthday.ts'

export interface ScenarioPlan {
  readonly type: PlanType
  readonly start: string
  readonly end?: string
  readonly legalBasis?: 's20' | 's31' | 's38'
  readonly expectedDelivery?: string
  readonly withdrawn?: boolean
}

/** One child (for an unborn one its mother) as one authority knows it. */
export interface ScenarioChild {
  /** What the number shows, in the words of the list of test numbers. */
  readonly use: string
  readonly nhsNumber: string
  /** GSS code and name of the authority. */
  readonly authority: string
  readonly given: string
  readonly family: string
  readonly birthDate: string
  readonly plans: readonly ScenarioPlan[]
}

const SHEFFIELD = 'E08000019'
const ROTHERHAM = 'E08000018'
const LEEDS = 'E08000035'
const LIVERPOOL = 'E08000012'
const MANCHESTER = 'E08000003'
const OXFORDSHIRE = 'E10000025'
const NOTTINGHAM = 'E06000018'
const NOTTINGHAMSHIRE = 'E10000024'
const KENT = 'E10000016'
const LAMBETH = 'E09000022'

/** The children, with dates seen from `today`. Numbers whose use needs a later event (a birth, a replaced number) have only the plan that such an event finds. Pure. */
export function buildScenario(today: LondonDay): ScenarioChild[] {
  const day = (days: number): LondonDay => addDays(today, days)
  const turns = (years: number, inDays = 0): string =>
    birthdayBefore(day(inDays), years, inDays > 0 ? 'later' : 'earlier')
  const cpp = (start: number, end?: number): ScenarioPlan => ({
    type: 'CPP',
    start: day(start),
    ...(end === undefined ? {} : { end: day(end) }),
  })
  const lac = (start: number, legalBasis: 's20' | 's31' | 's38'): ScenarioPlan => ({
    type: 'LAC',
    start: day(start),
    legalBasis,
  })
  const unborn = (start: number, due: number): ScenarioPlan => ({
    type: 'UCPP',
    start: day(start),
    expectedDelivery: day(due),
  })
  return [
    child('child on an open plan, one authority', '9995973952', SHEFFIELD, 'Ada Example', turns(6, 80), [cpp(-200)]),
    child('looked-after child', '9995294524', LEEDS, 'Ben Sample', turns(11, 40), [lac(-400, 's31')]),
    child('child on a plan and looked after, one authority', '9992495146', MANCHESTER, 'Cara Pretend', turns(9, 12), [
      cpp(-300),
      lac(-90, 's38'),
    ]),
    child('child known to two authorities', '9996568814', SHEFFIELD, 'Dev Madeup', turns(4, 100), [cpp(-150)]),
    child('child known to two authorities', '9996568814', ROTHERHAM, 'Dev Madeup', turns(4, 100), [lac(-30, 's20')]),
    child('pregnant woman with an unborn child plan', '9994033018', OXFORDSHIRE, 'Ella Fictional', turns(27), [
      unborn(-40, 60),
    ]),
    child('child whose plan ended 100 days ago', '9996470911', LIVERPOOL, 'Finn Sandbox', turns(7, 5), [
      cpp(-500, -100),
    ]),
    child('child whose plan ended 365 days ago', '9990654352', LIVERPOOL, 'Gia Sandbox', turns(8, 9), [
      cpp(-700, -365),
    ]),
    child('child whose plan ended 366 days ago', '9996585131', LIVERPOOL, 'Hal Sandbox', turns(9, 3), [
      cpp(-700, -366),
    ]),
    child('child with a future plan', '9994055313', LEEDS, 'Ivy Sample', turns(2, 30), [cpp(14)]),
    child('child with a withdrawn plan', '9998432405', LEEDS, 'Jon Sample', turns(5, 50), [
      { ...cpp(-60), withdrawn: true },
    ]),
    child('child turning 18 tomorrow', '9990183449', KENT, 'Kim Invented', turns(18, 1), [lac(-900, 's20')]),
    child('child turned 18 today', '9991795944', KENT, 'Lou Invented', turns(18), [lac(-900, 's20')]),
    child('child whose number was replaced: old number', '9994579657', KENT, 'Max Invented', turns(10, 70), [
      cpp(-120),
    ]),
    child('adopted child: old number, no replacement', '9995161435', KENT, 'Nia Invented', turns(3, 20), [
      lac(-250, 's31'),
    ]),
    child('child with many accesses', '9992378603', SHEFFIELD, 'Oki Example', turns(13, 10), [cpp(-350)]),
    child('mother who is herself looked after', '9995539772', LAMBETH, 'Pia Imagined', turns(17, 60), [
      lac(-600, 's31'),
      unborn(-20, 90),
    ]),
    child('child moving between authorities', '9997382455', NOTTINGHAM, 'Quin Unreal', turns(6, 33), [cpp(-380, -10)]),
    child('child moving between authorities', '9997382455', NOTTINGHAMSHIRE, 'Quin Unreal', turns(6, 33), [cpp(-10)]),
  ]
}

function child(
  use: string,
  nhsNumber: string,
  authority: string,
  name: string,
  birthDate: string,
  plans: readonly ScenarioPlan[],
): ScenarioChild {
  const [given = '', family = ''] = name.split(' ')
  return { use, nhsNumber, authority, given, family, birthDate, plans }
}
