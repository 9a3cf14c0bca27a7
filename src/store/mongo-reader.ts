/** The Reader of the store's contract, inside a transaction or outside. */
import type { ChildKey } from '../domain/brands.ts'
import type { DirectoryCache } from './directory-cache.ts'
import { findAccesses } from './mongo-accesses.ts'
import { findAcknowledgements } from './mongo-acknowledgements.ts'
import { sumHours, sumUsage } from './mongo-audit-usage.ts'
import { countAudits, findAlerts, findAudits } from './mongo-audits.ts'
import { findPlansToTell, findTurningPlans } from './mongo-day-work.ts'
import { findNotices } from './mongo-numbers.ts'
import { findPlansOfChild } from './mongo-plans.ts'
import { findBundleReply } from './mongo-replies.ts'
import { allSubscriptions, ownRows, publicOrganizations } from './mongo-rows.ts'
import type { Scope } from './scope.ts'
import type { Reader } from './store.ts'

/** No I/O by itself. */
export function buildReader(scope: Scope, directory: DirectoryCache): Reader {
  return {
    of: (owner, type) => ownRows(scope, type, owner),
    organizations: publicOrganizations(scope),
    subscriptions: allSubscriptions(scope),
    authorities: directory.authorities,
    site: directory.site,
    plansOfChild: (nhsNumber) => findPlansOfChild(scope, nhsNumber),
    numberNotices: (numbers) => findNotices(scope, numbers),
    childKey: (nhsNumber) => scope.crypto.subjectKey(nhsNumber) as string as ChildKey,
    turningPlans: (today, page) => findTurningPlans(scope, today, page),
    plansToTell: (what, today, page) => findPlansToTell(scope, { what, today }, page),
    accesses: (childKey, options) => findAccesses(scope, childKey, options),
    audits: (query) => findAudits(scope, query),
    countAudits: (query) => countAudits(scope, query),
    usage: (query) => sumUsage(scope, query),
    usageByHour: (query) => sumHours(scope, query),
    alerts: (query) => findAlerts(scope, query),
    acknowledgements: (authority, auditEvents) => findAcknowledgements(scope, authority, auditEvents),
    bundleReply: (owner, identifier) => findBundleReply(scope, owner, identifier),
  }
}
