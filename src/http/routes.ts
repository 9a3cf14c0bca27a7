/** The route table as data (interface.md "REST"): a new interaction is one row here. What it does is its handler's business, who may call it the access table's. Long because it is one table: a row for each route. */
import { DEFINITION_TYPES } from '../auth/access-table.ts'
import { handleAcknowledge } from '../interactions/acknowledge.ts'
import { handleAuditReport } from '../interactions/audit-report.ts'
import { handleReadAudit, handleSearchAudits } from '../interactions/audit-search.ts'
import { handleBirthNotified } from '../interactions/birth-notified.ts'
import { buildCapabilitiesHandler } from '../interactions/capabilities.ts'
import { handleCpisCheck } from '../interactions/cpis-check.ts'
import { handleCreate } from '../interactions/create.ts'
import { buildReadDefinition, buildSearchDefinitions } from '../interactions/definitions.ts'
import { handleDelete } from '../interactions/delete.ts'
import { handleDisclosed } from '../interactions/disclosed.ts'
import { handleHistoryInstance, handleHistoryType } from '../interactions/history.ts'
import type { Handler } from '../interactions/interaction.ts'
import { handleNumberChanged } from '../interactions/number-changed.ts'
import { handlePatch } from '../interactions/patch.ts'
import { handleRead, handleVread } from '../interactions/read.ts'
import { handleReconcile } from '../interactions/reconcile.ts'
import { handleSearch } from '../interactions/search.ts'
import { handleSubscriptionEvents } from '../interactions/subscription-events.ts'
import { handleSubscriptionResend } from '../interactions/subscription-resend.ts'
import { handleSubscriptionStatus } from '../interactions/subscription-status.ts'
import { handleTransaction } from '../interactions/transaction.ts'
import { handleUpdate } from '../interactions/update.ts'
import { handleValidate } from '../interactions/validate.ts'
import { compileRoutes, type FhirRoute, type RouteTable } from './route-table.ts'

const RESOURCE_BYTES = 1024 * 1024
const BUNDLE_BYTES = 10 * 1024 * 1024
const FORM_BYTES = 64 * 1024

const NO_BODY = { body: 'none', maxBytes: 0 } as const
const A_RESOURCE = { body: 'resource', maxBytes: RESOURCE_BYTES } as const
const A_PATCH = { body: 'patch', maxBytes: RESOURCE_BYTES } as const
const A_FORM = { body: 'form', maxBytes: FORM_BYTES } as const

const read = (type: string, handler: Handler): FhirRoute => ({
  method: 'GET',
  path: `${type}/[id]`,
  interaction: 'read',
  type,
  handler,
  ...NO_BODY,
})
const vread = (type: string, handler: Handler): FhirRoute => ({
  method: 'GET',
  path: `${type}/[id]/_history/[vid]`,
  interaction: 'vread',
  type,
  handler,
  ...NO_BODY,
})
const historyOf = (type: string): FhirRoute => ({
  method: 'GET',
  path: `${type}/[id]/_history`,
  interaction: 'history-instance',
  type,
  handler: handleHistoryInstance,
  ...NO_BODY,
})
const search = (type: string, handler: Handler): FhirRoute[] => {
  const row = { interaction: 'search-type', type, handler } as const
  return [
    { method: 'GET', path: type, ...row, ...NO_BODY },
    { method: 'POST', path: `${type}/_search`, ...row, ...A_FORM },
  ]
}
const create = (type: string): FhirRoute => ({
  method: 'POST',
  path: type,
  interaction: 'create',
  type,
  handler: handleCreate,
  ...A_RESOURCE,
})
const update = (type: string): FhirRoute => ({
  method: 'PUT',
  path: `${type}/[id]`,
  interaction: 'update',
  type,
  handler: handleUpdate,
  ...A_RESOURCE,
})
const conditionalUpdate = (type: string): FhirRoute => ({ ...update(type), path: type })
const remove = (type: string): FhirRoute => ({
  method: 'DELETE',
  path: `${type}/[id]`,
  interaction: 'delete',
  type,
  handler: handleDelete,
  ...NO_BODY,
})
const conditionalDelete = (type: string): FhirRoute => ({ ...remove(type), path: type })
const patch = (type: string): FhirRoute => ({
  method: 'PATCH',
  path: `${type}/[id]`,
  interaction: 'patch',
  type,
  handler: handlePatch,
  ...A_PATCH,
})
const conditionalPatch = (type: string): FhirRoute => ({ ...patch(type), path: type })
const historyOfType = (type: string): FhirRoute => ({
  method: 'GET',
  path: `${type}/_history`,
  interaction: 'history-type',
  type,
  handler: handleHistoryType,
  ...NO_BODY,
})
const openToAll = (row: FhirRoute): FhirRoute => ({ ...row, public: true })

/** Looked up when asked: the CapabilityStatement tells of all rows, its own included. */
function allRows(): readonly FhirRoute[] {
  return FHIR_ROUTES
}

