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
  readonly deliveriesWaiting: Gauge<'authority'>
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
    deliveriesWaiting: new Gauge({
      name: 'cpis_deliveries_waiting',
      help: 'Notifications waiting',
      labelNames: ['authority'],
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
