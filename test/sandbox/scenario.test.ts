import { describe, expect, test } from '@jest/globals'
import type { AuthorityCode, LondonDay, NhsNumber, ResourceId } from '../../src/domain/brands.ts'
import { parseNhsNumber } from '../../src/domain/nhs-number.ts'
import type { PlanFacts } from '../../src/domain/plan.ts'
import { isOpen, isVisible } from '../../src/domain/visibility.ts'
import { birthdayBefore } from '../../src/sandbox/birthday.ts'
import { findLocalAuthority } from '../../src/sandbox/organizations.ts'
import { buildScenario, type ScenarioChild, type ScenarioPlan } from '../../src/sandbox/scenario.ts'

const DAYS = ['2026-05-03', '2026-11-24', '2028-02-28', '2028-02-29', '2029-03-01'] as LondonDay[]

function factsOf(child: ScenarioChild, plan: ScenarioPlan): PlanFacts {
  return {
    id: 'plan' as ResourceId,
    version: 1,
    flagId: 'flag' as ResourceId,
    owner: child.authority as AuthorityCode,
    type: plan.type,
    start: plan.start as LondonDay,
    ...(plan.end === undefined ? {} : { end: plan.end as LondonDay }),
    withdrawn: plan.withdrawn === true,
    nhsNumber: child.nhsNumber as NhsNumber,
    birthDate: child.birthDate,
  }
}

function visiblePlans(nhsNumber: string, today: LondonDay): PlanFacts[] {
  return buildScenario(today)
    .filter((child) => child.nhsNumber === nhsNumber)
    .flatMap((child) => child.plans.map((plan) => factsOf(child, plan)))
    .filter((plan) => isVisible(plan, today))
}

describe.each(DAYS)('the scenario on %s', (today) => {
  test.each([
    ['9995973952', ['CPP open']],
    ['9995294524', ['LAC open']],
    ['9992495146', ['CPP open', 'LAC open']],
    ['9996568814', ['CPP open', 'LAC open']],
    ['9994033018', ['UCPP open']],
    ['9996470911', ['CPP closed']],
    ['9990654352', ['CPP closed']],
    ['9996585131', []],
    ['9994055313', []],
    ['9998432405', []],
    ['9990183449', ['LAC open']],
    ['9991795944', []],
    ['9994579657', ['CPP open']],
    ['9995161435', ['LAC open']],
    ['9992378603', ['CPP open']],
    ['9995539772', ['LAC open', 'UCPP open']],
    ['9997382455', ['CPP closed', 'CPP open']],
    ['9996621235', []],
    ['9997007336', []],
  ])('shows under %s: %j', (nhsNumber, expected) => {
    const shown = visiblePlans(nhsNumber, today).map(
      (plan) => `${plan.type} ${isOpen(plan, today) ? 'open' : 'closed'}`,
    )
    expect(shown.sort()).toEqual(expected)
  })

  test('R1 has only numbers of the test range, with right check digits', () => {
    for (const child of buildScenario(today)) {
      expect(parseNhsNumber(child.nhsNumber, 'test')).toMatchObject({ nhsNumber: child.nhsNumber })
    }
  })

  test('names only authorities that there are', () => {
    for (const child of buildScenario(today)) expect(findLocalAuthority(child.authority)?.gss).toBe(child.authority)
  })
})

test.each([
  ['2026-11-24', 18, 'earlier', '2008-11-24'],
  ['2028-02-29', 18, 'earlier', '2010-02-28'],
  ['2028-02-29', 18, 'later', '2010-03-01'],
  ['2028-02-29', 16, 'earlier', '2012-02-29'],
] as const)('who becomes %s years old on %s was born on %s', (day, years, missing, born) => {
  expect(birthdayBefore(day as LondonDay, years, missing)).toBe(born)
})
