/** What all who take part in a run share. */
import type { Random } from '../../../bench/random.ts'
import type { Caller } from './caller.ts'
import type { Recorder } from './recorder.ts'

export interface World {
  readonly caller: Caller
  readonly recorder: Recorder
  /** Children that are filed at some time; checkers ask for them. */
  readonly children: readonly string[]
  /** Numbers that nobody ever files. */
  readonly strangers: readonly string[]
  /** No new operation begins any more; what is unknown is still found out. */
  isOver(): boolean
}

/** One who takes part: decides by a row of random numbers of its own, so that a seed repeats the decisions. */
export interface Part {
  readonly world: World
  readonly name: string
  readonly random: Random
}

/** A pause before one tries again, as Retry-After asks, but shorter: trouble is what is looked for. */
export const AGAIN_MS = 250
