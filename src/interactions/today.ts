/** The London day of an instant (P5), for the room that reads the clock. */
export { londonDayOf as todayAt } from '../domain/london-day.ts'
