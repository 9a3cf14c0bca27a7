/** Routes of the administrator beside FHIR (interface.md "Outside FHIR"), as data: plain JSON, with the same tokens, policy and audit as every FHIR row. */
import { handleListLanes, handleReleaseLane, handleReleaseLanes } from '../interactions/lanes.ts'
import type { Exchange } from './exchange.ts'
import { compileRoutes, type FhirRoute, type RoutePath } from './route-table.ts'
import { matchPath } from './take-route.ts'
import type { Target } from './target.ts'

const PREFIX = '/admin/'
const ROW = { interaction: 'operation', body: 'none', maxBytes: 0 } as const
const RELEASE = { ...ROW, method: 'POST', type: 'Subscription', operation: 'release' } as const

/** Rows below /admin. */
export const ADMIN_ROUTES: readonly FhirRoute[] = [
  { ...ROW, method: 'GET', path: 'lanes', type: 'admin', operation: 'lanes', handler: handleListLanes },
  { ...RELEASE, path: 'lanes/release', handler: handleReleaseLanes },
  { ...RELEASE, path: 'lanes/[id]/release', handler: handleReleaseLane },
]

const ADMIN_TABLE = compileRoutes(ADMIN_ROUTES)

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
