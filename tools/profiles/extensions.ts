/** Our extensions, each with where it may stand (interface.md "Profiles", row extensions). */
import type { StructureDefinition } from '@medplum/fhirtypes'
import { EXTENSION, VALUE_SET } from '../../src/fhir/canonicals.ts'
import { identifier } from './common-elements.ts'
import { type ElementSpec, type ExtensionUse, one } from './profile-spec.ts'
import { writeExtension } from './write-profile.ts'

interface Said {
  readonly name: string
  readonly title: string
  readonly description: string
}

/** An extension with one value. */
function simple(said: Said, context: string, value: ElementSpec): StructureDefinition {
  const url = { fixed: { Uri: urlOf(said.name) } }
  return writeExtension({ ...said, type: 'Extension', root: { children: { url, 'value[x]': one(value) } } }, [context])
}

/** An extension with parts. */
function complex(said: Said, context: string, parts: Readonly<Record<string, ExtensionUse>>): StructureDefinition {
  const url = { fixed: { Uri: urlOf(said.name) } }
  return writeExtension({ ...said, type: 'Extension', root: { children: { url }, extensions: parts } }, [context])
}

function urlOf(name: string): string {
  const found = Object.values(EXTENSION).find((url) => url.endsWith(`/${name}`))
  if (found === undefined) throw new Error(`no URL is known for the extension ${name}`)
  return found
}

const PLAN = 'EpisodeOfCare'
const DAY: ElementSpec = { types: [{ code: 'date' }] }
const NUMBER: ElementSpec = { types: [{ code: 'Identifier' }], ...identifier('https://fhir.nhs.uk/Id/nhs-number') }

function part(url: string, type: string, use: Partial<ExtensionUse> = {}): ExtensionUse {
  return { url, min: 1, value: { type }, ...use }
}

export const EXTENSIONS: readonly StructureDefinition[] = [
  simple(
    {
      name: 'cpis-legal-basis',
      title: 'Legal basis',
      description:
        'The section of the Children Act 1989 that brings a looked-after child in scope. Private to the local authority: checked, kept, never shown to the NHS.',
    },
    PLAN,
    { types: [{ code: 'code' }], valueSet: VALUE_SET.legalBasis },
  ),
  simple(
    {
      name: 'cpis-expected-delivery-date',
      title: 'Expected date of delivery',
      description:
        'Of an unborn child. For a closed unborn plan events stop 28 days after it. Private to the local authority.',
    },
    PLAN,
    DAY,
  ),
  simple(
    {
      name: 'cpis-shown-until',
      title: 'Shown until',
      description:
        'Last day on which an ended plan is shown: its end + 365 days. Absent while it is open. Set by the server.',
    },
    PLAN,
    DAY,
  ),
  simple(
    {
      name: 'cpis-case-status',
      title: 'Case status',
      description: 'Whether the plan is open or closed on the day of the answer. Set by the server.',
    },
    PLAN,
    { types: [{ code: 'code' }], valueSet: VALUE_SET.caseStatus },
  ),
  simple(
    {
      name: 'cpis-days-without-number',
      title: 'Days without an NHS number',
      description:
        'How many days the plan has waited for an NHS number, invisible to the NHS. Set by the server; only its local authority sees it.',
    },
    PLAN,
    { types: [{ code: 'integer' }] },
  ),
  simple(
    {
      name: 'cpis-new-number',
      title: 'New NHS number',
      description:
        'The NHS number that has replaced the one on the plan. Re-file the plan with it. Set by the server; only its local authority sees it.',
    },
    PLAN,
    NUMBER,
  ),
  simple(
    {
      name: 'cpis-baby-number',
      title: "Baby's NHS number",
      description:
        'The NHS number of a baby born to the mother of an unborn plan. Set by the server; only its local authority sees it.',
    },
    PLAN,
    NUMBER,
  ),
  complex(
    {
      name: 'cpis-incident',
      title: 'Incident',
      description:
        'The incident to which an access belongs: accesses within 12 hours of each other and 48 hours of the first are legs of one incident.',
    },
    'AuditEvent',
    {
      id: part('id', 'string', { short: 'Id of the incident' }),
      leg: part('leg', 'positiveInt', { short: 'Place of this access in it, from 1' }),
      incidentsInSixMonths: part('incidentsInSixMonths', 'positiveInt', {
        short: 'Incidents of the child in the last six calendar months, this one included',
      }),
    },
  ),
  simple(
    {
      name: 'cpis-mail-digest',
      title: 'Mail digest',
      description:
        'Of a channel by mail: for how many minutes, 1 to 1,440, a mail gathers events, counted from the first of them; up to max-count of them, 100 unless told. Without it each event is a mail of its own, or as many as wait, up to max-count.',
    },
    'Subscription.channel',
    { types: [{ code: 'positiveInt' }] },
  ),
  complex(
    {
      name: 'cpis-acknowledgement',
      title: 'Acknowledgement',
      description:
        'What the authority that reads has answered to the access. Repeats, oldest first: the last one stands. Set by $acknowledge; no one else sees it.',
    },
    'AuditEvent',
    {
      code: {
        url: 'code',
        min: 1,
        value: { type: 'code', valueSet: VALUE_SET.acknowledgement },
        short: 'What comes of it',
      },
      by: part('by', 'string', { short: 'Role of whoever answered' }),
      recorded: part('recorded', 'instant', { short: 'When' }),
    },
  ),
  complex(
    {
      name: 'cpis-subscription-topic',
      title: 'Subscription topic',
      description:
        'What R5 says in a SubscriptionTopic, on a Basic: the canonical to subscribe to, what an event is, and the filters. The cross-version extensions of R5 are not used because R4 tools that do not load R5 refuse them.',
    },
    'Basic',
    {
      url: part('url', 'uri', { short: 'Canonical: the criteria of a Subscription' }),
      version: part('version', 'string'),
      title: part('title', 'string'),
      status: part('status', 'code', {
        value: { type: 'code', valueSet: 'http://hl7.org/fhir/ValueSet/publication-status' },
      }),
      description: part('description', 'markdown', { short: 'What an event is' }),
      focus: part('focus', 'code', { short: 'Type of the focus of a notification' }),
      filter: part('filter', 'string', { min: 0, max: '*', short: 'A filter: its name, and how it is written' }),
    },
  ),
]
