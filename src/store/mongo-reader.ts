/** The Reader of the store's contract, inside a transaction or outside. */
import type { DirectoryCache } from './directory-cache.ts'
import { findAccesses } from './mongo-accesses.ts'
import { countAudits, findAudits } from './mongo-audits.ts'
import { findPlansToTell, findTurningPlans } from './mongo-day-work.ts'
import { findPlansOfChild } from './mongo-plans.ts'
import { findBundleReply } from './mongo-replies.ts'
import { ownRows, publicOrganizations } from './mongo-rows.ts'
import type { Scope } from './scope.ts'
import type { Reader } from './store.ts'

/** No I/O by itself. */
export function buildReader(scope: Scope, directory: DirectoryCache): Reader {
  return {
    of: (owner, type) => ownRows(scope, type, owner),
    organizations: publicOrganizations(scope),
    authorities: directory.authorities,
    site: directory.site,
    plansOfChild: (nhsNumber) => findPlansOfChild(scope, nhsNumber),
    turningPlans: (today, limit) => findTurningPlans(scope, today, limit),
    plansToTell: (what, today, limit) => findPlansToTell(scope, what, { today, limit }),
    accesses: (childKey, options) => findAccesses(scope, childKey, options),
    audits: (query) => findAudits(scope, query),
    countAudits: (query) => countAudits(scope, query),
    bundleReply: (owner, identifier) => findBundleReply(scope, owner, identifier),
  }
}