const FILED = ['EpisodeOfCare', 'Flag', 'Patient'].flatMap((type) => [
  read(type, handleRead),
  vread(type, handleVread),
  historyOf(type),
  ...search(type, handleSearch),
  create(type),
  update(type),
  conditionalUpdate(type),
  remove(type),
  conditionalDelete(type),
  patch(type),
  conditionalPatch(type),
  historyOfType(type),
])

const onSubscription = (path: string, operation: string, handler: Handler): FhirRoute => ({
  method: 'POST',
  path: `Subscription/${path}$${operation}`,
  interaction: 'operation',
  type: 'Subscription',
  operation,
  handler,
  ...A_RESOURCE,
})
/** What changes nothing is also had by GET (R4 operations.html). */
const alsoByGet = (row: FhirRoute): FhirRoute[] => [row, { ...row, method: 'GET', ...NO_BODY }]

const SUBSCRIPTION = [
  read('Subscription', handleRead),
  vread('Subscription', handleVread),
  ...search('Subscription', handleSearch),
  create('Subscription'),
  update('Subscription'),
  remove('Subscription'),
  ...alsoByGet(onSubscription('', 'status', handleSubscriptionStatus)),
  ...alsoByGet(onSubscription('[id]/', 'status', handleSubscriptionStatus)),
  ...alsoByGet(onSubscription('[id]/', 'events', handleSubscriptionEvents)),
  onSubscription('[id]/', 'resend', handleSubscriptionResend),
]

const ORGANIZATION = [
  read('Organization', handleRead),
  vread('Organization', handleVread),
  ...search('Organization', handleSearch),
  update('Organization'),
]

const AUDIT_EVENT: readonly FhirRoute[] = [
  read('AuditEvent', handleReadAudit),
  ...search('AuditEvent', handleSearchAudits),
  {
    method: 'POST',
    path: 'AuditEvent/[id]/$acknowledge',
    interaction: 'operation',
    type: 'AuditEvent',
    operation: 'acknowledge',
    handler: handleAcknowledge,
    ...A_RESOURCE,
  },
  {
    method: 'GET',
    path: 'AuditEvent/[id]/$disclosed',
    interaction: 'operation',
    type: 'AuditEvent',
    operation: 'disclosed',
    handler: handleDisclosed,
    ...NO_BODY,
  },
  ...alsoByGet({
    method: 'POST',
    path: 'AuditEvent/$report',
    interaction: 'operation',
    type: 'AuditEvent',
    operation: 'report',
    handler: handleAuditReport,
    ...A_RESOURCE,
  }),
]

const CPIS_CHECK: FhirRoute = {
  method: 'POST',
  path: 'Patient/$cpis-check',
  interaction: 'operation',
  type: 'Patient',
  operation: 'cpis-check',
  handler: handleCpisCheck,
  uncompressed: true,
  ...A_RESOURCE,
}

const notice = (operation: string, handler: Handler): FhirRoute => ({
  method: 'POST',
  path: `Patient/$${operation}`,
  interaction: 'operation',
  type: 'Patient',
  operation,
  handler,
  ...A_RESOURCE,
})
const NUMBER_NOTICES: readonly FhirRoute[] = [
  notice('number-changed', handleNumberChanged),
  notice('birth-notified', handleBirthNotified),
]

const VALIDATE_PLAN: FhirRoute = {
  method: 'POST',
  path: 'EpisodeOfCare/$validate',
  interaction: 'operation',
  type: 'EpisodeOfCare',
  operation: 'validate',
  handler: handleValidate,
  ...A_RESOURCE,
}

const VALIDATE_BUNDLE: FhirRoute = {
  ...VALIDATE_PLAN,
  path: 'Bundle/$validate',
  type: 'Bundle',
  body: 'bundle',
  maxBytes: BUNDLE_BYTES,
}

const RECONCILE: FhirRoute = {
  ...VALIDATE_PLAN,
  path: 'EpisodeOfCare/$reconcile',
  operation: 'reconcile',
  handler: handleReconcile,
  body: 'list',
  maxBytes: BUNDLE_BYTES,
}

const SYSTEM: readonly FhirRoute[] = [
  {
    method: 'POST',
    path: '',
    interaction: 'transaction',
    handler: handleTransaction,
    body: 'bundle',
    maxBytes: BUNDLE_BYTES,
  },
  {
    method: 'GET',
    path: 'metadata',
    interaction: 'capabilities',
    handler: buildCapabilitiesHandler(allRows),
    public: true,
    ...NO_BODY,
  },
]

const DEFINITIONS = DEFINITION_TYPES.flatMap((type) =>
  [read(type, buildReadDefinition(allRows)), ...search(type, buildSearchDefinitions(allRows))].map(openToAll),
)

/** Every row below the FHIR base. */
export const FHIR_ROUTES: readonly FhirRoute[] = [
  CPIS_CHECK,
  ...NUMBER_NOTICES,
  VALIDATE_PLAN,
  VALIDATE_BUNDLE,
  RECONCILE,
  ...SYSTEM,
  ...FILED,
  ...SUBSCRIPTION,
  ...ORGANIZATION,
  ...AUDIT_EVENT,
  ...DEFINITIONS,
]

/** The rows, compiled for look-up. */
export const ROUTE_TABLE: RouteTable = compileRoutes(FHIR_ROUTES)
