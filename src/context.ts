/** The collaborators that every room is handed: nothing reaches for a clock, an id, the disk or the network by itself. */
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { GuardedFetch } from './delivery/guarded-fetch.ts'
import type { Profiles } from './fhir/validate.ts'
import type { Keys } from './keys.ts'
import type { Metrics } from './metrics.ts'
import type { Store } from './store/store.ts'

/** The current instant. Sandbox clocks may run from another start (CPIS_SANDBOX_NOW). */
export type Clock = () => Date

export interface Context {
  readonly config: Config
  readonly clock: Clock
  /** A new random UUID. */
  readonly newId: () => string
  readonly log: Logger
  readonly store: Store
  readonly keys: Keys
  readonly profiles: Profiles
  /** The only way out to other hosts. */
  readonly fetch: GuardedFetch
  readonly metrics: Metrics
  /** Wakes the dispatcher of this process after a commit that made events. */
  readonly wakeDelivery: () => void
}
