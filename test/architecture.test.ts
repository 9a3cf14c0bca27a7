/** Holds the arrows of architecture.md: a room imports only what stands right of it; one room per library. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../src/', import.meta.url))

/** Room → rooms it may import from; `type` marks what may be imported as types only. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  http: ['interactions', 'auth', 'fhir', 'root'],
  interactions: ['auth', 'domain', 'fhir', 'store/store.ts', 'store/delivery-store.ts', 'root'],
  auth: ['fhir', 'store/store.ts', 'type domain', 'root'],
  delivery: ['domain', 'fhir', 'store/store.ts', 'store/delivery-store.ts', 'root'],
  store: ['type domain', 'type fhir', 'root'],
  domain: ['fhir'],
  fhir: [],
}
/** Files at the top of src that rooms may import. */
const ROOT_FILES = ['context.ts', 'config.ts', 'keys.ts', 'metrics.ts', 'limits.ts', 'turns.ts']

const OWNER_OF: Readonly<Record<string, string>> = {
  express: 'http',
  mongodb: 'store',
  jose: 'auth',
  undici: 'delivery',
  nodemailer: 'delivery',
}

/** docs/decisions/0007 */
const WAYS_OUT = ['delivery/guarded-fetch.ts', 'delivery/send-mail.ts']

interface Import {
  readonly file: string
  readonly room: string
  readonly target: string
  readonly isType: boolean
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    const path = join(folder, one.name)
    return one.isDirectory() ? sources(path) : path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(path: string): Import[] {
  const file = relative(ROOT, path)
  const room = file.includes('/') ? (file.split('/')[0] ?? '') : 'root'
  return [
    ...readFileSync(path, 'utf8').matchAll(/^(?:import|export)\s+(type\s+)?([^'"]*?from\s+)?['"]([^'"]+)['"]/gm),
  ].map((found) => {
    const specifier = found[3] ?? ''
    const target = specifier.startsWith('.') ? relative(ROOT, resolve(dirname(path), specifier)) : specifier
    const names = found[2] ?? ''
    const allTypes =
      /^\{[^}]*\}/.test(names) &&
      names
        .replace(/^\{|\}.*$/gs, '')
        .split(',')
        .filter((one) => one.trim() !== '')
        .every((one) => one.trim().startsWith('type '))
    return { file, room, target, isType: found[1] !== undefined || allTypes }
  })
}

const IMPORTS = sources(ROOT).flatMap(importsOf)

function isAllowed({ room, target, isType }: Import): boolean {
  if (!target.includes('/') && target.endsWith('.ts'))
    return ROOT_FILES.includes(target) && (ARROWS[room] ?? []).includes('root')
  const [targetRoom = ''] = target.split('/')
  if (targetRoom === room) return true
  return (ARROWS[room] ?? []).some((one) =>
    one.startsWith('type ') ? isType && one === `type ${targetRoom}` : one === targetRoom || one === target,
  )
}

/** A call of fetch in a file that binds no fetch of its own: the guarded one is always handed in. */
function usesGlobalFetch(text: string): boolean {
  return /(?<![.\w])fetch\(/.test(text) && !/(?:[({,]|const)\s*fetch\s*[,})=:]|fetch of /.test(text)
}

describe('architecture', () => {
  test('every room imports only what stands right of it', () => {
    const local = IMPORTS.filter(
      (one) => one.room in ARROWS && (one.target.endsWith('.ts') || one.target.startsWith('..')),
    )
    expect(local.length).toBeGreaterThan(200)
    expect(local.filter((one) => !isAllowed(one)).map((one) => `${one.file} → ${one.target}`)).toEqual([])
  })

  test('express, mongodb, jose and the way out belong to one room each', () => {
    const wrong = IMPORTS.filter((one) => one.target in OWNER_OF && one.room !== OWNER_OF[one.target])
    expect(wrong.map((one) => `${one.file} → ${one.target}`)).toEqual([])
  })

  test('only the guarded fetch and, by SMTP, send-mail open outgoing connections, the command line aside', () => {
    const wrong = sources(ROOT)
      .map((path) => ({ file: relative(ROOT, path), text: readFileSync(path, 'utf8') }))
      .filter(({ file }) => !file.startsWith('cli/') && !WAYS_OUT.includes(file))
      .filter(
        ({ text }) =>
          usesGlobalFetch(text) || /from '(undici|nodemailer)'|https?\.request\(|(net|tls)\.connect\(/.test(text),
      )
    expect(wrong.map(({ file }) => file)).toEqual([])
  })

  test('no room reads the process, the clock or chance by itself', () => {
    const rooms = Object.keys(ARROWS)
    const wrong = sources(ROOT)
      .map((path) => ({ file: relative(ROOT, path), text: readFileSync(path, 'utf8') }))
      .filter(({ file }) => rooms.includes(file.split('/')[0] ?? ''))
      .filter(({ text }) => /process\.env|Math\.random|new Date\(\)/.test(text))
    expect(wrong.map(({ file }) => file)).toEqual([])
  })
})
