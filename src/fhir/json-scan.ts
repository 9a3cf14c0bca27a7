/** One pass over JSON text, with a stack of its own instead of recursion: depth, nodes, keys and numbers, before JSON.parse builds anything. */

/** The first thing that must not be parsed, with the FHIRPath of its place where one can be told. */
export interface Fault {
  readonly kind: 'deep' | 'many' | 'syntax' | 'reserved-key' | 'duplicate-key' | 'key' | 'number' | 'text'
  readonly place?: string
}
type FaultKind = Fault['kind']

interface Level {
  /** Keys seen; undefined for an array. */
  readonly keys: Set<string> | undefined
  key: string
  /** Place in an array. */
  index: number
  /** In an object: the next string is a key. */
  awaitsKey: boolean
}

interface Scan {
  readonly text: string
  /** resourceType of the root, once it was seen. */
  rootType: string | undefined
  readonly levels: Level[]
  nodes: number
  at: number
}

const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])
/** No object of FHIR comes near it; very many keys in one object are slow to build. */
const MOST_KEYS = 1000
/** What an element name of R4 looks like. A key of another look may be a patient's value in the wrong place: it is not echoed. */
const ELEMENT_NAME = /^_?[A-Za-z][A-Za-z]{0,40}[0-9]{0,2}[A-Za-z]{0,20}$/
const NUMBER = /[-+0-9.eE]+/y
const [QUOTE, BACKSLASH, COMMA, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [34, 92, 44, 123, 125, 91, 93]

/** Looks through the text; undefined when nothing stands against JSON.parse. Grammar is left to JSON.parse. Cost is linear and ends at the first fault. Pure. */
export function scanJson(
  text: string,
  limits: { readonly maxDepth: number; readonly maxNodes: number },
): Fault | undefined {
  const scan: Scan = { text, rootType: undefined, levels: [], nodes: 0, at: 0 }
  while (scan.at < text.length) {
    const kind = step(scan, limits.maxDepth) ?? (scan.nodes > limits.maxNodes ? 'many' : undefined)
    if (kind !== undefined) return fault(scan, kind)
  }
  return undefined
}

function step(scan: Scan, maxDepth: number): FaultKind | undefined {
  const code = scan.text.charCodeAt(scan.at)
  if (code === QUOTE) return readString(scan)
  if (code === OPEN_OBJECT || code === OPEN_ARRAY) return open(scan, code === OPEN_OBJECT, maxDepth)
  if (code === 45 || (code >= 48 && code <= 57)) return readNumber(scan)
  if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) scan.levels.pop()
  else if (code === COMMA) nextMember(scan)
  // The first letter of true, false and null stands for the node; their other letters are passed over.
  else if (code === 116 || code === 102 || code === 110) skipWord(scan)
  scan.at += 1
  return undefined
}

function open(scan: Scan, isObject: boolean, maxDepth: number): FaultKind | undefined {
  if (scan.levels.length >= maxDepth) return 'deep'
  scan.levels.push({ keys: isObject ? new Set() : undefined, key: '', index: 0, awaitsKey: isObject })
  scan.nodes += 1
  scan.at += 1
  return undefined
}

function nextMember(scan: Scan): void {
  const level = scan.levels.at(-1)
  if (level === undefined) return
  if (level.keys === undefined) level.index += 1
  else level.awaitsKey = true
}

function skipWord(scan: Scan): void {
  scan.nodes += 1
  while (scan.text.charCodeAt(scan.at + 1) >= 97 && scan.text.charCodeAt(scan.at + 1) <= 122) scan.at += 1
}

function readNumber(scan: Scan): FaultKind | undefined {
  NUMBER.lastIndex = scan.at
  const token = NUMBER.exec(scan.text)?.[0] ?? ''
  if (token.length > 40 || !isKeptExactly(token)) return 'number'
  scan.nodes += 1
  scan.at += token.length
  return undefined
}

function isKeptExactly(token: string): boolean {
  const value = Number(token)
  return /^-?[0-9]+$/.test(token) ? Number.isSafeInteger(value) : Math.abs(value) !== Number.POSITIVE_INFINITY
}

function readString(scan: Scan): FaultKind | undefined {
  const end = endOfString(scan.text, scan.at)
  if (end === -1) return 'syntax'
  const token = scan.text.slice(scan.at + 1, end)
  const value = token.includes('\\') ? unescapeText(token) : token
  if (value === undefined) return 'syntax'
  scan.at = end + 1
  const level = scan.levels.at(-1)
  if (level?.awaitsKey === true && level.keys !== undefined) return takeKey(level, level.keys, value)
  scan.nodes += 1
  if (scan.levels.length === 1 && level?.key === 'resourceType') scan.rootType = value
  return value.isWellFormed() ? undefined : 'text'
}

function takeKey(level: Level, keys: Set<string>, key: string): FaultKind | undefined {
  level.awaitsKey = false
  level.key = key
  if (key.startsWith('$')) return 'key'
  if (RESERVED.has(key)) return 'reserved-key'
  if (!key.isWellFormed()) return 'text'
  if (keys.has(key)) return 'duplicate-key'
  if (keys.size >= MOST_KEYS) return 'many'
  keys.add(key)
  return undefined
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote === -1) return -1
    let backslashes = 0
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH && quote - 1 - backslashes > start) backslashes += 1
    if (backslashes % 2 === 0) return quote
    at = quote + 1
  }
}

function unescapeText(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(`"${token}"`)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** FHIRPath of where the scan stands. Too deep: the first two steps are place enough. Reserved and $ keys: the object that holds them. */
function fault(scan: Scan, kind: FaultKind): Fault {
  if (kind === 'syntax' || kind === 'many') return { kind }
  if (scan.levels[0]?.keys === undefined) return { kind }
  const root = /^[A-Z][A-Za-z]{1,40}$/.test(scan.rootType ?? '') ? (scan.rootType ?? 'Resource') : 'Resource'
  const isKeyFault = kind === 'reserved-key' || kind === 'key'
  const levels = kind === 'deep' ? scan.levels.slice(0, 2) : isKeyFault ? scan.levels.slice(0, -1) : scan.levels
  return { kind, place: levels.reduce(addStep, root) }
}

function addStep(place: string, level: Level): string {
  if (level.keys === undefined) return `${place}[${level.index}]`
  return ELEMENT_NAME.test(level.key) ? `${place}.${level.key.replace(/^_/, '')}` : place
}
