/** cpis-authority and cpis-site: whom to call, and where NHS staff are (interface.md "Profiles"). Public to all callers. */
import { SYSTEM, VALUE_SET } from '../../src/fhir/canonicals.ts'
import { identifier, PLAIN_META, TELECOM } from './common-elements.ts'
import { coding, type ElementSpec, one, type ProfileSpec, reference } from './profile-spec.ts'

const TYPE: ElementSpec = {
  max: '1',
  valueSet: VALUE_SET.organizationType,
  children: { coding: one(coding()), text: {} },
}

export const AUTHORITY_PROFILE: ProfileSpec = {
  name: 'cpis-authority',
  title: 'CP-IS local authority',
  type: 'Organization',
  description:
    'A local authority: its codes, its name, and whom to call at what time. The GSS code is the key; a DfE code alone would be ambiguous.',
  root: {
    children: {
      ...PLAIN_META,
      identifier: {
        min: 1,
        slices: {
          by: 'system',
          rules: 'closed',
          each: {
            gss: one(identifier(SYSTEM.gss)),
            ods: { max: '1', ...identifier(SYSTEM.ods) },
            dfe: { max: '1', ...identifier(SYSTEM.dfe) },
          },
        },
      },
      type: TYPE,
      name: one(),
      contact: {
        min: 1,
        children: {
          purpose: one({
            valueSet: VALUE_SET.contactPurpose,
            children: { coding: one(coding()), text: {} },
          }),
          telecom: { min: 1, ...TELECOM },
        },
      },
    },
    constraints: [
      {
        key: 'cpis-authority-1',
        human: 'Each purpose of contact stands once',
        expression: 'contact.purpose.coding.code.isDistinct()',
      },
    ],
  },
}

export const SITE_PROFILE: ProfileSpec = {
  name: 'cpis-site',
  title: 'CP-IS NHS organisation or site',
  type: 'Organization',
  description:
    'An NHS organisation or one of its sites, from the directory. Active false: it is closed, and no check is made from it.',
  root: {
    children: {
      ...PLAIN_META,
      identifier: {
        min: 1,
        max: '1',
        ...identifier(SYSTEM.ods),
      },
      active: {},
      type: { ...TYPE, min: 1 },
      name: one(),
      telecom: TELECOM,
      address: { max: '1', children: { city: one() } },
      partOf: reference(['Organization'], { reference: {}, identifier: identifier(SYSTEM.ods), display: {} }),
    },
  },
}

export const ORGANIZATION_PROFILES: readonly ProfileSpec[] = [AUTHORITY_PROFILE, SITE_PROFILE]
