/** Strict JSON: every trap is refused with code and place, and costs little (security.md "Abuse and bad input"). */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalJson, JSON_LIMITS, parseStrictJson, type StrictJson } from '../../src/fhir/json.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (text: string): StrictJson => parseStrictJson(bytes(text))

function refusal(result: StrictJson): string {
  return 'issue' in result ? `${result.issue.code} ${result.issue.expression ?? '-'}` : 'taken'
}

describe('refused', () => {
  test.each<[string, string, string]>([
    ['nothing', '', 'INVALID_JSON -'],
    ['white space', ' \n', 'INVALID_JSON -'],
    ['a text', '"x"', 'INVALID_JSON -'],
    ['a number', '1', 'INVALID_JSON -'],
    ['null', 'null', 'INVALID_JSON -'],
    ['an array where an object is wanted', '[]', 'INVALID_JSON -'],
    ['an object cut off', '{"resourceType":"Patient"', 'INVALID_JSON -'],
    ['a text cut off', '{"a":"b', 'INVALID_JSON -'],
    ['a text that ends in a backslash', '{"a":"b\\', 'INVALID_JSON -'],
    ['two documents', '{}{}', 'INVALID_JSON -'],
    ['a comma too many', '{"a":1,}', 'INVALID_JSON -'],
    ['single quotes', "{'a':1}", 'INVALID_JSON -'],
    ['a comment', '{"a":1}//x', 'INVALID_JSON -'],
    ['NaN', '{"a":NaN}', 'INVALID_JSON -'],
    ['a bad escape', '{"a":"\\x"}', 'INVALID_JSON -'],
    ['a control character in a text', '{"a":"\u0001"}', 'INVALID_JSON -'],
    ['a leading zero', '{"a":01}', 'INVALID_JSON -'],
    ['the same key twice', '{"resourceType":"Patient","id":"a","id":"b"}', 'INVALID_JSON Patient.id'],
    [
      'the same key twice, once escaped',
      '{"resourceType":"Patient","id":"a","\\u0069d":"b"}',
      'INVALID_JSON Patient.id',
    ],
    [
      'the same key twice, deep',
      '{"resourceType":"Patient","name":[{},{"use":"x","use":"y"}]}',
      'INVALID_JSON Patient.name[1].use',
    ],
    ['__proto__', '{"resourceType":"Patient","__proto__":{"isAdmin":true}}', 'INVALID_JSON Patient'],
    ['__proto__ escaped', '{"resourceType":"Patient","\\u005f_proto__":{}}', 'INVALID_JSON Patient'],
    ['constructor', '{"resourceType":"Patient","name":[{"constructor":{}}]}', 'INVALID_JSON Patient.name[0]'],
    ['prototype', '{"resourceType":"Patient","prototype":1}', 'INVALID_JSON Patient'],
    [
      'a database operator',
      '{"resourceType":"EpisodeOfCare","patient":{"$ne":""}}',
      'UNKNOWN_ELEMENT EpisodeOfCare.patient',
    ],
    [
      'a database operator, escaped',
      '{"resourceType":"EpisodeOfCare","patient":{"\\u0024ne":""}}',
      'UNKNOWN_ELEMENT EpisodeOfCare.patient',
    ],
    [
      'a database operator in a bundle',
      '{"resourceType":"Bundle","entry":[{},{"resource":{"id":{"$gt":""}}}]}',
      'UNKNOWN_ELEMENT Bundle.entry[1].resource.id',
    ],
    ['a number beyond a double', '{"resourceType":"Patient","x":1e999}', 'INVALID_JSON Patient.x'],
    [
      'a whole number that would be rounded',
      '{"resourceType":"Patient","x":9007199254740993}',
      'INVALID_JSON Patient.x',
    ],
    ['a number of very many digits', `{"resourceType":"Patient","x":0.${'1'.repeat(50)}}`, 'INVALID_JSON Patient.x'],
    ['half a character', '{"resourceType":"Patient","id":"\\ud800"}', 'INVALID_JSON Patient.id'],
    ['half a character in a key', '{"resourceType":"Patient","\\ud800":1}', 'INVALID_JSON Patient'],
  ])('%s', (_what, text, expected) => {
    expect(refusal(parse(text))).toBe(expected)
  })

  test.each<[string, readonly number[]]>([
    ['Latin-1', [0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xe9, 0x22, 0x7d]],
    ['an overlong sequence', [0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]],
    ['a surrogate in UTF-8', [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('%s is not UTF-8', (_what, codes) => {
    expect(parseStrictJson(Uint8Array.from(codes))).toEqual({
      issue: { code: 'INVALID_JSON', text: 'The body is not UTF-8.' },
    })
  })

  test('a place never holds a key that is no element name', () => {
    const result = parse('{"resourceType":"Patient","9995973952":{"id":1,"id":2}}')
    expect(refusal(result)).toBe('INVALID_JSON Patient.id')
  })

  test('the words never quote the body', () => {
    for (const text of ['{"a":Canary}', '{"Canary":1,"Canary":2}', '{"a":"Canary"']) {
      expect(JSON.stringify(parse(text))).not.toContain('Canary":')
      expect(JSON.stringify('issue' in parse(text) ? parse(text) : 'taken')).toContain('INVALID_JSON')
    }
  })
})

describe('depth and size', () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`

  test('32 levels are taken, 33 are not', () => {
    expect(refusal(parse(nested(32)))).toBe('taken')
    expect(refusal(parse(nested(33)))).toBe('TOO_DEEP Resource.a.a')
  })

  test.each([
    [
      'arrays',
      `{"resourceType":"Patient","name":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      'TOO_DEEP Patient.name[0]',
    ],
    ['open arrays', '['.repeat(200_000), 'TOO_DEEP -'],
    ['objects', '{"a":'.repeat(200_000), 'TOO_DEEP Resource.a.a'],
  ])('200,000 nested %s cost little', (_what, text, expected) => {
    const body = bytes(text)
    const start = performance.now()
    expect(refusal(parseStrictJson(body))).toBe(expected)
    expect(performance.now() - start).toBeLessThan(100)
  })

  test('brackets inside texts are no depth', () => {
    expect(refusal(parse(`{"a":"${'['.repeat(1000)}","b":"\\"{{{{"}`))).toBe('taken')
  })

  test('more parts than allowed are refused', () => {
    const many = bytes(`{"a":[${'1,'.repeat(JSON_LIMITS.maxNodes)}1]}`)
    expect(refusal(parseStrictJson(many))).toBe('TOO_DEEP -')
    expect(refusal(parseStrictJson(bytes('{"a":[true,false,null,"x",1]}'), { maxNodes: 6 }))).toBe('TOO_DEEP -')
    expect(refusal(parseStrictJson(bytes('{"a":[true,false,null,"x",1]}'), { maxNodes: 7 }))).toBe('taken')
  })

  test('more than 1,000 keys in one object are refused', () => {
    const keys = (count: number): string => Array.from({ length: count }, (_, at) => `"k${at}":1`).join(',')
    expect(refusal(parse(`{${keys(1000)}}`))).toBe('taken')
    expect(refusal(parse(`{${keys(1001)}}`))).toBe('TOO_DEEP -')
  })

  test('an escape-heavy text of a megabyte costs little', () => {
    const body = bytes(`{"a":"${'\\\\'.repeat(500_000)}"}`)
    const start = performance.now()
    expect(refusal(parseStrictJson(body))).toBe('taken')
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('taken', () => {
  test('one leading byte order mark is dropped', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ value: { a: 1 } })
  })

  test('an array where one is wanted, and then nothing else', () => {
    expect(parseStrictJson(bytes('[{"op":"test"}]'), { root: 'array' })).toEqual({ value: [{ op: 'test' }] })
    expect(refusal(parseStrictJson(bytes('{}'), { root: 'array' }))).toBe('INVALID_JSON -')
  })

  test('whatever JSON.stringify writes comes back, unless a key is refused', () => {
    const reserved = /^\$|^(__proto__|constructor|prototype)$/
    const key = fc.string().filter((text) => !reserved.test(text))
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(key, tie('any'), { maxKeys: 4, noNullPrototype: true }),
    })).object
    fc.assert(
      fc.property(value, (given) => {
        const result = parse(JSON.stringify(given))
        if (refusal(result).startsWith('TOO_DEEP')) return
        expect(result).toEqual({ value: given })
      }),
    )
  })
})

describe('canonicalJson', () => {
  test('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: 1, a: { d: [1, { f: null, e: 'x' }], c: true } })).toBe(
      '{"a":{"c":true,"d":[1,{"e":"x","f":null}]},"b":1}',
    )
  })

  test('keeps the order of arrays and leaves out what is undefined', () => {
    expect(canonicalJson({ a: [2, 1], b: undefined })).toBe('{"a":[2,1]}')
    expect(canonicalJson({ a: [2, 1] })).not.toBe(canonicalJson({ a: [1, 2] }))
  })

  test('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    )
  })
})
