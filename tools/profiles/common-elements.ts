/** Parts that several profiles share: meta, identifiers, references to an authority, periods, contact points. */
import { PROFILE, SYSTEM, VALUE_SET } from '../../src/fhir/canonicals.ts'
import { coding, type ElementSpec, type ElementTree, one, reference } from './profile-spec.ts'

/**
 * What a client may send and reads back. Tags, security labels and a source are refused on input: a label that the
 * register would not honour must not be taken in silence.
 */
export const PLAIN_META: ElementTree = {
  id: {},
  meta: { children: { versionId: {}, lastUpdated: {}, profile: {} } },
}

/** Content inside an answer to the NHS: marked as redacted, and without a version that would tell how often it changed. */
export const REDACTED_META: ElementTree = {
  id: one(),
  meta: one({
    children: {
      profile: {},
      security: {
        min: 1,
        max: '1',
        pattern: { Coding: { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' } },
        children: { system: one(), code: one(), display: {} },
      },
    },
  }),
}

/** An identifier of one system, or of any. `old` is refused: it would mean the opposite of what the register takes it for. */
export function identifier(system?: string): ElementSpec {
  return {
    children: {
      use: { valueSet: VALUE_SET.identifierUse },
      system: one(system === undefined ? {} : { fixed: { Uri: system } }),
      value: one(),
    },
  }
}

const ANY_REFERENCE: ElementTree = { reference: {}, identifier: identifier(), display: {} }

/** The child or mother: a literal reference, or by identifier. */
export const SUBJECT: ElementSpec = one({
  ...reference([PROFILE.patient], ANY_REFERENCE),
  constraints: [
    {
      key: 'cpis-subject-1',
      human: 'The person is named by a reference or by an identifier',
      expression: 'reference.exists() or identifier.exists()',
    },
  ],
})

/** The local authority, by reference or identifier; filled in by the server when absent. */
export const AUTHORITY: ElementSpec = reference([PROFILE.authority], ANY_REFERENCE)

/** The person in an answer: the number the caller sent, or masked words for the mother of a child. */
export const DISCLOSED_SUBJECT: ElementSpec = one({
  ...reference(['Patient'], { identifier: identifier(SYSTEM.nhsNumber), display: {} }),
  extensions: { dataAbsentReason: { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason' } },
  constraints: [
    {
      key: 'cpis-disclosed-1',
      human: 'The person is named by the number that was sent and nothing else, or masked as the mother of this child',
      expression:
        "(identifier.exists() and display.empty() and extension.empty()) or (identifier.empty() and display = 'Mother of this child' and extension.exists())",
    },
  ],
})

/** The authority in an answer: the id of its Organization in the same Bundle, its GSS code and its name. */
export const DISCLOSED_AUTHORITY: ElementSpec = one(
  reference([PROFILE.authority], { reference: {}, identifier: identifier(SYSTEM.gss), display: {} }),
)

export const PERIOD: ElementSpec = one({ children: { start: one(), end: {} } })

/** One of the three plan types, nothing else beside it: a second coding could carry the category of the plan. */
export const PLAN_TYPE: ElementSpec = one({
  valueSet: VALUE_SET.planType,
  children: { coding: one(coding({ valueSet: VALUE_SET.planType })), text: {} },
})

/** Flag.code: the plan type, and the national code that makes it a CP-IS flag. */
export function flagCode(nhsFlagCode: string): ElementSpec {
  return one({
    children: {
      coding: {
        min: 2,
        slices: {
          by: 'system',
          rules: 'closed',
          each: {
            planType: one(coding({ system: SYSTEM.snomed, valueSet: VALUE_SET.planType })),
            nhsFlag: one(coding({ system: SYSTEM.nhsFlag, code: nhsFlagCode })),
          },
        },
      },
      text: {},
    },
  })
}

export const FLAG_CATEGORY: ElementSpec = one({
  children: { coding: one(coding({ system: SYSTEM.flagCategory, code: 'safety' })), text: {} },
})

/** Phone, e-mail and the like of an organisation. */
export const TELECOM: ElementSpec = { children: { system: one(), value: one(), use: {}, rank: {} } }
