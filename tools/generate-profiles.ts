/** Writes profiles/: the published contract of the wire. With --check it writes nothing and fails when the folder differs. */

import { AUDIT_PROFILES } from './profiles/audit.ts'
import { EXTENSIONS } from './profiles/extensions.ts'
import { type Generated, writeOrCompare } from './profiles/generated-files.ts'
import { OPERATIONS } from './profiles/operations.ts'
import { ORGANIZATION_PROFILES } from './profiles/organizations.ts'
import { PLAN_PROFILES } from './profiles/plan-and-flag.ts'
import { SEARCH_PARAMETERS } from './profiles/search-parameters.ts'
import { SUBSCRIPTION } from './profiles/subscription.ts'
import { CODE_SYSTEMS, VALUE_SETS } from './profiles/terminology.ts'
import { TOPICS } from './profiles/topics.ts'
import { writeProfile } from './profiles/write-profile.ts'

const profiles = [...PLAN_PROFILES, ...ORGANIZATION_PROFILES, ...AUDIT_PROFILES, SUBSCRIPTION].map(writeProfile)

/** Every file of profiles/, by its name. Pure. */
export function generateProfiles(): Generated {
  const all = [
    ...profiles,
    ...EXTENSIONS,
    ...CODE_SYSTEMS,
    ...VALUE_SETS,
    ...OPERATIONS,
    ...SEARCH_PARAMETERS,
    ...TOPICS,
  ]
  return new Map(all.map((one) => [`${one.resourceType}-${one.id}.json`, `${JSON.stringify(one, null, 2)}\n`] as const))
}

if (import.meta.main) {
  process.exitCode = writeOrCompare('profiles', generateProfiles(), process.argv.includes('--check')) ? 0 : 1
}
