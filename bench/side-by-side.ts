/** Parts of a round take turns by the second, so that what else the machine does falls on all of them. */
import { buildRound, type Round, type Sample } from './latencies.ts'

const SLICE_SECONDS = 1

/** `parts` each run for the seconds they are given; every one of them gets `seconds` in all. */
export async function measureSideBySide<Name extends string>(
  parts: Readonly<Record<Name, (seconds: number) => Promise<Sample>>>,
  seconds: number,
): Promise<Readonly<Record<Name, Round>>> {
  const names = Object.keys(parts) as Name[]
  const samples = new Map<Name, Sample[]>(names.map((name) => [name, []]))
  const slice = Math.min(SLICE_SECONDS, seconds)
  for (let done = 0; done < seconds; done += slice) {
    for (const name of names) samples.get(name)?.push(await parts[name](slice))
  }
  const rounds = names.map((name) => [name, buildRound(samples.get(name) ?? [])] as const)
  return Object.fromEntries(rounds) as Record<Name, Round>
}
