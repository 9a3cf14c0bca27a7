/** OperationDefinitions of our own operations (interface.md). $validate is R4's; $status and $events are those of the Backport guide. */
import type { OperationDefinition, OperationDefinitionParameter } from '@medplum/fhirtypes'
import { VALUE_SET } from '../../src/fhir/canonicals.ts'
import { published } from './published.ts'

interface OperationSaid {
  readonly name: string
  readonly code: string
  readonly title: string
  readonly description: string
  readonly resource: 'Patient' | 'Subscription'
  readonly level: 'type' | 'instance'
  readonly in: readonly OperationDefinitionParameter[]
  readonly out: OperationDefinitionParameter
}

function operation(said: OperationSaid): OperationDefinition {
  return {
    ...published('OperationDefinition', said.name, said),
    kind: 'operation',
    affectsState: true,
    code: said.code,
    resource: [said.resource],
    system: false,
    type: said.level === 'type',
    instance: said.level === 'instance',
    parameter: [...said.in, said.out],
  }
}

interface ParameterSaid {
  readonly name: string
  readonly type: OperationDefinitionParameter['type']
  readonly min?: 0 | 1
  readonly documentation: string
  readonly valueSet?: string
}

function input(said: ParameterSaid): OperationDefinitionParameter {
  return {
    name: said.name,
    use: 'in',
    min: said.min ?? 1,
    max: '1',
    documentation: said.documentation,
    ...(said.type === undefined ? {} : { type: said.type }),
    ...(said.valueSet === undefined ? {} : { binding: { strength: 'required', valueSet: said.valueSet } }),
  }
}

function returns(type: 'Bundle' | 'OperationOutcome', documentation: string): OperationDefinitionParameter {
  return { name: 'return', use: 'out', min: 1, max: '1', documentation, type }
}

export const OPERATIONS: readonly OperationDefinition[] = [
  operation({
    name: 'cpis-check',
    code: 'cpis-check',
    title: 'Check a child',
    description:
      'Whether the register knows of a plan for this NHS number today, whose it is, and whom to call. POST only. X-Request-ID (UUID) is required and is the key of repetition. The answer, its audit and the notifications it causes are committed together. The same answer shape when nothing is known; what cannot be answered surely is 503.',
    resource: 'Patient',
    level: 'type',
    in: [
      input({ name: 'nhsNumber', type: 'Identifier', documentation: 'System https://fhir.nhs.uk/Id/nhs-number.' }),
      input({
        name: 'setting',
        type: 'Coding',
        documentation: 'Care setting; decides whether the check is scheduled (silent) or unscheduled.',
        valueSet: VALUE_SET.careSetting,
      }),
      input({
        name: 'site',
        type: 'Identifier',
        min: 0,
        documentation: "ODS code of the site where the person is; it must belong to the caller's organisation.",
      }),
      input({
        name: 'birthDate',
        type: 'date',
        min: 0,
        documentation: 'A difference from every birth date that is held is a warning, CHECK_IDENTITY.',
      }),
    ],
    out: returns(
      'Bundle',
      'searchset: one Flag for each visible plan; the plans, their authorities and the access history included; an OperationOutcome in plain words last.',
    ),
  }),
  operation({
    name: 'number-changed',
    code: 'number-changed',
    title: 'An NHS number has changed',
    description:
      'Tells the register that the NHS has replaced a number, taken it out of use, or undone an earlier replacement. The answer does not tell whether anything is known.',
    resource: 'Patient',
    level: 'type',
    in: [
      input({ name: 'from', type: 'Identifier', documentation: 'The number as it was.' }),
      input({
        name: 'to',
        type: 'Identifier',
        min: 0,
        documentation: 'The number that replaces it, if that may be told.',
      }),
      input({ name: 'reason', type: 'code', documentation: 'Why.', valueSet: VALUE_SET.numberChangeReason }),
    ],
    out: returns('OperationOutcome', 'Done; the same whether or not anything is known.'),
  }),
  operation({
    name: 'birth-notified',
    code: 'birth-notified',
    title: 'A birth was notified',
    description:
      'Tells the register the number of a newborn baby, so that a check on the baby shows the unborn plan of the mother. The answer does not tell whether anything is known. Twins: one call each.',
    resource: 'Patient',
    level: 'type',
    in: [
      input({ name: 'mother', type: 'Identifier', documentation: 'NHS number of the mother.' }),
      input({ name: 'baby', type: 'Identifier', documentation: 'NHS number of the baby.' }),
      input({ name: 'birthDate', type: 'date', documentation: 'Day of birth; not in the future.' }),
    ],
    out: returns('OperationOutcome', 'Done; the same whether or not anything is known.'),
  }),
  operation({
    name: 'subscription-resend',
    code: 'resend',
    title: 'Send events again',
    description:
      'Makes what waits for this Subscription due at once, and queues the events asked for once more, under their numbers.',
    resource: 'Subscription',
    level: 'instance',
    in: [
      input({ name: 'eventsSinceNumber', type: 'string', min: 0, documentation: 'First event number to send again.' }),
      input({ name: 'eventsUntilNumber', type: 'string', min: 0, documentation: 'Last event number to send again.' }),
    ],
    out: returns('OperationOutcome', 'What was queued.'),
  }),
]
