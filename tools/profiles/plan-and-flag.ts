/** cpis-plan, cpis-flag and their disclosed shapes (interface.md "Profiles"; register.md "Who sees what"). */
import { EXTENSION, NHS_FLAG_CODE, PROFILE, SYSTEM, VALUE_SET } from '../../src/fhir/canonicals.ts'
import {
  AUTHORITY,
  DISCLOSED_AUTHORITY,
  DISCLOSED_SUBJECT,
  FLAG_CATEGORY,
  flagCode,
  identifier,
  PERIOD,
  PLAIN_META,
  PLAN_TYPE,
  REDACTED_META,
  SUBJECT,
} from './common-elements.ts'
import { coding, type ElementTree, one, type ProfileSpec, reference } from './profile-spec.ts'

/** A worker or team: by identifier only, for routing inside the authority. */
const ROUTING: ElementTree = { identifier: one(identifier()), display: {} }

export const PLAN: ProfileSpec = {
  name: 'cpis-plan',
  title: 'CP-IS plan',
  type: 'EpisodeOfCare',
  description:
    'One plan as a local authority files it: child protection plan, looked after, or unborn child protection plan (on the mother). The dates are the truth; the server sets the status from them. Everything that is not listed is refused, because the register holds nothing it did not ask for; extensions on primitive values are refused too.',
  root: {
    extensions: {
      legalBasis: { url: EXTENSION.legalBasis },
      expectedDeliveryDate: { url: EXTENSION.expectedDeliveryDate },
      shownUntil: { url: EXTENSION.shownUntil, short: 'Set by the server; ignored when sent' },
      caseStatus: { url: EXTENSION.caseStatus, short: 'Set by the server; ignored when sent' },
      daysWithoutNumber: { url: EXTENSION.daysWithoutNumber, short: 'Set by the server; ignored when sent' },
      newNumber: { url: EXTENSION.newNumber, short: 'Set by the server; ignored when sent' },
      babyNumber: { url: EXTENSION.babyNumber, max: '*', short: 'Set by the server; ignored when sent' },
    },
    children: {
      ...PLAIN_META,
      identifier: { min: 1, ...identifier(), short: "The authority's own identifier of the plan" },
      status: {},
      type: PLAN_TYPE,
      patient: SUBJECT,
      managingOrganization: { ...AUTHORITY, short: 'The local authority; filled in when absent' },
      period: PERIOD,
      careManager: reference(['Practitioner', 'PractitionerRole'], ROUTING),
      team: reference(['CareTeam'], ROUTING),
    },
  },
}

export const FLAG: ProfileSpec = {
  name: 'cpis-flag',
  title: 'CP-IS flag',
  type: 'Flag',
  description:
    'The signal of one plan. The server keeps it; a Bundle that brings it must agree with the plan. It is active on each day on which NHS staff see the plan.',
  root: {
    extensions: { flagDetail: { url: EXTENSION.flagDetail, min: 1, targets: [PROFILE.plan], short: 'The plan' } },
    children: {
      ...PLAIN_META,
      identifier: identifier(),
      status: {},
      category: FLAG_CATEGORY,
      code: flagCode(NHS_FLAG_CODE),
      subject: SUBJECT,
      period: PERIOD,
      author: { ...AUTHORITY, short: 'The local authority; filled in when absent' },
    },
  },
}

export const PLAN_DISCLOSED: ProfileSpec = {
  name: 'cpis-plan-disclosed',
  title: 'CP-IS plan as disclosed',
  type: 'EpisodeOfCare',
  description:
    'A plan inside an answer to NHS staff: an allow-list. No identifier of the authority, no worker, no legal basis, no name, no version.',
  root: {
    extensions: {
      caseStatus: { url: EXTENSION.caseStatus, min: 1 },
      shownUntil: { url: EXTENSION.shownUntil },
    },
    children: {
      ...REDACTED_META,
      status: {},
      type: one({
        children: { coding: one(coding({ system: SYSTEM.snomed, valueSet: VALUE_SET.planType })) },
      }),
      patient: DISCLOSED_SUBJECT,
      managingOrganization: DISCLOSED_AUTHORITY,
      period: PERIOD,
    },
  },
}

export const FLAG_DISCLOSED: ProfileSpec = {
  name: 'cpis-flag-disclosed',
  title: 'CP-IS flag as disclosed',
  type: 'Flag',
  description: 'The signal of one visible plan inside an answer to NHS staff: an allow-list.',
  root: {
    extensions: {
      flagDetail: {
        url: EXTENSION.flagDetail,
        min: 1,
        targets: [PROFILE.planDisclosed],
        short: 'The plan in the same Bundle',
      },
    },
    children: {
      ...REDACTED_META,
      status: {},
      category: FLAG_CATEGORY,
      code: flagCode(NHS_FLAG_CODE),
      subject: DISCLOSED_SUBJECT,
      period: PERIOD,
      author: DISCLOSED_AUTHORITY,
    },
  },
}

export const PATIENT: ProfileSpec = {
  name: 'cpis-patient',
  title: 'CP-IS child or mother',
  type: 'Patient',
  description:
    'The person a plan is about: identifiers, birth date and name, nothing else. Address, telecom, contact, photo, general practitioner and link are refused: the register must never hold them.',
  root: {
    children: {
      ...PLAIN_META,
      identifier: {
        slices: {
          by: 'system',
          rules: 'open',
          each: { nhsNumber: { max: '1', ...identifier(SYSTEM.nhsNumber) } },
        },
        ...identifier(),
      },
      name: { max: '1', children: { text: {}, family: {}, given: {} } },
      birthDate: {},
    },
  },
}

export const PLAN_PROFILES: readonly ProfileSpec[] = [PLAN, FLAG, PLAN_DISCLOSED, FLAG_DISCLOSED, PATIENT]
