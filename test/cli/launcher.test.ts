import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'

const LAUNCHER = join(import.meta.dirname, '../../bin/cpis.js')
/** Makes the process that loads it believe that it is an old node; what it starts is what it is. */
const OLD_NODE = `if (process.env.CPIS_LAUNCHED === undefined) Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`
const PROGRAM = `
process.on('SIGTERM', () => { process.exit(7) })
const [word, code] = process.argv.slice(2)
console.log('node', process.versions.node, word)
if (word === 'wait') setInterval(() => {}, 1000)
else process.exitCode = Number(code)
`

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function ended(child: ChildProcess): Promise<Ended> {
  let out = ''
  let err = ''
  child.stdout?.on('data', (data) => {
    out += data
  })
  child.stderr?.on('data', (data) => {
    err += data
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })))
}

describe('the launcher', () => {
  let project: string

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'cpis-launcher-'))
    for (const folder of ['bin', 'src', 'node_modules/.bin']) mkdirSync(join(project, folder), { recursive: true })
    cpSync(LAUNCHER, join(project, 'bin/cpis.js'))
    writeFileSync(join(project, 'package.json'), '{"type":"module"}')
    writeFileSync(join(project, 'src/main.ts'), PROGRAM)
    writeFileSync(join(project, 'old-node.cjs'), OLD_NODE)
  })

  afterEach(() => rmSync(project, { recursive: true, force: true }))

  const start = (args: readonly string[], { old }: { readonly old: boolean }): ChildProcess => {
    const preload = old ? ['--require', join(project, 'old-node.cjs')] : []
    return spawn(process.execPath, [...preload, join(project, 'bin/cpis.js'), ...args], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  test('on an old node without the brought one says in one line what to do', async () => {
    const { code, out, err } = await ended(start(['token'], { old: true }))
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^cpis needs Node\.js 22\.20 or newer and this is 20\.20\.2: run `npm ci` in .*\n$/)
  })

  test('does not go in circles when the brought node is too old as well', async () => {
    symlinkSync(process.execPath, join(project, 'node_modules/.bin/node'))
    const always = OLD_NODE.replace('if (process.env.CPIS_LAUNCHED === undefined) ', '')
    writeFileSync(join(project, 'old-node.cjs'), always)
    const child = spawn(process.execPath, ['--require', join(project, 'old-node.cjs'), join(project, 'bin/cpis.js')], {
      env: { PATH: process.env['PATH'], CPIS_LAUNCHED: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { code, err } = await ended(child)
    expect(code).toBe(1)
    expect(err).toContain('too old as well')
  })

  test('on a new node runs the program itself', async () => {
    const { code, out } = await ended(start(['check', '0'], { old: false }))
    expect({ code, out }).toEqual({ code: 0, out: `node ${process.versions.node} check\n` })
  })

  test.each([0, 1, 3])('on an old node runs it on the brought one, and passes exit code %i on', async (status) => {
    symlinkSync(process.execPath, join(project, 'node_modules/.bin/node'))
    const { code, out } = await ended(start(['check', String(status)], { old: true }))
    expect({ code, out }).toEqual({ code: status, out: `node ${process.versions.node} check\n` })
  })

  test('passes a signal on and waits for the program to end', async () => {
    symlinkSync(process.execPath, join(project, 'node_modules/.bin/node'))
    const child = start(['wait'], { old: true })
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    expect((await ended(child)).code).toBe(7)
  })
})
