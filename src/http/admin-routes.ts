/** Routes of the administrator beside FHIR (interface.md "Outside FHIR"), as data: plain JSON, with the same tokens, policy and audit as every FHIR row. */
import { handleAlerts } from '../interactions/alerts.ts'
import {
  handleListClients,
  handleRestoreClient,
  handleRevokeClient,
  handleRevokeToken,
} from '../interactions/clients.ts'
import { handleDeadLetters } from '../interactions/dead-letters.ts'
import { handlePauseLane, handleResendLane, handleResumeLane } from '../interactions/lane-orders.ts'
import { handleListLanes, handleReleaseLane, handleReleaseLanes } from '../interactions/lanes.ts'
import { handleLoadDirectory } from '../interactions/load-directory.ts'
import type { Exchange } from './exchange.ts'
import { compileRoutes, type FhirRoute, type RoutePath } from './route-table.ts'
import { matchPath } from './take-route.ts'
import type { Target } from './target.ts'

const PREFIX = '/admin/'
const ROW = { interaction: 'operation', body: 'none', maxBytes: 0 } as const
const ORDER = { ...ROW, method: 'POST', type: 'Subscription' } as const
const RELEASE = { ...ORDER, operation: 'release' } as const

const VIEW = { ...ROW, method: 'GET', type: 'admin' } as const

/** As much as a Bundle may have (security.md "Abuse and bad input"). */
const LOAD = { ...VIEW, method: 'POST', body: 'list', maxBytes: 10 * 1024 * 1024 } as const

/** Rows below /admin. */
export const ADMIN_ROUTES: readonly FhirRoute[] = [
  { ...ROW, method: 'GET', path: 'lanes', type: 'admin', operation: 'lanes', handler: handleListLanes },
  { ...VIEW, path: 'alerts', operation: 'alerts', handler: handleAlerts },
  { ...VIEW, path: 'dead-letters', operation: 'dead-letters', handler: handleDeadLetters },
  { ...LOAD, path: 'directory', operation: 'load-directory', handler: handleLoadDirectory },
  { ...VIEW, path: 'clients', operation: 'clients', handler: handleListClients },
  { ...VIEW, method: 'POST', path: 'clients/[id]/revoke', operation: 'revoke-client', handler: handleRevokeClient },
  { ...VIEW, method: 'POST', path: 'clients/[id]/restore', operation: 'restore-client', handler: handleRestoreClient },
  { ...VIEW, method: 'POST', path: 'tokens/[id]/revoke', operation: 'revoke-token', handler: handleRevokeToken },
  { ...RELEASE, path: 'lanes/release', handler: handleReleaseLanes },
  { ...RELEASE, path: 'lanes/[id]/release', handler: handleReleaseLane },
  { ...ORDER, operation: 'pause', path: 'lanes/[id]/pause', handler: handlePauseLane },
  { ...ORDER, operation: 'resume', path: 'lanes/[id]/resume', handler: handleResumeLane },
  { ...ORDER, operation: 'resend-lane', path: 'lanes/[id]/resend', handler: handleResendLane },
]

/** Ids of clients too (registered-clients.ts). */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const ADMIN_TABLE = compileRoutes(ADMIN_ROUTES, ID)

/** Whether an address is of the administrator's routes. Pure. */
export function isAdminTarget({ path }: Target): boolean {
  return path.startsWith(PREFIX)
}

/** As matchPath, below /admin; refusals are audited as those below the FHIR base are. */
export function matchAdminPath(exchange: Exchange, target: Target): RoutePath | undefined {
  exchange.isFhir = true
  const segments = target.path.slice(PREFIX.length).split('/')
  const path = matchPath(exchange, ADMIN_TABLE, { ...target, segments })
  if (path !== undefined) exchange.template = `admin/${path.template}`
  return path
}
