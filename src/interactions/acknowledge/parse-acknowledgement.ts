/** An answer to an alert, from the Parameters of `$acknowledge`, with every fault at once. */
import {
  type AcknowledgementCode,
  checkRole,
  MOST_ROLE_CHARACTERS,
  parseAcknowledgementCode,
  type RoleFault,
} from '../../domain/acknowledgement.ts'
import { FhirError } from '../../fhir/fhir-error.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { FhirRequest } from '../interaction.ts'
import { parseOperationInput } from '../subscription/operation-input.ts'

const SPEC = {
  code: { type: 'valueCode', min: 1, max: 1 },
  by: { type: 'valueString', min: 1, max: 1 },
} as const

export interface SentAcknowledgement {
  readonly code: AcknowledgementCode
  readonly by: string
}

const WORDS: Readonly<Record<RoleFault, string>> = {
  empty: 'Say in which role: such as duty social worker.',
  'too-long': `A role has at most ${MOST_ROLE_CHARACTERS} characters.`,
  characters: 'A role is letters, spaces and plain signs: no digits, no e-mail address, no telephone.',
  title: 'A title stands before a name: give the role only, such as duty social worker.',
  name: 'A word that is of no role begins with a capital, as names do. Give the role only, in small letters.',
  'no-role': 'There is no word here that says a role, such as worker, manager, team, desk or duty.',
}

/** The answer. Throws FhirError with all that is wrong; never repeats what was sent. Pure. */
export function parseAcknowledgement(request: FhirRequest): SentAcknowledgement {
  const { values, placeOf } = parseOperationInput(request, SPEC)
  const code = parseAcknowledgementCode(values.code)
  const by = values.by.trim().replace(/ +/g, ' ')
  const fault = checkRole(by)
  const issues: Issue[] = [
    ...(code === undefined ? [issue('INVALID_CODE', placeOf('code'))] : []),
    ...(fault === undefined ? [] : [issue('ROLE_ONLY', placeOf('by'), WORDS[fault])]),
  ]
  if (code === undefined || issues.length > 0) throw new FhirError(issues)
  return { code, by }
}
