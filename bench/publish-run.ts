/** A run from its arena to its tables: what every measurement has around it. */
import { type Arena, type ArenaOptions, openArena } from './arena.ts'
import type { BenchOptions } from './options.ts'
import { describeMachine, publish, type Table } from './report.ts'

export interface Measured {
  readonly tables: readonly Table[]
  readonly figures: object
}

/** Opens an arena, measures in it, publishes under `name`, and leaves nothing behind. */
export async function runInArena(
  name: string,
  options: BenchOptions,
  measure: (arena: Arena) => Promise<Measured>,
  arenaOptions: ArenaOptions = {},
): Promise<void> {
  const arena = await openArena(options.profileFolder, arenaOptions)
  try {
    const machine = describeMachine(arena.mongodVersion)
    const { tables, figures } = await measure(arena)
    const { command, seed } = options
    const { mongodVersion } = arena
    publish({ name, command, mongodVersion, tables, figures: { seed, ...figures } }, machine, options.inReadme)
  } finally {
    await arena.close()
  }
}
