import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadSandboxIdentities } from '../../src/auth/sandbox-identities.ts'
import { makeKeys } from '../../src/keys.ts'
import { openConsole } from '../support/console.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-program-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A port that nobody listens on. */
const NOBODY = '9'

describe('the command line', () => {
  test.each([
    [['nonsense']],
    [['token']],
    [['check']],
    [['upload', 'x.json']],
    [['check', '1', '--what']],
    [['listen', '--authority', 'E10000007', '--port', 'x']],
  ])('%j is wrong usage: 2, with a hint', async (argv) => {
    const console = openConsole({ CPIS_DATA_DIR: folder })
    expect(await console.run(...argv)).toBe(2)
    expect(console.err()).toContain('cpis --help')
  })

  test('a variable that cannot be used is wrong usage, named with the remedy', async () => {
    const console = openConsole({ CPIS_DATA_DIR: folder, PORT: 'eighty' })
    expect(await console.run('token', 'ed-nurse')).toBe(2)
    expect(console.err()).toBe('PORT: must be a whole number from 0 to 65535.\n')
  })

  test('--help lists the commands and the exit codes', async () => {
    const console = openConsole({})
    expect(await console.run('--help')).toBe(0)
    for (const word of [
      'serve',
      'demo',
      'token',
      'check',
      'upload',
      'subscribe',
      'listen',
      'acknowledge',
      'lanes',
      'alerts',
      'clients',
      'audit',
      'doctor',
      'seed',
      'postman',
      'keys',
    ])
      expect(console.out()).toContain(word)
    expect(console.out()).toContain('3 server not reachable')
  })

  test('token without a data folder says what to start', async () => {
    const console = openConsole({ CPIS_DATA_DIR: join(folder, 'none') })
    expect(await console.run('token', 'ed-nurse')).toBe(1)
    expect(console.err()).toContain('npm start')
    expect(console.out()).toBe('')
  })

  test('a server that is not there is 3', async () => {
    loadSandboxIdentities(folder, ['E10000007'])
    const console = openConsole({ CPIS_DATA_DIR: folder, PORT: NOBODY })
    expect(await console.run('token', 'ed-nurse')).toBe(3)
    expect(console.err()).toContain('No server answers at http://127.0.0.1:9')
  })

  test.each(['none.json', 'empty'])('upload of %s is wrong usage', async (name) => {
    const console = openConsole({ CPIS_DATA_DIR: folder })
    expect(await console.run('upload', join(folder, name), '--as', 'la-E10000007')).toBe(2)
  })

  test('keys new makes a file that only its owner can read and never writes over one', async () => {
    const file = join(folder, 'keys.json')
    expect(await openConsole({}).run('keys', 'new', file)).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const made = readFileSync(file, 'utf8')
    expect(Object.keys(JSON.parse(made))).toEqual(Object.keys(makeKeys()))
    const again = openConsole({})
    expect(await again.run('keys', 'new', file)).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(made)
    expect(existsSync(file)).toBe(true)
  })

  test('doctor says what is wrong and what to do', async () => {
    const open = join(folder, 'open')
    const console = openConsole({ CPIS_DATA_DIR: folder, PORT: NOBODY, CPIS_MONGOD: '/bin/false', CPIS_KEYS: open })
    writeFileSync(open, '{}', { mode: 0o644 })
    expect(await console.run('doctor', '--json')).toBe(1)
    const findings = console
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const of = (what: string): { state: string; remedy?: string } => findings.findLast((one) => one.what === what)
    expect(of('database').state).toBe('fail')
    expect(of('key file')).toMatchObject({ state: 'fail', remedy: `chmod 600 ${open}` })
    expect(of('server')).toMatchObject({ state: 'warn', remedy: 'Start it with `npm start`.' })
  })
})

describe('a register that cannot be sure', () => {
  let server: Server

  beforeAll(async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'transient' }] }
    server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      const port = (server.address() as AddressInfo).port
      if (request.url?.endsWith('smart-configuration'))
        response.end(JSON.stringify({ token_endpoint: `http://127.0.0.1:${port}/oauth2/token` }))
      else if (request.url === '/oauth2/token') response.end('{"access_token":"t","expires_in":300}')
      else response.writeHead(request.url === '/health/live' ? 200 : 503).end(JSON.stringify(outcome))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    loadSandboxIdentities(folder, ['E10000007'])
  })

  afterAll(() => new Promise((resolve) => server.close(resolve)))

  test('P1 is exit code 4, and never words of "nothing known"', async () => {
    const console = openConsole({ CPIS_DATA_DIR: folder, PORT: String((server.address() as AddressInfo).port) })
    expect(await console.run('check', '9995973952')).toBe(4)
    expect(console.out()).toBe('')
    expect(console.err()).toContain('The server answered 503.')
  })
})
