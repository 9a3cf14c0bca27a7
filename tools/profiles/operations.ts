/** OperationDefinitions of our own operations (interface.md). $validate is R4's; $status and $events are those of the Backport guide. */
import type { OperationDefinition, OperationDefinitionParameter } from '@medplum/fhirtypes'
import { VALUE_SET } from '../../src/fhir/canonicals.ts'
import { COUNTS as COUNTS_OF_USE } from '../../src/interactions/report/build-report.ts'
import { published } from './published.ts'

interface OperationSaid {
  readonly name: string
  readonly code: string
  readonly title: string
  readonly description: string
  readonly resource: 'Patient' | 'Subscription' | 'EpisodeOfCare' | 'AuditEvent'
  readonly level: 'type' | 'instance'
  readonly in: readonly OperationDefinitionParameter[]
  readonly out: OperationDefinitionParameter | readonly OperationDefinitionParameter[]
  /** Whether it changes anything; true unless told. */
  readonly affectsState?: false
}

function operation(said: OperationSaid): OperationDefinition {
  return {
    ...published('OperationDefinition', said.name, said),
    kind: 'operation',
    affectsState: said.affectsState ?? true,
    code: said.code,
    resource: [said.resource],
    system: false,
    type: said.level === 'type',
    instance: said.level === 'instance',
    parameter: [...said.in, ...[said.out].flat()],
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

function returns(
  type: 'Bundle' | 'OperationOutcome' | 'Provenance',
  documentation: string,
): OperationDefinitionParameter {
  return { name: 'return', use: 'out', min: 1, max: '1', documentation, type }
}

/** A part of an answer. */
function part(
  name: string,
  type: OperationDefinitionParameter['type'],
  documentation: string,
  more: Partial<Pick<OperationDefinitionParameter, 'min' | 'max'>> = {},
): OperationDefinitionParameter {
  return { name, use: 'out', min: 1, max: '1', documentation, ...(type === undefined ? {} : { type }), ...more }
}

const OPTIONAL = { min: 0 } as const
const MANY = { min: 0, max: '*' } as const

/** A list of an answer: a repeating parameter with parts. */
function list(
  name: string,
  documentation: string,
  parts: readonly OperationDefinitionParameter[],
): OperationDefinitionParameter {
  return { ...part(name, undefined, documentation, MANY), part: [...parts] }
}

const PLAN = part('plan', 'Identifier', "The authority's own identifier of the plan.")
const PLACE = part('place', 'string', 'Where it stands in the list: Bundle.entry[n], or line n of NDJSON, from 1.')
const RESOURCE = part('resource', 'Reference', 'The plan in the register.')
const DATES = [
  part('type', 'Coding', 'Plan type.'),
  part('start', 'date', 'First day.'),
  part('end', 'date', 'Last day.', OPTIONAL),
]
const COUNTS: readonly (readonly [string, string])[] = [
  ['listed', 'Entries of the list.'],
  ['held', 'Plans that the register holds of the authority, old and withdrawn ones included.'],
  ['same', 'Plans in both, and the same.'],
  ['missing-here', 'Plans in the list and not in the register.'],
  ['missing-there', 'Plans in the register and not in the list.'],
  ['different', 'Plans in both, and not the same.'],
  ['parked', 'Plans in the register without an NHS number.'],
  ['ending-soon', 'Plans whose last day is today or within 30 days.'],
  ['unreadable', 'Entries that could not be compared.'],
]

const RECONCILE = operation({
  name: 'reconcile',
  code: 'reconcile',
  title: 'Compare a list of plans with the register',
  description:
    'An authority posts its whole list of plans and is told where the register has drifted from it. Plans are matched by their own identifier (any of them). Of each only identifier, type, period, status and the NHS number are read; everything else is passed over. The body is the Bundle itself, or application/fhir+ndjson with one EpisodeOfCare a line; at most 10 MB and 10,000 plans. Judged within the authority of the token. Nothing is changed.',
  resource: 'EpisodeOfCare',
  level: 'type',
  affectsState: false,
  in: [
    input({
      name: 'list',
      type: 'Bundle',
      documentation: 'Type collection; each entry one EpisodeOfCare. Posted as the body itself.',
    }),
  ],
  out: [
    part('day', 'date', 'The London day for which it is said.'),
    {
      ...part('counts', undefined, 'How many there are of each.'),
      part: COUNTS.map(([name, documentation]) => part(name, 'integer', documentation)),
    },
    list(
      'missing-here',
      'In the list, not in the register, although the NHS ought to see it today or later. File it.',
      [PLAN, PLACE, ...DATES],
    ),
    list(
      'missing-there',
      'In the register, not in the list: the NHS sees it, will see it, or it waits for its number. End or withdraw it, or correct the list.',
      [PLAN, RESOURCE, ...DATES],
    ),
    list('different', 'In both, and not the same.', [
      PLAN,
      RESOURCE,
      PLACE,
      {
        ...part('difference', undefined, 'An element that differs.', { max: '*' }),
        part: [
          part('element', 'code', 'type, start, end, nhs-number or withdrawn.'),
          part('here', 'string', 'What the register says; absent when nothing.', OPTIONAL),
          part('there', 'string', 'What the list says; absent when nothing.', OPTIONAL),
        ],
      },
    ]),
    list('parked', 'Kept, and invisible to the NHS until an NHS number arrives; longest outstanding first.', [
      PLAN,
      RESOURCE,
      ...DATES,
      part('days', 'integer', 'Days for which the number has been outstanding.'),
    ]),
    list('ending-soon', 'The last day is today or within 30 days; soonest first.', [
      PLAN,
      RESOURCE,
      ...DATES,
      part('days', 'integer', 'Days until the last day.'),
    ]),
    list('unreadable', 'Could not be compared; does not stop the rest.', [
      PLACE,
      {
        ...part('issue', undefined, 'Why.', { max: '*' }),
        part: [
          part('code', 'code', 'Of cpis-error.'),
          part('text', 'string', 'In words.'),
          part('expression', 'string', 'The element.', OPTIONAL),
        ],
      },
    ]),
  ],
})

const USER = [
  part('user-id', 'Identifier', 'SDS user id.'),
  part('role-profile', 'Identifier', 'The role profile last used.'),
  part('name', 'string', 'Name.'),
  part('role', 'Coding', 'Job role.'),
  ...COUNTS_OF_USE.map(([name, , documentation]) => part(name, 'integer', documentation)),
]

const REPORT = operation({
  name: 'report',
  code: 'report',
  title: 'How people used the register',
  description:
    'For an auditor: the audit summed up by person over at most 31 London days. With user, one person hour by hour; without, whoever stands out against others of the same job role. Counts only: nothing of a child. Asking is itself recorded.',
  resource: 'AuditEvent',
  level: 'type',
  affectsState: false,
  in: [
    input({ name: 'from', type: 'date', documentation: 'First day.' }),
    input({ name: 'until', type: 'date', documentation: 'Last day; at most 30 days later.' }),
    input({ name: 'user', type: 'string', min: 0, documentation: 'SDS user id or role profile id.' }),
  ],
  out: [
    part('from', 'date', 'First day.'),
    part('until', 'date', 'Last day.'),
    part('users', 'integer', 'Different people.'),
    part('checks', 'integer', 'Checks that were answered.'),
    part('method', 'string', 'How it is judged who stands out; absent for one person.', OPTIONAL),
    part('unusual-users', 'integer', 'How many stand out; absent for one person.', OPTIONAL),
    list('unusual', 'Who stands out, the stopped first; at most 500.', [
      ...USER,
      part('compared-group', 'code', 'role: people of the same job role; all: everyone, as the role has too few.'),
      part('compared-with', 'integer', 'How many people were compared.'),
      {
        ...part('finding', undefined, 'What stands out.', { max: '*' }),
        part: [
          part('measure', 'code', 'Of the counts, or miss-ratio and out-of-hours as a share of the checks.'),
          part('value', 'decimal', 'Of this person.'),
          part('median', 'decimal', 'Of those compared with; absent where one alone is enough.', OPTIONAL),
          part('limit', 'decimal', 'Above which a value stands out.', OPTIONAL),
        ],
      },
    ]),
    list('user', 'The person asked for, once for each job role.', USER),
    list('hour', 'The hours in which the person asked, oldest first, by the clocks of London.', [
      part('day', 'date', 'Day.'),
      part('hour', 'integer', '0 to 23.'),
      part('hits', 'integer', 'Checks that found a plan.'),
      part('misses', 'integer', 'Checks that found nothing.'),
      part('refused', 'integer', 'Checks that were refused or not answered.'),
    ]),
  ],
})

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
  RECONCILE,
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
  operation({
    name: 'acknowledge',
    code: 'acknowledge',
    title: 'Acknowledge an access',
    description:
      'An authority says what it makes of an access that it was told of, and in which role. The AuditEvent itself does not change: only this authority sees the answer on it, as extension cpis-acknowledgement, and finds by acknowledged what is still to be answered. A later answer takes the place of an earlier one, which stays on record; the same again changes nothing.',
    resource: 'AuditEvent',
    level: 'instance',
    in: [
      input({ name: 'code', type: 'code', documentation: 'What comes of it.', valueSet: VALUE_SET.acknowledgement }),
      input({
        name: 'by',
        type: 'string',
        documentation:
          'Role of whoever answers, in at most 60 letters and plain signs, such as duty social worker. Never a name, number or address of a person.',
      }),
    ],
    out: returns('Provenance', 'The answer: of which access, what, when, by the authority in which role.'),
  }),
  operation({
    name: 'disclosed',
    code: 'disclosed',
    title: 'What a check had shown',
    description:
      'For an auditor: the answer of a check as it was given, rebuilt from the versions of the plans that its AuditEvent names, whatever became of them since: Flags, plans as disclosed, their authorities and the words. Names and contacts of authorities are those of today; the access history and warnings are left out. A record of no answered check is 422; where a version is no longer held, 410 and no part. Itself recorded, with the number of the child.',
    resource: 'AuditEvent',
    level: 'instance',
    affectsState: false,
    in: [],
    out: returns('Bundle', 'As the answer of cpis-check.'),
  }),
  REPORT,
]
