/** Parameters of an operation: each fault with code and place, all at once (R4 parameters.html; interface.md "$cpis-check"). */
import { describe, expect, test } from '@jest/globals'
import { SYSTEM } from '../../src/fhir/canonicals.ts'
import { parseParameters } from '../../src/fhir/parameters.ts'

const CHECK = {
  nhsNumber: { type: 'valueIdentifier', min: 1, max: 1, system: SYSTEM.nhsNumber },
  setting: { type: 'valueCoding', min: 1, max: 1, system: SYSTEM.careSetting },
  site: { type: 'valueIdentifier', min: 0, max: 1 },
  birthDate: { type: 'valueDate', min: 0, max: 1 },
} as const

const nhsNumber = { name: 'nhsNumber', valueIdentifier: { system: SYSTEM.nhsNumber, value: '9995973952' } }
const setting = { name: 'setting', valueCoding: { system: SYSTEM.careSetting, code: 'emergency-department' } }
const body = (...parameter: unknown[]): unknown => ({ resourceType: 'Parameters', parameter })

function faults(given: unknown): string[] {
  const parsed = parseParameters(given, CHECK)
  return 'issues' in parsed ? parsed.issues.map((one) => `${one.code} ${one.expression}`) : []
}

describe('refused', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['an array', []],
    ['another resource', { resourceType: 'Patient' }],
    ['an operator for a type', { resourceType: { ne: '' } }],
  ])('%s is not a Parameters', (_what, given) => {
    expect(faults(given)).toEqual(['INVALID_PARAMETER Parameters'])
  })

  test.each<[string, unknown, string[]]>([
    [
      'nothing in it',
      { resourceType: 'Parameters' },
      ['MISSING_PARAMETER Parameters.parameter', 'MISSING_PARAMETER Parameters.parameter'],
    ],
    ['one is missing', body(nhsNumber), ['MISSING_PARAMETER Parameters.parameter']],
    [
      'no list',
      { resourceType: 'Parameters', parameter: {} },
      [
        'INVALID_PARAMETER Parameters.parameter',
        'MISSING_PARAMETER Parameters.parameter',
        'MISSING_PARAMETER Parameters.parameter',
      ],
    ],
    [
      'an unknown name',
      body(nhsNumber, setting, { name: 'reason', valueString: 'x' }),
      ['UNKNOWN_PARAMETER Parameters.parameter[2].name'],
    ],
    [
      'a name of Object',
      body(nhsNumber, setting, { name: 'toString', valueString: 'x' }),
      ['UNKNOWN_PARAMETER Parameters.parameter[2].name'],
    ],
    [
      'a name in other letters',
      body({ ...nhsNumber, name: 'nhsnumber' }, setting),
      ['UNKNOWN_PARAMETER Parameters.parameter[0].name', 'MISSING_PARAMETER Parameters.parameter'],
    ],
    ['no name', body(nhsNumber, setting, { valueString: 'x' }), ['INVALID_PARAMETER Parameters.parameter[2]']],
    ['a parameter that is a text', body(nhsNumber, setting, 'x'), ['INVALID_PARAMETER Parameters.parameter[2]']],
    ['one twice', body(nhsNumber, setting, nhsNumber), ['INVALID_PARAMETER Parameters.parameter[2]']],
    [
      'a wrong type',
      body({ name: 'nhsNumber', valueString: '9995973952' }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value'],
    ],
    [
      'two values',
      body({ ...nhsNumber, valueString: 'x' }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value'],
    ],
    ['no value', body({ name: 'nhsNumber' }, setting), ['INVALID_PARAMETER Parameters.parameter[0]']],
    [
      'parts',
      body(nhsNumber, { name: 'setting', part: [setting] }),
      ['INVALID_PARAMETER Parameters.parameter[1].value'],
    ],
    [
      'a resource',
      body(nhsNumber, { name: 'setting', resource: { resourceType: 'Patient' } }),
      ['INVALID_PARAMETER Parameters.parameter[1].value'],
    ],
    [
      'a value that is null',
      body({ name: 'nhsNumber', valueIdentifier: null }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value'],
    ],
    [
      'an identifier that is a text',
      body({ name: 'nhsNumber', valueIdentifier: '9995973952' }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value'],
    ],
    [
      'an identifier without value',
      body({ name: 'nhsNumber', valueIdentifier: { system: SYSTEM.nhsNumber } }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value.value'],
    ],
    [
      'an identifier with an operator',
      body({ name: 'nhsNumber', valueIdentifier: { system: SYSTEM.nhsNumber, value: { ne: '' } } }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value.value'],
    ],
    [
      'an identifier with a number',
      body({ name: 'nhsNumber', valueIdentifier: { system: SYSTEM.nhsNumber, value: 9995973952 } }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value.value'],
    ],
    [
      'an identifier of another system',
      body({ name: 'nhsNumber', valueIdentifier: { system: 'x:y', value: '1' } }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value.system'],
    ],
    [
      'an identifier without system',
      body({ name: 'nhsNumber', valueIdentifier: { value: '9995973952' } }, setting),
      ['INVALID_PARAMETER Parameters.parameter[0].value.system'],
    ],
    [
      'an unknown element in a value',
      body({ name: 'nhsNumber', valueIdentifier: { ...nhsNumber.valueIdentifier, extra: 1 } }, setting),
      ['UNKNOWN_ELEMENT Parameters.parameter[0].value'],
    ],
    [
      'a coding without code',
      body(nhsNumber, { name: 'setting', valueCoding: { system: SYSTEM.careSetting } }),
      ['INVALID_PARAMETER Parameters.parameter[1].value.code'],
    ],
    [
      'a code with white space',
      body(nhsNumber, { name: 'setting', valueCoding: { system: SYSTEM.careSetting, code: ' dental' } }),
      ['INVALID_PARAMETER Parameters.parameter[1].value.code'],
    ],
    [
      'a day that is none',
      body(nhsNumber, setting, { name: 'birthDate', valueDate: '2017-02-29' }),
      ['INVALID_PARAMETER Parameters.parameter[2].value'],
    ],
    [
      'an instant for a day',
      body(nhsNumber, setting, { name: 'birthDate', valueDate: '2017-02-01T00:00:00Z' }),
      ['INVALID_PARAMETER Parameters.parameter[2].value'],
    ],
    [
      'an unknown element beside',
      { resourceType: 'Parameters', parameter: [nhsNumber, setting], contained: [] },
      ['UNKNOWN_ELEMENT Parameters'],
    ],
    [
      'several faults',
      body({ name: 'x' }, { name: 'site', valueString: 'x' }),
      [
        'UNKNOWN_PARAMETER Parameters.parameter[0].name',
        'INVALID_PARAMETER Parameters.parameter[1].value',
        'MISSING_PARAMETER Parameters.parameter',
        'MISSING_PARAMETER Parameters.parameter',
      ],
    ],
  ])('%s', (_what, given, expected) => {
    expect(faults(given)).toEqual(expected)
  })

  test('no issue quotes what was sent', () => {
    const parsed = parseParameters(body({ name: 'Canary' }, { name: 'nhsNumber', valueString: 'Canary' }), CHECK)
    expect(JSON.stringify(parsed)).not.toContain('Canary')
  })
})

describe('taken', () => {
  test('identifier and coding are reduced to what is used', () => {
    const given = body(
      { ...nhsNumber, valueIdentifier: { ...nhsNumber.valueIdentifier, use: 'official' } },
      { ...setting, valueCoding: { ...setting.valueCoding, display: 'ED', userSelected: true } },
      { name: 'birthDate', valueDate: '2017-02' },
    )
    expect(parseParameters(given, CHECK)).toEqual({
      values: {
        nhsNumber: nhsNumber.valueIdentifier,
        setting: { ...setting.valueCoding, display: 'ED' },
        site: undefined,
        birthDate: '2017-02',
      },
    })
  })

  test('what may repeat comes as a list, also when it is not there', () => {
    const spec = { id: { type: 'valueString', min: 0, max: '*' } } as const
    const two = body({ name: 'id', valueString: 'a' }, { name: 'id', valueString: 'b' })
    expect(parseParameters(two, spec)).toEqual({ values: { id: ['a', 'b'] } })
    expect(parseParameters(body(), spec)).toEqual({ values: { id: [] } })
  })

  test('a resource comes as it was sent', () => {
    const spec = { resource: { type: 'resource', min: 1, max: 1 } } as const
    const resource = { resourceType: 'EpisodeOfCare', whatever: 1 }
    expect(parseParameters(body({ name: 'resource', resource }), spec)).toEqual({ values: { resource } })
    expect(parseParameters(body({ name: 'resource', resource: {} }), spec)).toMatchObject({
      issues: [{ code: 'INVALID_PARAMETER', expression: 'Parameters.parameter[0].resource' }],
    })
  })
})
