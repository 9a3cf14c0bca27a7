/** Generated files are committed: this writes them, or says which ones differ from what would be written. */
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** File name → content. */
export type Generated = ReadonlyMap<string, string>

const root = join(import.meta.dirname, '../..')

/** Writes the files of a folder (`check` false) or compares them (`check` true). In a folder of `.json` files those that are no longer generated go, or count as a difference. True when all is as it should be. */
export function writeOrCompare(folder: string, files: Generated, check: boolean): boolean {
  const path = join(root, folder)
  const stale = staleFiles(path, files)
  const changed = [...files].filter(([name, text]) => contentOf(join(path, name)) !== text)
  if (check) {
    for (const name of [...stale, ...changed.map(([name]) => name)])
      console.error(`${folder}/${name} is not as generated`)
    return stale.length === 0 && changed.length === 0
  }
  mkdirSync(path, { recursive: true })
  for (const name of stale) unlinkSync(join(path, name))
  for (const [name, text] of changed) writeFileSync(join(path, name), text)
  return true
}

function staleFiles(path: string, files: Generated): readonly string[] {
  const isWhole = [...files.keys()].every((name) => name.endsWith('.json'))
  if (!isWhole || !existsSync(path)) return []
  return readdirSync(path).filter((name) => name.endsWith('.json') && !files.has(name))
}

function contentOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
