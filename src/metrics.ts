/** Prometheus metrics (prom-client), labelled by route template, status and authority only: never by anything of a patient. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  readonly requests: Histogram<'route' | 'status'>
  /** Requests that were refused before they could be audited one by one (401, 429, overload). */
  readonly refusedUnaudited: Counter<'reason'>
  /** What an administrator must look at: numbers in sequence, unusual misses. */
  readonly alerts: Counter<'alert'>
  readonly eventsUndeliverable: Counter<'topic'>
  readonly deliveries: Counter<'authority' | 'result'>
  /** From an event to the answer of the endpoint that took it, waits and repeats included; what was asked for once more is not counted. */
  readonly deliveredAfter: Histogram<'authority'>
  readonly deliveriesWaiting: Gauge<'authority'>
  /** Seconds since the oldest event that waits occurred; 0 when none does. */
  readonly deliveriesOldest: Gauge<'authority'>
  readonly lanesInError: Gauge<'authority'>
  readonly lanesPaused: Gauge<'authority'>
  /** Answers of authorities to accesses, by outcome. */
  readonly acknowledgements: Counter<'authority' | 'code'>
  /** From an access to the first answer of an authority. */
  readonly acknowledgedAfter: Histogram<'authority'>
  /** Audit records that this process closed under a seal. */
  readonly auditSealed: Counter
  /** Instant up to which this process knows all audit records to be sealed, Unix seconds; 0 until it knows. */
  readonly auditSealedThrough: Gauge
  /** Rounds of sealing that failed, the second place not written to, or seals found to be cut off or rewritten. */
  readonly auditSealFaults: Counter
  /** Records sealed again after a rotation of the data key. */
  readonly resealed: Counter
  /** Records that the pass under way has still to look at, about; 0 when none is. */
  readonly resealWaiting: Gauge
}

/** A registry of its own for each server, so that several can live in one process. */
export function buildMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    requests: new Histogram({
      name: 'cpis_request_seconds',
      help: 'Time to answer',
      labelNames: ['route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    refusedUnaudited: new Counter({
      name: 'cpis_refused_unaudited_total',
      help: 'Refused without an audit record of its own',
      labelNames: ['reason'],
      registers,
    }),
    alerts: new Counter({
      name: 'cpis_alerts_total',
      help: 'What an administrator must look at, by AuditEvent subtype',
      labelNames: ['alert'],
      registers,
    }),
    eventsUndeliverable: new Counter({
      name: 'cpis_events_undeliverable_total',
      help: 'Events that no Subscription wants',
      labelNames: ['topic'],
      registers,
    }),
    deliveries: new Counter({
      name: 'cpis_deliveries_total',
      help: 'Delivery attempts by result',
      labelNames: ['authority', 'result'],
      registers,
    }),
    deliveredAfter: new Histogram({
      name: 'cpis_delivered_after_seconds',
      help: 'Time from an event to the endpoint having taken its notification',
      labelNames: ['authority'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300, 3_600, 86_400, 259_200],
      registers,
    }),
    deliveriesWaiting: new Gauge({
      name: 'cpis_deliveries_waiting',
      help: 'Notifications waiting',
      labelNames: ['authority'],
      registers,
    }),
    deliveriesOldest: new Gauge({
      name: 'cpis_deliveries_oldest_seconds',
      help: 'How long the oldest notification has waited',
      labelNames: ['authority'],
      registers,
    }),
    lanesInError: new Gauge({
      name: 'cpis_lanes_in_error',
      help: 'Subscriptions in error: their authority is not told',
      labelNames: ['authority'],
      registers,
    }),
    lanesPaused: new Gauge({
      name: 'cpis_lanes_paused',
      help: 'Lanes paused by an administrator',
      labelNames: ['authority'],
      registers,
    }),
    acknowledgements: new Counter({
      name: 'cpis_acknowledgements_total',
      help: 'Answers of authorities to accesses, by outcome',
      labelNames: ['authority', 'code'],
      registers,
    }),
    acknowledgedAfter: new Histogram({
      name: 'cpis_acknowledged_after_seconds',
      help: 'Time from an access to the first answer of an authority',
      labelNames: ['authority'],
      buckets: [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 259_200],
      registers,
    }),
    auditSealed: new Counter({
      name: 'cpis_audit_sealed_total',
      help: 'Audit records closed under a seal',
      registers,
    }),
    auditSealedThrough: new Gauge({
      name: 'cpis_audit_sealed_through_seconds',
      help: 'Unix time up to which all audit records are known to be sealed',
      registers,
    }),
    auditSealFaults: new Counter({
      name: 'cpis_audit_seal_faults_total',
      help: 'Failed rounds of sealing, the second place not written to, seals cut off or rewritten',
      registers,
    }),
    resealed: new Counter({
      name: 'cpis_resealed_total',
      help: 'Records sealed again with the first data key',
      registers,
    }),
    resealWaiting: new Gauge({
      name: 'cpis_reseal_waiting',
      help: 'Records that sealing again has still to look at',
      registers,
    }),
  }
}
