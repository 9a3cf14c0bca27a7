/** What one process tells the others of a user's checks since it last did (docs/decisions/0006). */
import type { Asked } from '../../domain/enumeration.ts'

export interface Sighting {
  readonly userId: string
  /** Checks of every kind, repeated ones too: they count for the limits. */
  readonly checks: number
  readonly asked: readonly Asked[]
  /** Until when the user is stopped, if so; milliseconds by the register's clock. */
  readonly stoppedUntilMs: number
}

/** Sightings out of a message; what is none is passed over: a newer process may say more. Pure. */
export function parseSightings(text: string): readonly Sighting[] {
  const all: unknown = JSON.parse(text)
  return Array.isArray(all) ? all.filter(isSighting) : []
}

function isSighting(value: unknown): value is Sighting {
  if (typeof value !== 'object' || value === null) return false
  const { userId, checks, asked, stoppedUntilMs } = value as Partial<Record<keyof Sighting, unknown>>
  const areNumbers = typeof checks === 'number' && typeof stoppedUntilMs === 'number'
  return typeof userId === 'string' && areNumbers && Array.isArray(asked) && asked.every(isAsked)
}

function isAsked(value: unknown): value is Asked {
  if (typeof value !== 'object' || value === null) return false
  const { position, atMs } = value as Partial<Record<keyof Asked, unknown>>
  return typeof position === 'number' && typeof atMs === 'number'
}
