/** JSON Patch that would hang, blow up or break the server is refused with its place (RFC 6902; security.md "Abuse and bad input"). */
import { describe, expect, test } from '@jest/globals'
import type { Patient } from '@medplum/fhirtypes'
import { measureJson } from '../../src/fhir/json-measure.ts'
import { applyJsonPatch } from '../../src/fhir/patch.ts'

const child: Patient = {
  resourceType: 'Patient',
  id: 'one',
  active: true,
  identifier: [{ system: 'urn:a', value: '1' }],
  name: [{ family: 'Example', given: ['Ada', 'May'] }],
}

function codeOf(patch: unknown): string | undefined {
  const done = applyJsonPatch(child, patch)
  return 'issue' in done ? `${done.issue.code} ${done.issue.expression ?? ''}`.trim() : undefined
}

function after(patch: unknown): unknown {
  const done = applyJsonPatch(child, patch)
  if ('issue' in done) throw new Error(done.issue.code)
  return done.resource
}

/** `{a: {a: … }}`, so many objects. */
function nested(depth: number): unknown {
  let value: unknown = 1
  for (let at = 0; at < depth; at += 1) value = { a: value }
  return value
}

describe('a patch is refused', () => {
  test('whose pointer is a long run of slashes, at once', () => {
    const started = performance.now()
    expect(codeOf([{ op: 'remove', path: `${'/'.repeat(100_000)}~` }])).toBe('INVALID_PATCH [0]')
    expect(codeOf([{ op: 'remove', path: `/${'a/'.repeat(100_000)}~2` }])).toBe('INVALID_PATCH [0]')
    expect(codeOf([{ op: 'remove', path: '/'.repeat(100_000) }])).toBe('PATCH_FAILED [0]')
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('that doubles an array again and again', () => {
    const patch = Array.from({ length: 1000 }, () => ({ op: 'copy', from: '/identifier', path: '/identifier/-' }))
    expect(codeOf(patch)).toMatch(/^TOO_DEEP \[\d+\]$/)
    const twice = Array.from({ length: 1000 }, () => ({ op: 'copy', from: '/name', path: '/name/0/more' }))
    expect(codeOf(twice)).toMatch(/^TOO_DEEP \[\d+\]$/)
  })

  test('that copies a large part many times', () => {
    const value = Array.from({ length: 10_000 }, () => 1)
    const copies = Array.from({ length: 999 }, (_, at) => ({ op: 'copy', from: '/big', path: `/big${at}` }))
    expect(codeOf([{ op: 'add', path: '/big', value }, ...copies])).toBe('TOO_DEEP [4]')
  })

  test('that grows deeper with each operation', () => {
    const deeper = Array.from({ length: 100 }, (_, at) => ({ op: 'add', path: `/x${'/a'.repeat(at)}`, value: {} }))
    expect(codeOf(deeper)).toBe('TOO_DEEP [31]')
    expect(codeOf([{ op: 'add', path: '/x', value: nested(31) }])).toBeUndefined()
    expect(codeOf([{ op: 'add', path: '/x', value: nested(32) }])).toBe('TOO_DEEP [0]')
    const moved = [
      { op: 'add', path: '/x', value: nested(20) },
      { op: 'add', path: '/y', value: nested(20) },
      { op: 'move', from: '/x', path: `/y${'/a'.repeat(19)}` },
    ]
    expect(codeOf(moved)).toBe('TOO_DEEP [2]')
  })

  test.each([
    { op: 'replace', path: '/identifier/length', value: 4_294_967_295 },
    { op: 'add', path: '/identifier/length', value: 4_294_967_295 },
    { op: 'replace', path: '/name/0/given/length', value: 0 },
    { op: 'remove', path: '/identifier/length' },
    { op: 'add', path: '/identifier/4294967294', value: {} },
    { op: 'add', path: '/identifier/2', value: {} },
    { op: 'add', path: '/identifier/01', value: {} },
    { op: 'add', path: '/identifier/-1', value: {} },
    { op: 'add', path: '/identifier/1e3', value: {} },
    { op: 'add', path: '/identifier/push', value: {} },
    { op: 'replace', path: '/identifier/-', value: {} },
    { op: 'add', path: '/id/x', value: 1 },
    { op: 'replace', path: '/id/length', value: 0 },
    { op: 'add', path: '/active/x', value: 1 },
    { op: 'test', path: '/toString', value: {} },
    { op: 'copy', from: '/hasOwnProperty', path: '/x' },
    { op: 'copy', from: '/identifier/map', path: '/x' },
    { op: 'move', from: '/valueOf', path: '/x' },
    { op: 'remove', path: '/toString' },
    { op: 'replace', path: '/isPrototypeOf', value: 1 },
    { op: 'move', from: '/name', path: '/name/0/more' },
  ])('whose place is not in the resource: %j', (operation) => {
    expect(codeOf([operation])).toBe('PATCH_FAILED [0]')
  })

  test.each(['/__proto__/x', '/constructor/prototype/x', '/name/0/__proto__', '/prototype', '/a/constructor'])(
    'that reaches beyond the resource: %s',
    (path) => {
      expect(codeOf([{ op: 'add', path, value: 1 }])).toBe('INVALID_PATCH [0]')
      expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
    },
  )
})

test('a good patch does what it says and leaves the resource given as it was', () => {
  const before = structuredClone(child)
  const patch = [
    { op: 'test', path: '/name/0/given/1', value: 'May' },
    { op: 'add', path: '/identifier/-', value: { system: 'urn:b', value: '2' } },
    { op: 'add', path: '/identifier/0', value: { system: 'urn:c', value: '3' } },
    { op: 'copy', from: '/identifier/0', path: '/identifier/3' },
    { op: 'move', from: '/name/0/given/0', path: '/name/0/given/1' },
    { op: 'replace', path: '/active', value: false },
    { op: 'remove', path: '/id' },
  ]
  expect(after(patch)).toEqual({
    resourceType: 'Patient',
    active: false,
    identifier: [
      { system: 'urn:c', value: '3' },
      { system: 'urn:a', value: '1' },
      { system: 'urn:b', value: '2' },
      { system: 'urn:c', value: '3' },
    ],
    name: [{ family: 'Example', given: ['May', 'Ada'] }],
  })
  expect(child).toEqual(before)
})

describe('measuring', () => {
  test('counts values and depth without recursion', () => {
    expect(measureJson(1, 10)).toEqual({ depth: 0, nodes: 1 })
    expect(measureJson({ a: [1, 2, {}] }, 10)).toEqual({ depth: 3, nodes: 5 })
    expect(measureJson(nested(100_000), 1_000_000).depth).toBe(100_000)
  })

  test('stops one past the bound', () => {
    expect(measureJson(Array(1000).fill(1), 10).nodes).toBe(11)
  })
})
