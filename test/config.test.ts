/** What production refuses to start with, each in one line with its remedy (security.md "Tokens"). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { openAuth } from '../src/auth/auth.ts'
import { ConfigError, parseConfig } from '../src/config.ts'
import { keysFileOf, keysText, loadKeys, makeKeys } from '../src/keys.ts'
import { startServer } from '../src/server.ts'
import { readServerFacts } from '../src/store/database-facts.ts'
import { testDatabase } from './support/database.ts'

const folder = mkdtempSync(join(tmpdir(), 'cpis-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const keysFile = join(folder, 'production.json')
writeFileSync(keysFile, keysText(makeKeys()), { mode: 0o600 })

const SAFE = {
  CPIS_MODE: 'production',
  CPIS_BASE_URL: 'https://cpis.example',
  CPIS_KEYS: keysFile,
  CPIS_DATA_DIR: join(folder, 'data'),
  MONGODB_URL: 'mongodb://db.example/?replicaSet=cpis',
}
const MAIL = { CPIS_SMTP_URL: 'smtp://cpis:secret@mail.example:587', CPIS_MAIL_FROM: 'cpis@nhs.example' }
const production = (change: Readonly<Record<string, string>> = {}) => parseConfig({ ...SAFE, ...change })

describe('production', () => {
  test('starts with safe settings, and issues no tokens itself', () => {
    expect(production()).toMatchObject({ mode: 'production', embeddedIssuer: false, nhsNumberInUrl: 'refuse' })
    expect(production({ CPIS_EMBEDDED_ISSUER: 'on' }).embeddedIssuer).toBe(true)
  })

  test.each([
    ['the test clock', { CPIS_SANDBOX_NOW: '2026-05-03T08:00:00Z' }, 'CPIS_SANDBOX_NOW: ', 'Unset it.'],
    ['limits off', { CPIS_LIMITS: 'off' }, 'CPIS_LIMITS: ', 'Use default or a JSON file.'],
    ['NHS numbers in addresses', { CPIS_NHS_NUMBER_IN_URL: 'allow' }, 'CPIS_NHS_NUMBER_IN_URL: ', 'Unset it'],
    ['no keys of its own', { CPIS_KEYS: '' }, 'CPIS_KEYS: ', '`cpis keys new FILE`'],
    ['no database named', { MONGODB_URL: '' }, 'MONGODB_URL: ', 'CPIS_EMBEDDED_MONGODB=yes'],
    ['an embedded database refused', { MONGODB_URL: '', CPIS_EMBEDDED_MONGODB: 'no' }, 'MONGODB_URL: ', 'Name it'],
    ['no base URL', { CPIS_BASE_URL: '' }, 'CPIS_BASE_URL: ', 'Set it.'],
    ['plain http', { CPIS_BASE_URL: 'http://cpis.example' }, 'CPIS_BASE_URL: ', 'https origin'],
    ['a public address without TLS', { CPIS_BASE_URL: '', HOST: '0.0.0.0' }, 'CPIS_BASE_URL: ', 'HOST to 127.0.0.1'],
    ['a public address and http', { CPIS_BASE_URL: 'http://a.example', HOST: '::' }, 'CPIS_BASE_URL: ', 'without TLS'],
    ['a worklist without TLS', { ...MAIL, CPIS_MAIL_LINK: 'http://x.example' }, 'CPIS_MAIL_LINK: ', 'https'],
    ['a worklist that is no address', { ...MAIL, CPIS_MAIL_LINK: 'worklist' }, 'CPIS_MAIL_LINK: ', 'https'],
    ['a worklist with a line end', { ...MAIL, CPIS_MAIL_LINK: 'https://x.example/\nBcc' }, 'CPIS_MAIL_LINK: ', 'https'],
    ['mail without a sender', { ...MAIL, CPIS_MAIL_FROM: '' }, 'CPIS_MAIL_FROM: ', 'cpis@nhs.example'],
    [
      'a sender with a name',
      { ...MAIL, CPIS_MAIL_FROM: 'CP-IS <cpis@nhs.example>' },
      'CPIS_MAIL_FROM: ',
      'one plain address',
    ],
    ['a sender without a server', { ...MAIL, CPIS_SMTP_URL: '' }, 'CPIS_SMTP_URL: ', 'Set it, or unset'],
    ['a mail server by name alone', { ...MAIL, CPIS_SMTP_URL: 'mail.example' }, 'CPIS_SMTP_URL: ', 'smtps://'],
    ['a web server for mail', { ...MAIL, CPIS_SMTP_URL: 'https://mail.example' }, 'CPIS_SMTP_URL: ', 'smtps://'],
    [
      'options that turn TLS off',
      { ...MAIL, CPIS_SMTP_URL: 'smtp://mail.example?ignoreTLS=true' },
      'CPIS_SMTP_URL: ',
      'nothing behind it',
    ],
    [
      'a user without a password',
      { ...MAIL, CPIS_SMTP_URL: 'smtps://cpis@mail.example' },
      'CPIS_SMTP_URL: ',
      'PASSWORD',
    ],
  ])('refuses %s, naming the setting and the remedy in one line', (_name, change, variable, remedy) => {
    expect(() => production(change)).toThrow(ConfigError)
    let message = ''
    try {
      production(change)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message.startsWith(variable)).toBe(true)
    expect(message).toContain(remedy)
    expect(message).not.toContain('\n')
  })

  test('takes a mail server, and never says its password', () => {
    expect(production(MAIL)).toMatchObject({ mailFrom: 'cpis@nhs.example', mailLink: undefined })
    expect(production(MAIL).smtpUrl?.hostname).toBe('mail.example')
    expect(() => production({ ...MAIL, CPIS_SMTP_URL: `${MAIL.CPIS_SMTP_URL}/x` })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  })

  test('takes an embedded database with the explicit word', () => {
    expect(production({ MONGODB_URL: '', CPIS_EMBEDDED_MONGODB: 'yes' }).embeddedMongodb).toBe(true)
    expect(() => production({ CPIS_EMBEDDED_MONGODB: 'maybe' })).toThrow(/^CPIS_EMBEDDED_MONGODB: /)
  })

  test('refuses the keys of a sandbox, wherever they were moved', () => {
    const sandbox = parseConfig({ CPIS_DATA_DIR: join(folder, 'sandbox') })
    const made = loadKeys(sandbox)
    expect(made.madeBy).toBe('sandbox')
    expect(loadKeys(sandbox)).toEqual(made)
    const moved = join(folder, 'moved.json')
    writeFileSync(moved, keysText(made), { mode: 0o600 })
    expect(() => loadKeys(production({ CPIS_KEYS: moved }))).toThrow(
      /^CPIS_KEYS: .*made by a sandbox\. Make keys for production/,
    )
  })

  test('refuses the place of a sandbox, whose files had no mark once', () => {
    const { madeBy: _mark, ...unmarked } = loadKeys(parseConfig({ CPIS_DATA_DIR: join(folder, 'sandbox') }))
    const dataDir = join(folder, 'sandbox')
    const file = keysFileOf({ keysFile: undefined, dataDir })
    writeFileSync(file, keysText(unmarked))
    expect(() => loadKeys(production({ CPIS_KEYS: file, CPIS_DATA_DIR: dataDir }))).toThrow(/made by a sandbox/)
    expect(loadKeys(production())).toMatchObject({ hmac: { id: 'h1' } })
  })

  test('knows no identity of a sandbox', () => {
    const auth = openAuth(production(), ['E10000007'])
    expect(auth.issuers).toEqual([])
  })

  test('starts on the database of the run exactly when its version is safe, as the table of versions has it', async () => {
    const { url, database, drop } = testDatabase()
    const client = new MongoClient(url)
    const { version } = await readServerFacts(client.db(database)).finally(() => client.close())
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
    const isSafe =
      (major === 7 && minor === 0 && patch >= 32) ||
      (major === 8 && minor === 0 && patch >= 21) ||
      (major === 8 && minor >= 2) ||
      major > 8
    const config = production({
      MONGODB_URL: url,
      CPIS_DATABASE: database,
      PORT: '0',
      METRICS_PORT: '0',
      LOG_LEVEL: 'silent',
    })
    const outcome = await startServer(config).then(
      async (server) => {
        await server.close()
        return 'started'
      },
      (error: Error) => error.message,
    )
    await drop()
    expect(outcome).toBe(
      isSafe
        ? 'started'
        : `MONGODB_URL: MongoDB ${version} has known holes. Upgrade to 7.0.32, 8.0.21 or the newest patch of 8.2 or later.`,
    )
  })
})
