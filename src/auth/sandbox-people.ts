/** The people of the sandbox (runtime.md "Configuration"): made-up, one for each thing that a role may or may not do. */
import type { UserFacts } from '../domain/access-history.ts'
import type { OdsCode } from '../domain/brands.ts'
import { SCOPE } from './scopes.ts'

/** Identity provider of the sandbox, in the manner of CIS2; a name, not an address. */
export const SANDBOX_ISSUER = 'https://cis2.sandbox.cpis.example'
export const SANDBOX_AUDIENCE = 'cpis-sandbox'
/** Auditors and administrators sign in here. */
export const CONSOLE_CLIENT = 'staff-console'

export interface SandboxPerson {
  /** As in `cpis token NAME`. */
  readonly name: string
  readonly user: UserFacts
  readonly organization: OdsCode
  readonly assuranceLevel: number
  /** The system the person signs in to. */
  readonly clientId: string
  /** Scopes this named person has beyond a clinician's. */
  readonly grants: readonly string[]
}

type Line = readonly [name: string, person: string, roleCode: string, roleName: string, organization: string]

const CLINICIANS: readonly Line[] = [
  ['ed-nurse', 'R. Khan', 'R8001', 'Nurse', 'RCU'],
  ['paediatric-ward-nurse', 'T. Okafor', 'R8001', 'Nurse', 'RCU'],
  ['paramedic', 'J. Pritchard', 'R8003', 'Paramedic', 'RX8'],
  ['call-handler-111', 'S. Begum', 'R8001', 'Call handler', 'RX7'],
  ['gp', 'A. Lindqvist', 'R8000', 'General practitioner', 'A81001'],
  ['gp-out-of-hours', 'F. Rahman', 'R8000', 'General practitioner', 'A81002'],
  ['midwife', 'M. Adeyemi', 'R8001', 'Midwife', 'RJ1'],
  ['dental-nurse', 'C. Novak', 'R8001', 'Dental nurse', 'RV5'],
  ['admin-clerk', 'P. Harris', 'R8006', 'Clerk', 'RCU'],
]
const STAFF: readonly (readonly [...Line, grant: string])[] = [
  ['auditor', 'E. Marsh', 'R0001', 'Privacy officer', 'RCU', SCOPE.audit],
  ['administrator', 'D. Quill', 'R8015', 'System administrator', 'X26', SCOPE.admin],
]

/** The organisation whose system also reports births. */
export const MATERNITY_ORGANIZATION = 'RJ1'

/** Client id of the system that clinicians of an organisation use. Pure. */
export function systemOf(organization: string): string {
  return `nhs-system-${organization}`
}

export const SANDBOX_PEOPLE: readonly SandboxPerson[] = [
  ...CLINICIANS.map((line, index) => person(line, index, systemOf(line[4]), [])),
  ...STAFF.map(([a, b, c, d, e, grant], index) => person([a, b, c, d, e], 90 + index, CONSOLE_CLIENT, [grant])),
]

function person(line: Line, index: number, clientId: string, grants: readonly string[]): SandboxPerson {
  const [name, fullName, roleCode, roleName, organization] = line
  return {
    name,
    user: {
      id: String(555_000_000_101 + index),
      name: fullName,
      roleProfileId: String(555_000_001_101 + index),
      roleCode,
      roleName,
    },
    organization: organization as OdsCode,
    assuranceLevel: 3,
    clientId,
    grants,
  }
}
