/** How the lanes stand, as metrics by authority (delivery.md "Recovery": waiting, oldest, delivered, failed by LA). Every process sets them from the same database. */
import type { Metrics } from '../metrics.ts'
import type { Lane } from '../store/delivery-store.ts'

/** Sets the gauges anew; an authority without lanes has none. What a deleted Subscription left behind waits for nobody. */
export function setLaneGauges(metrics: Metrics, lanes: readonly Lane[], now: Date): void {
  const { deliveriesWaiting, deliveriesOldest, lanesInError, lanesPaused } = metrics
  for (const gauge of [deliveriesWaiting, deliveriesOldest, lanesInError, lanesPaused]) gauge.reset()
  const live = lanes.filter(({ halted }) => halted !== 'deleted')
  for (const [authority, own] of Map.groupBy(live, (lane) => lane.authority)) {
    deliveriesWaiting.set({ authority }, sum(own.map((lane) => lane.lastNumber - lane.deliveredThrough)))
    deliveriesOldest.set({ authority }, Math.max(0, ...own.map((lane) => ageOf(lane, now))))
    lanesInError.set({ authority }, own.filter(({ halted }) => halted === 'error').length)
    lanesPaused.set({ authority }, own.filter(({ paused }) => paused).length)
  }
}

/** Seconds that its oldest event has waited; what its owner turned off waits on purpose. */
function ageOf({ halted, oldestWaitingAt }: Lane, now: Date): number {
  if (oldestWaitingAt === undefined || halted === 'off') return 0
  return (now.getTime() - Date.parse(oldestWaitingAt)) / 1_000
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((so, one) => so + one, 0)
}
