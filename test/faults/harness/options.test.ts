/** Arguments of `npm run faults`. */
import { expect, test } from '@jest/globals'
import { FAULT_NAMES } from './faults.ts'
import { parseOptions } from './options.ts'

const parse = (...args: string[]) => parseOptions(args, () => 7)

test.each([
  [['--topology', 'set5'], 'topology'],
  [['--faults', 'cut,earthquake'], 'earthquake'],
  [['--seed', 'x'], 'seed'],
  [['--duration', '-1'], 'duration'],
  [['--workers', '0'], 'workers'],
  [['--loud'], 'loud'],
])('%j is refused, by its name', (args, name) => {
  expect(() => parse(...args)).toThrow(name)
})

test('without any: all faults, the embedded database, a new seed', () => {
  expect(parse()).toMatchObject({ seed: 7, topology: 'embedded', faults: FAULT_NAMES, seconds: 60, longestMs: 15_000 })
})

test('the short form leaves out what takes long or needs root, unless it is named', () => {
  const short = parse('--short', '--seed', '3')
  expect(short).toMatchObject({ seed: 3, seconds: 1, longestMs: 2_000 })
  expect(FAULT_NAMES.filter((one) => !short.faults.includes(one))).toEqual(['delay', 'disk-full', 'clock'])
  expect(parse('--short', '--faults', 'clock').faults).toEqual(['clock'])
})
