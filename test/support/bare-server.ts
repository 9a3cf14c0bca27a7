/** Servers as a deployment first starts them, for a test file: an empty directory, settings files, no tokens of its own but those of an outside identity provider, whose key the test holds. Production mode itself refuses a MongoDB as old as the run's may be; what it adds is tested elsewhere. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { parseConfig } from '../../src/config.ts'
import { keysText, makeJwk, makeKeys } from '../../src/keys.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { freePort } from '../../src/store/mongod-process.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { handMadeJwt } from './tokens.ts'

const ORIGIN = 'https://register.example'
const ISSUER = 'https://idp.example'
const CHECK = 'https://cpis.example/fhir/scope/check'
const ADMIN = 'https://cpis.example/fhir/scope/admin'
const AUDIT = 'user/AuditEvent.rs'
const PLANS = 'system/EpisodeOfCare.cruds system/Patient.cruds system/Flag.cruds system/Organization.rus'
const ADMINISTRATOR = '555000000001'
const AUDITOR = '555000000002'

/** A nurse at that organisation, a person of the register's staff, or Derbyshire's system. */
export type Who = { readonly nurseOf: string } | 'administrator' | 'auditor' | 'council'

export interface BareServer {
  /** Where it listens; it calls itself https://register.example. */
  readonly url: string
  /** Where another server process's worth of state over the same database and keys listens. */
  readonly second: string
  token(who: Who): string
  close(): Promise<void>
}

/** Starts two over one database, and takes out the directory that a sandbox brings. */
export async function startBareServer(): Promise<BareServer> {
  const database = testDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'cpis-production-'))
  const key = makeJwk('ec')
  const environment = {
    ...environmentOf(folder, key),
    MONGODB_URL: database.url,
    CPIS_DATABASE: database.database,
  }
  const started: RunningServer[] = []
  const start = async (): Promise<string> => {
    const port = await freePort(0)
    started.push(await startServer(parseConfig({ ...environment, PORT: String(port) })))
    return `http://127.0.0.1:${port}`
  }
  const url = await start()
  const second = await start()
  await emptyDirectory(database)
  return {
    url,
    second,
    token: (who) => handMadeJwt({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }, claimsOf(who), key),
    async close() {
      for (const one of started) await one.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function emptyDirectory({ url, database }: TestDatabase): Promise<void> {
  const client = new MongoClient(url)
  try {
    for (const name of ['organizations', 'organizationsHistory'])
      await client.db(database).collection(name).deleteMany()
  } finally {
    await client.close()
  }
}

function environmentOf(folder: string, key: ReturnType<typeof makeJwk>): Readonly<Record<string, string>> {
  const write = (name: string, content: string): string => {
    const file = join(folder, name)
    writeFileSync(file, content, { mode: 0o600 })
    return file
  }
  const { d: _secret, ...publicKey } = key
  const jwks = { keys: [publicKey] }
  const clients = [
    { clientId: 'hospitals', kind: 'nhs-system', scopes: [CHECK], jwks },
    { clientId: 'console', kind: 'staff-console', scopes: [ADMIN, AUDIT], jwks },
    { clientId: 'derbyshire', kind: 'la-supplier', authorities: ['E10000007'], scopes: PLANS.split(' '), jwks },
  ]
  const people = [
    { issuer: ISSUER, userId: ADMINISTRATOR, scopes: [ADMIN] },
    { issuer: ISSUER, userId: AUDITOR, scopes: [AUDIT] },
  ]
  const issuers = [{ issuer: ISSUER, audience: `${ORIGIN}/FHIR/R4`, algorithms: ['ES256'], jwks, use: 'access-token' }]
  return {
    CPIS_EMBEDDED_ISSUER: 'off',
    CPIS_LIMITS: 'off',
    CPIS_DATA_DIR: join(folder, 'data'),
    CPIS_BASE_URL: ORIGIN,
    CPIS_KEYS: write('keys.json', keysText(makeKeys())),
    CPIS_CLIENTS: write('clients.json', JSON.stringify({ clients, people })),
    CPIS_ISSUERS: write('issuers.json', JSON.stringify({ issuers })),
    METRICS_PORT: '0',
    LOG_LEVEL: 'silent',
  }
}

function claimsOf(who: Who): object {
  const seconds = Math.floor(Date.now() / 1000)
  const common = { iss: ISSUER, aud: `${ORIGIN}/FHIR/R4`, jti: randomUUID(), iat: seconds, exp: seconds + 900 }
  if (who === 'council') return { ...common, sub: 'derbyshire', client_id: 'derbyshire', scope: PLANS }
  if (who === 'administrator')
    return { ...common, client_id: 'console', scope: ADMIN, ...personOf(ADMINISTRATOR, 'R0001') }
  if (who === 'auditor') return { ...common, client_id: 'console', scope: AUDIT, ...personOf(AUDITOR, 'R0001') }
  return { ...common, client_id: 'hospitals', scope: CHECK, ...personOf('555000000009', 'R8001', who.nurseOf) }
}

function personOf(id: string, role: string, organization = 'RCU'): object {
  return {
    sub: id,
    nhsid_useruid: id,
    name: 'A. Person',
    selected_roleid: 'r1',
    nhsid_nrbac_roles: [
      { person_roleid: 'r1', role_code: `S8000:G8000:${role}`, role_name: 'Role', org_code: organization },
    ],
    id_assurance_level: '3',
    authentication_assurance_level: '3',
  }
}
