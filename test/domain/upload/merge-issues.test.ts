import { describe, expect, test } from '@jest/globals'
import { mergeIssues } from '../../../src/domain/upload/merge-issues.ts'
import { type Issue, issue } from '../../../src/fhir/outcome.ts'

const codes = (issues: readonly Issue[]): readonly string[] => issues.map((one) => `${one.code} ${one.expression}`)

describe('where a rule and the profile find one fault', () => {
  const rule = issue('END_BEFORE_START', 'EpisodeOfCare.period.end')
  test.each([
    [issue('INVALID_RESOURCE', 'EpisodeOfCare.period.end'), 'at the same place'],
    [issue('INVALID_RESOURCE', 'EpisodeOfCare.period'), 'above it'],
    [issue('PROFILE', 'EpisodeOfCare.period.end.extension[0]'), 'below it'],
  ])('only the rule is reported: %j (%s)', (ofProfile) => {
    expect(mergeIssues([ofProfile], [rule])).toEqual([rule])
  })

  test.each([
    [issue('INVALID_RESOURCE', 'EpisodeOfCare.period.start'), 'beside it'],
    [issue('PROFILE', 'EpisodeOfCare.periodic'), 'a name that only begins alike'],
    [issue('UNKNOWN_ELEMENT', 'EpisodeOfCare.period.end.id'), 'another fault at the place'],
    [issue('PROFILE', 'EpisodeOfCare'), 'of the whole resource'],
    [issue('PROFILE'), 'without a place'],
  ])('both are reported: %j (%s)', (ofProfile) => {
    expect(codes(mergeIssues([ofProfile], [rule]))).toEqual(codes([ofProfile, rule]))
  })

  test('a warning of a rule hides no fault', () => {
    const warning = issue('NHS_NUMBER_MISSING', 'EpisodeOfCare.patient')
    const fault = issue('PROFILE', 'EpisodeOfCare.patient')
    expect(mergeIssues([fault], [warning])).toEqual([fault, warning])
  })
})
