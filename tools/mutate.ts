/** Mutants of an instance as JSON Patches (RFC 6902): every node dropped, doubled, retyped, renamed, emptied, given a wrong code, system or date, or something more. In a fixed order. */

/** One change of one instance. */
export interface Mutant {
  /** What was done, and where. */
  readonly name: string
  readonly patch: readonly Operation[]
}

type Operation =
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }

interface Node {
  readonly path: string
  readonly value: unknown
  /** Name of the member, also of the items of a list. */
  readonly name: string
  readonly isItem: boolean
}

type Mutate = (node: Node) => readonly (readonly [string, readonly Operation[]])[]

/** All mutants of a resource; its type and the profile it claims are left as they are. Pure. */
export function mutantsOf(resource: object): readonly Mutant[] {
  return nodesOf(resource).flatMap((node) =>
    MUTATIONS.flatMap((mutate) =>
      mutate(node).map(([what, patch]) => ({ name: `${what} ${node.path || '/'}`, patch })),
    ),
  )
}

function nodesOf(resource: object): readonly Node[] {
  const nodes: Node[] = []
  const visit = (node: Node): void => {
    if (/^\/(resourceType|meta\/profile)/.test(node.path)) return
    // Without its meta it would claim nothing
    if (node.path !== '/meta') nodes.push(node)
    const { value, path, name } = node
    if (Array.isArray(value)) {
      for (const [at, item] of value.entries()) visit({ path: `${path}/${at}`, value: item, name, isItem: true })
    } else if (isObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        visit({ path: `${path}/${key}`, value: member, name: key, isItem: false })
      }
    }
  }
  visit({ path: '', value: resource, name: '', isItem: false })
  return nodes
}

const replace = (path: string, value: unknown): Operation => ({ op: 'replace', path, value })
const add = (path: string, value: unknown): Operation => ({ op: 'add', path, value })
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const drop: Mutate = ({ path }) => (path === '' ? [] : [['without', [{ op: 'remove', path }]]])

const double: Mutate = ({ path, value, isItem }) => (isItem ? [['twice', [add(path.replace(/\d+$/, '-'), value)]]] : [])

const retype: Mutate = ({ path, value, isItem }) => {
  if (path === '') return []
  if (Array.isArray(value)) return [['unwrapped', [replace(path, value[0])]]]
  const other = isObject(value) ? 'a text' : { a: 'text' }
  return [
    ['of another type', [replace(path, other)]],
    ...(isItem ? [] : [['as a list', [replace(path, [value])]] as const]),
    ...(typeof value === 'string' ? [['as a number', [replace(path, 5)]] as const] : []),
    ...(typeof value === 'boolean' ? [['as a text', [replace(path, String(value))]] as const] : []),
  ]
}

const rename: Mutate = ({ path, value, isItem }) =>
  path === '' || isItem ? [] : [['renamed', [{ op: 'remove', path }, add(`${path}Other`, value)]]]

const empty: Mutate = ({ path, value }) => {
  if (path === '') return []
  const nothing = Array.isArray(value) ? [] : isObject(value) ? {} : ''
  return [
    ['empty', [replace(path, nothing)]],
    ['null', [replace(path, null)]],
  ]
}

const CODES = new Set(['code', 'status', 'use', 'type', 'mode', 'action', 'outcome', 'content', 'valueCode'])
const recode: Mutate = ({ path, value, name }) =>
  typeof value === 'string' && CODES.has(name)
    ? [
        ['wrong code', [replace(path, 'nonsense')]],
        ['blank around the code', [replace(path, ` ${value}`)]],
      ]
    : []

const resystem: Mutate = ({ path, value, name }) =>
  typeof value === 'string' && (name === 'system' || name === 'url' || name === 'reference')
    ? [
        ['another', [replace(path, 'http://other.example/thing')]],
        ['no URI', [replace(path, 'not a uri')]],
      ]
    : []

const DATES = [
  '2026',
  '2026-05',
  '2026-05-03',
  '2026-05-03T10:00:00Z',
  '2026-05-03T10:00:00.123+01:00',
  '2026-05-03T10:00:00',
  '2026-05-03T10:00Z',
  '2026-02-30',
  '2026-13-01',
  '03/05/2026',
  '2026-5-3',
  '2026-05-03T25:00:00Z',
  '1800-01-01',
]
const redate: Mutate = ({ path, value }) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value)
    ? DATES.map((date) => [`date ${date}`, [replace(path, date)]] as const)
    : []

const retext: Mutate = ({ path, value, name }) =>
  typeof value === 'string' && !CODES.has(name) && !/^\d{4}-/.test(value)
    ? [
        ['a blank at its end', [replace(path, `${value} `)]],
        ['a control character', [replace(path, `${value}\u0007`)]],
      ]
    : []

const EXTENSION = [{ url: 'https://other.example/extension', valueString: 'x' }]
const more: Mutate = ({ path, value }) =>
  isObject(value)
    ? [
        ['unknown element in', [add(`${path}/unknownThing`, 'x')]],
        ['extension in', [add(`${path}/extension`, EXTENSION)]],
        ['modifier extension in', [add(`${path}/modifierExtension`, EXTENSION)]],
        ['id in', [add(`${path}/id`, 'a-1')]],
        ['id with blanks in', [add(`${path}/id`, 'a 1')]],
        ['display in', [add(`${path}/display`, 'shown')]],
        ['use in', [add(`${path}/use`, 'official')]],
        ['version in', [add(`${path}/version`, '1')]],
        ['text in', [add(`${path}/text`, 'said')]],
        ['period in', [add(`${path}/period`, { start: '2026-05-03', end: '2026-05-02' })]],
      ]
    : []

const beside: Mutate = ({ path, value, isItem }) =>
  path === '' || isItem || typeof value !== 'string'
    ? []
    : [
        ['extension beside', [add(path.replace(/\/([^/]+)$/, '/_$1'), { extension: EXTENSION })]],
        ['id beside', [add(path.replace(/\/([^/]+)$/, '/_$1'), { id: 'a-1' })]],
        [
          'nothing but an extension for',
          [{ op: 'remove', path }, add(path.replace(/\/([^/]+)$/, '/_$1'), { extension: EXTENSION })],
        ],
      ]

const MUTATIONS: readonly Mutate[] = [
  drop,
  double,
  retype,
  rename,
  empty,
  recode,
  resystem,
  redate,
  retext,
  more,
  beside,
]
