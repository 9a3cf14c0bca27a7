/** `node bench/profile-parts.ts PROFILE [PROFILE]`: a CPU profile of the server (`--profile FOLDER`) as a table of parts, so that what a check costs is seen by room and library; two are put side by side. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

/** Of V8 (chrome devtools protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** Microseconds of busy time by part. */
export type Parts = ReadonlyMap<string, number>

interface Rule {
  readonly part: string
  readonly url?: RegExp
  readonly name?: RegExp
}

/** First that fits; a native function without an address belongs to whoever called it. */
const RULES: readonly Rule[] = [
  { part: 'garbage collection', name: /^\(garbage collector\)$/ },
  { part: 'socket writes', name: /^(writev|writeBuffer|writeUtf8String|writeLatin1String|writeAsciiString)$/ },
  { part: 'driver and BSON', url: /node_modules\/(mongodb|bson)\// },
  {
    part: 'Express',
    url: /node_modules\/(express|router|finalhandler|send|serve-static|body-parser|qs|helmet|path-to-regexp|accepts|negotiator|on-finished|parseurl|type-is|content-type|etag|fresh)\//,
  },
  { part: 'tokens (jose)', url: /node_modules\/jose\// },
  { part: 'log (pino)', url: /node_modules\/(pino|sonic-boom|thread-stream|pino-.*)\// },
  { part: 'metrics', url: /node_modules\/(prom-client|tdigest|bintrees|@opentelemetry)\// },
  { part: 'limits', url: /node_modules\/rate-limiter-flexible\// },
  { part: 'other packages', url: /node_modules\// },
  { part: 'crypto of node', url: /node:internal\/crypto|node:crypto/ },
  { part: 'HTTP of node', url: /node:_http|node:internal\/http/ },
  {
    part: 'sockets and streams of node',
    url: /node:net|node:stream|node:internal\/(streams|stream_base_commons|js_stream_socket)|node:dgram|node:tls/,
  },
  {
    part: 'timers and promises of node',
    url: /node:internal\/(timers|process|async_hooks|async_local_storage|abort_controller|event_target)|node:timers|node:async_hooks|node:events/,
  },
  { part: 'other of node', url: /^node:/ },
]

const NATIVE = 'native, called by nothing of JavaScript'

/** Self time of every part, idle time left out. Pure. */
export function partsOf({ nodes, samples, timeDeltas }: CpuProfile): Parts {
  const parents = new Map<number, ProfileNode>()
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const partById = new Map<number, string>()
  const parts = new Map<string, number>()
  samples.forEach((id, place) => {
    const node = byId.get(id)
    if (node === undefined || node.callFrame.functionName === '(idle)') return
    const part = partById.get(id) ?? partOf(node, parents)
    partById.set(id, part)
    parts.set(part, (parts.get(part) ?? 0) + Math.max(0, timeDeltas[place] ?? 0))
  })
  return parts
}

function partOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): string {
  for (let at: ProfileNode | undefined = node; at !== undefined; at = parents.get(at.id)) {
    const { functionName, url } = at.callFrame
    const rule = RULES.find(
      (one) => one.name?.test(functionName) === true || (url !== '' && one.url?.test(url) === true),
    )
    if (rule !== undefined) return rule.part
    const room = /\/src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(url)?.[1]
    if (room !== undefined) return `ours: ${room}`
  }
  return NATIVE
}

/** Markdown: parts with their share of busy time, the largest first; of two profiles, both. Pure. */
export function partsTable(profiles: readonly (readonly [name: string, parts: Parts])[]): string {
  const sums = profiles.map(([, parts]) => [...parts.values()].reduce((sum, one) => sum + one, 0))
  const names = new Set(profiles.flatMap(([, parts]) => [...parts.keys()]))
  const share = (part: string, place: number): number =>
    ((profiles[place]?.[1].get(part) ?? 0) / (sums[place] || 1)) * 100
  const last = profiles.length - 1
  const rows = [...names].toSorted((a, b) => share(b, last) - share(a, last))
  const ours = profiles.map(([, parts]) =>
    [...parts].filter(([part]) => part.startsWith('ours: ')).reduce((sum, [, micros]) => sum + micros, 0),
  )
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(['part', ...profiles.map(([name]) => name)]),
    line(['---', ...profiles.map(() => '---')]),
    ...rows.map((part) => line([part, ...profiles.map((_, place) => `${share(part, place).toFixed(1)} %`)])),
    line(['our code in all', ...ours.map((micros, place) => `${((micros / (sums[place] || 1)) * 100).toFixed(1)} %`)]),
    line(['busy seconds', ...sums.map((micros) => (micros / 1e6).toFixed(1))]),
  ].join('\n')
}

/** A file, or the largest profile in a folder: the others are of short-lived processes. */
function readProfile(path: string): CpuProfile {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith('.cpuprofile'))
        .map((name) => join(path, name))
    : [path]
  const [largest] = files.toSorted((a, b) => statSync(b).size - statSync(a).size)
  if (largest === undefined) throw new Error(`${path} holds no .cpuprofile.`)
  return JSON.parse(readFileSync(largest, 'utf8')) as CpuProfile
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const paths = process.argv.slice(2)
  if (paths.length === 0) {
    process.stderr.write('node bench/profile-parts.ts PROFILE|FOLDER [PROFILE|FOLDER]\n')
    process.exitCode = 2
  } else {
    const names = paths.length === 2 ? ['before', 'after'] : paths.map((path) => path.split('/').at(-1) ?? path)
    const profiles = paths.map((path, place) => [names[place] ?? path, partsOf(readProfile(path))] as const)
    process.stdout.write(`${partsTable(profiles)}\n`)
  }
}
