/** Numbers that the sandbox seeds: a check of one of them is no miss. */

import { londonDayOf } from '../src/domain/london-day.ts'
import { buildScenario } from '../src/sandbox/scenario.ts'

export const SCENARIO_NUMBERS: readonly string[] = buildScenario(londonDayOf(new Date())).map((one) => one.nhsNumber)
