/** What a run leaves: a table on the screen, JSON in bench/results/, and the last table in bench/README.md with its command and machine. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const README = new URL('./README.md', import.meta.url)
const RESULTS = new URL('./results/', import.meta.url)

export interface Report {
  /** Name of the measurement; its place in README is between comments of that name. */
  readonly name: string
  readonly command: string
  readonly mongodVersion: string
  readonly tables: readonly Table[]
  /** Everything measured, for machines. */
  readonly figures: unknown
}

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Cores, memory, versions and how busy the machine was, in a line. */
export function describeMachine(mongodVersion?: string): string {
  const cores = cpus()
  const memoryGb = Math.round(totalmem() / 2 ** 30)
  const busy = loadavg()[0]?.toFixed(1) ?? '?'
  const model = cores[0]?.model.trim() ?? 'unknown processor'
  return `${cores.length} cores (${model}), ${memoryGb} GB, node ${process.versions.node}${mongodVersion === undefined ? '' : `, mongod ${mongodVersion}`}, load average before the run ${busy}`
}

/** Prints and writes. `inReadme`: whether the table of README is replaced. Disk I/O. */
export function publish(report: Report, machine: string, inReadme: boolean): void {
  const text = [`\`${report.command}\`: ${machine}`, ...report.tables.map(tableText)].join('\n\n')
  process.stdout.write(`\n${text}\n`)
  mkdirSync(RESULTS, { recursive: true })
  const file = new URL(`${report.name}.json`, RESULTS)
  const { name, command, figures } = report
  writeFileSync(file, `${JSON.stringify({ name, command, machine, at: new Date().toISOString(), figures }, null, 2)}\n`)
  process.stdout.write(`\nFigures: ${fileURLToPath(file)}\n`)
  if (inReadme) writeFileSync(README, replacePart(readFileSync(README, 'utf8'), report.name, text))
}

/** Puts `text` between `<!-- name -->` and `<!-- /name -->`. Throws when they are not there. Pure. */
export function replacePart(readme: string, name: string, text: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [readme.indexOf(start), readme.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`bench/README.md has no place for ${name}.`)
  return `${readme.slice(0, from + start.length)}\n${text}\n${readme.slice(to)}`
}

function tableText({ title, columns, rows }: Table): string {
  const lines = [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return [`**${title}**`, '', ...lines].join('\n')
}

/** 1234.5 → `1,235`; below ten with two places. Pure. */
export function figure(value: number): string {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en-GB')
}

/** 0.553 → `55 %`. Pure. */
export function percent(value: number): string {
  return `${Math.round(value * 100)} %`
}
