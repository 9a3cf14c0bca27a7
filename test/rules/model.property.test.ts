/**
 * Property: after every step of any story, what the NHS sees under each number, who is told and what is kept private are as the paper has it
 * (P1 to P3, R2 to R8, R13 to R16, R18 to R20, R23 to R25). MODEL_STORIES sets how many stories are played (30; try 2000 over night),
 * MODEL_SEED and MODEL_PATH repeat one that failed: fast-check prints both.
 */
import { env } from 'node:process'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { openRulesWorld, type RulesWorld } from '../support/rules-world.ts'
import { stories } from './steps.ts'
import { playStory } from './story.ts'

let world: RulesWorld
beforeAll(async () => {
  world = await openRulesWorld()
})
afterAll(() => world.close())

const numRuns = Number(env['MODEL_STORIES'] ?? 30)

test(
  'P1 P2 P3 what the NHS sees equals the model after every step, nothing private is shown, exactly the right councils are told',
  async () => {
    const sum = { taken: 0, refused: 0 }
    const property = fc.asyncProperty(stories, async (steps) => {
      const { taken, refused } = await playStory(world, steps)
      sum.taken += taken
      sum.refused += refused
    })
    await fc.assert(property, {
      numRuns,
      ...(env['MODEL_SEED'] === undefined ? {} : { seed: Number(env['MODEL_SEED']) }),
      ...(env['MODEL_PATH'] === undefined ? {} : { path: env['MODEL_PATH'] }),
    })
    // a model that is never tried shows nothing
    expect(sum.taken).toBeGreaterThan(numRuns)
    expect(sum.refused).toBeGreaterThan(numRuns / 10)
  },
  Math.max(120_000, numRuns * 20_000),
)
