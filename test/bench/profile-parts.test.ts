/** A CPU profile as a table of parts. */
import { expect, test } from '@jest/globals'
import { type CpuProfile, partsOf, partsTable } from '../../bench/profile-parts.ts'

const node = (id: number, functionName: string, url: string, children: readonly number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
})

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 4, 5, 6, 9]),
    node(2, '(idle)', ''),
    node(3, '(garbage collector)', ''),
    node(4, 'handleCpisCheck', 'file:///x/src/interactions/cpis-check.ts', [7, 8]),
    node(5, 'writev', ''),
    node(6, 'serialize', 'file:///x/node_modules/bson/lib/bson.node.mjs'),
    node(7, 'digest', ''),
    node(8, 'Hmac', 'node:internal/crypto/hash', [10]),
    node(9, 'wait4', ''),
    node(10, 'update', ''),
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9, 10],
  timeDeltas: [1_000, 10, 20, 30, 40, 5, 6, 7, 8],
}

test('time is told by room and library, idle time left out, native functions with their callers', () => {
  expect(Object.fromEntries(partsOf(PROFILE))).toEqual({
    'garbage collection': 10,
    'ours: interactions': 25,
    'socket writes': 30,
    'driver and BSON': 40,
    'crypto of node': 14,
    'native, called by nothing of JavaScript': 7,
  })
})

test('two profiles stand side by side, the largest part of the second first', () => {
  const before = new Map([
    ['socket writes', 75],
    ['ours: http', 25],
  ])
  const after = new Map([
    ['socket writes', 50],
    ['driver and BSON', 100],
    ['ours: http', 50],
  ])
  expect(
    partsTable([
      ['before', before],
      ['after', after],
    ]).split('\n'),
  ).toEqual([
    '| part | before | after |',
    '| --- | --- | --- |',
    '| driver and BSON | 0.0 % | 50.0 % |',
    '| socket writes | 75.0 % | 25.0 % |',
    '| ours: http | 25.0 % | 25.0 % |',
    '| our code in all | 25.0 % | 25.0 % |',
    '| busy seconds | 0.0 | 0.0 |',
  ])
})
