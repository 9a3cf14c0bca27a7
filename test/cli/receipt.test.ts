import { describe, expect, test } from '@jest/globals'
import { buildReceipt, receiptLines } from '../../src/cli/receipt.ts'

const outcome = (code: string, expression?: string) => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'error',
      code: 'invalid',
      details: { coding: [{ code }], text: 'Words.' },
      ...(expression === undefined ? {} : { expression: [expression] }),
    },
  ],
})

const entry = (status: string, more: object = {}) => ({ response: { status, ...more } })

describe('the receipt of an upload', () => {
  test('names the place and code of each fault of a refused transaction', () => {
    const receipt = buildReceipt('a.json', {
      status: 422,
      headers: new Headers(),
      body: outcome('END_BEFORE_START', 'Bundle.entry[1].resource.period'),
    })
    expect(receiptLines(receipt)).toEqual([
      'a.json: 422, 0 created, 0 updated, 0 unchanged, 1 fault',
      '  refused: END_BEFORE_START at Bundle.entry[1].resource.period: Words.',
    ])
  })

  test('says that something was refused even where no OperationOutcome came', () => {
    const receipt = buildReceipt('a.json', { status: 502, headers: new Headers(), body: '<html>' })
    expect(receipt.refused).toEqual(['refused with 502'])
  })

  test('R16 counts what a batch stored and lists what it refused, by entry', () => {
    const body = {
      resourceType: 'Bundle',
      type: 'batch-response',
      entry: [
        entry('201 Created', { location: 'http://x/FHIR/R4/EpisodeOfCare/1/_history/1' }),
        entry('200 OK'),
        entry('200 OK', { outcome: outcome('UNCHANGED') }),
        entry('409 Conflict', { outcome: outcome('DUPLICATE_PLAN') }),
        entry('204 No Content'),
      ],
    }
    const receipt = buildReceipt('night.json', { status: 200, headers: new Headers(), body })
    expect(receipt).toMatchObject({ created: 1, updated: 1, unchanged: 1, deleted: 1 })
    expect(receipt.refused).toEqual(['entry 3: DUPLICATE_PLAN: Words.'])
    expect(receipt.locations).toEqual(['http://x/FHIR/R4/EpisodeOfCare/1/_history/1'])
  })

  test('is of one entry for a single resource', () => {
    const headers = new Headers({ location: 'http://x/FHIR/R4/Patient/1/_history/1' })
    const receipt = buildReceipt('p.json', { status: 201, headers, body: { resourceType: 'Patient' } })
    expect(receipt).toMatchObject({ created: 1, locations: ['http://x/FHIR/R4/Patient/1/_history/1'], refused: [] })
  })
})
