/** The course of the faults: which, in what order, and how long until checks are answered after each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { buildRandom, type Random } from '../../../bench/random.ts'
import { FAULTS, type Scene } from './faults.ts'
import type { FaultsOptions } from './options.ts'
import type { Recorder } from './recorder.ts'

const MOST_CALM_MS = 1_500
const RECOVERY_PATIENCE_MS = 60_000

/** Who asks all the time whether checks are answered. */
export interface Answered {
  /** A check was answered. */
  note(invokedAt: number, completedAt: number): void
  /** When the first check was answered that began after an instant; undefined within patience. */
  after(instant: number): Promise<number | undefined>
}

/** Remembers every answer, so that the first after an instant can be found. */
export function buildAnswered(): Answered {
  const answers: { invokedAt: number; completedAt: number }[] = []
  return {
    note: (invokedAt, completedAt) => void answers.push({ invokedAt, completedAt }),
    async after(instant) {
      while (performance.now() < instant + RECOVERY_PATIENCE_MS) {
        const found = answers.find((one) => one.invokedAt >= instant)
        if (found !== undefined) return found.completedAt
        await sleep(10)
      }
      return undefined
    },
  }
}

interface Breaking {
  readonly options: FaultsOptions
  readonly recorder: Recorder
  readonly say: (line: string) => void
  readonly answered: Answered
  readonly scene: Omit<Scene, 'random'>
}

/** All faults in an order of the seed's, then again in another, until the time or the operations are up; each is healed and recovered from before the next. */
export async function breakThings({ options, recorder, say, answered, scene }: Breaking): Promise<void> {
  const random = buildRandom(options.seed + 2)
  const endsAt = performance.now() + options.seconds * 1000
  const isUp = (): boolean => performance.now() > endsAt || recorder.operations.length > options.operations
  for (let round = 1; round === 1 || !isUp(); round += 1) {
    for (const name of shuffle(options.faults, random)) {
      if (round > 1 && isUp()) return
      await sleep(300 + random.below(MOST_CALM_MS))
      const startedAt = performance.now()
      let healedAt: number | undefined
      const words = await FAULTS[name]({ ...scene, random }, () => {
        healedAt = performance.now()
      })
      const healed = healedAt ?? performance.now()
      const recoveredAt = await answered.after(healed)
      recorder.noteFault({
        name,
        words,
        startedAt,
        healedAt: healed,
        ...(recoveredAt === undefined ? {} : { recoveredAt }),
      })
      say(
        `${name}: ${words}; checks answered ${recoveredAt === undefined ? 'NOT' : `${Math.round(recoveredAt - healed)} ms`} after healing`,
      )
    }
  }
}

function shuffle<T>(from: readonly T[], random: Random): readonly T[] {
  return from
    .map((one) => ({ one, at: random.fraction() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}
