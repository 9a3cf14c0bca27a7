/** The directory in a deployment (security.md "Check permission", "Tokens"): a deployment begins with none, and `cpis directory load`, `POST /admin/directory` and the administrator's PUT bring it. Real HTTP, real MongoDB. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Bundle, Organization } from '@medplum/fhirtypes'
import { applyJsonPatch } from '../../src/fhir/patch.ts'
import { LOCAL_AUTHORITIES } from '../../src/sandbox/authorities.ts'
import { SANDBOX_SITES } from '../../src/sandbox/sites.ts'
import { type BareServer, startBareServer, type Who } from '../support/bare-server.ts'
import { consoleOf, openConsole } from '../support/console.ts'
import { planOf, transactionOf } from '../support/plans.ts'
import { checkOf, codesOf, startTestServer, type TestServer } from '../support/server.ts'
import { numbersFrom } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'

/** Nobody's plan is filed under the first. */
const [NUMBER = '', OTHER_NUMBER = ''] = numbersFrom(999_700_000, 2)
const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code'
const GSS = 'http://statistics.data.gov.uk/id/statistical-geography'
const DFE = 'https://cpis.example/fhir/Id/dfe-la-code'
const KIND = 'https://cpis.example/fhir/CodeSystem/cpis-organization-type'

const folder = mkdtempSync(join(tmpdir(), 'cpis-directory-'))
let server: BareServer
beforeAll(async () => {
  server = await startBareServer()
}, 60_000)
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

interface Sending {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly url?: string
}

async function send(who: Who | undefined, path: string, sending: Sending = {}): Promise<Answer> {
  const { method = sending.body === undefined ? 'GET' : 'POST', body, headers = {}, url = server.url } = sending
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(who === undefined ? {} : { Authorization: `Bearer ${server.token(who)}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

const codes = ({ body }: Answer): readonly unknown[] => codesOf(body as never).map(({ code, at }) => [code, at])

async function check(organization: string, site?: string, url = server.url): Promise<Answer> {
  return send({ nurseOf: organization }, '/FHIR/R4/Patient/$cpis-check', {
    url,
    body: checkOf(NUMBER, 'emergency-department', site === undefined ? {} : { site }),
    headers: { 'X-Request-ID': randomUUID() },
  })
}

const siteOf = (ods: string, more: Partial<Organization> = {}): Organization => ({
  resourceType: 'Organization',
  identifier: [{ system: ODS, value: ods }],
  type: [{ coding: [{ system: KIND, code: 'trust' }] }],
  name: `Trust ${ods}`,
  ...more,
})
const partOf = (ods: string): Organization['partOf'] & {} => ({
  type: 'Organization',
  identifier: { system: ODS, value: ods },
})
const authorityOf = (gss: string, more: Partial<Organization> = {}): Organization => ({
  resourceType: 'Organization',
  identifier: [{ system: GSS, value: gss }],
  name: `Council ${gss}`,
  contact: [
    {
      purpose: {
        coding: [{ system: 'https://cpis.example/fhir/CodeSystem/cpis-contact-purpose', code: 'office-hours' }],
      },
      telecom: [{ system: 'phone', value: '01632 960200' }],
    },
  ],
  ...more,
})

const listOf = (...resources: readonly unknown[]): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
})

/** `201`, `200`, `=` (unchanged) or the codes with their places, of each. */
async function load(resources: readonly unknown[], path = '/admin/directory'): Promise<readonly unknown[]> {
  const answer = await send('administrator', path, { body: listOf(...resources) })
  expect(answer.status).toBe(200)
  const { entry = [] } = answer.body as Bundle
  expect(entry).toHaveLength(resources.length)
  return entry.map(({ response }) => {
    const issues = response?.outcome === undefined ? [] : codesOf(response.outcome as never)
    const status = Number.parseInt(response?.status ?? '', 10)
    if (status < 400) return issues.some(({ code }) => code === 'UNCHANGED') ? '=' : status
    return issues
      .filter(({ severity }) => severity === 'error')
      .map(({ code, at }) => `${code} ${at?.replace(/^Bundle\.entry\[\d+\]\.resource\.?/, '') ?? ''}`.trim())
  })
}

const read = async (id: string): Promise<Organization> =>
  (await send('administrator', `/FHIR/R4/Organization/${id}`)).body as Organization
const version = async (id: string): Promise<string | undefined> => (await read(id)).meta?.versionId

/** A command of an administrator at a machine without the sandbox's identities. */
async function cpis(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const console = openConsole({ CPIS_TOKEN: server.token('administrator'), PORT: new URL(server.url).port })
  const code = await console.run(...argv)
  return { code, out: console.out(), err: console.err() }
}

function file(name: string, content: string | readonly (readonly string[])[]): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : content.map((row) => row.join(',')).join('\r\n'))
  return path
}

const SITES = ['ods_code', 'name', 'part_of', 'kind', 'town', 'phone']

describe('a server with an empty directory', () => {
  test('answers no check: the organisation is not known to it', async () => {
    const answer = await check('RCU')
    expect([answer.status, codes(answer)]).toEqual([403, [['NOT_PERMITTED', undefined]]])
    expect(JSON.stringify(answer.body)).toContain('not in the directory')
  })

  test('answers it once the administrator has loaded a CSV, on every process within seconds', async () => {
    const { second } = server
    expect((await check('RCU', undefined, second)).status).toBe(403)
    const path = file('sites.csv', [
      SITES,
      ['RCUEF', "Sheffield Children's Hospital", 'RCU', 'hospital site', 'Sheffield', '0114 496 0101'],
      ['RCU', '"Sheffield Children\'s, NHS Foundation Trust"', '', 'trust', 'Sheffield', '0114 496 0100'],
      ['RBS', "Alder Hey Children's NHS Foundation Trust", '', 'trust', 'Liverpool', '0151 496 0100'],
      ['RBS01', 'Alder Hey', 'RBS', 'hospital site', '', ''],
    ])
    const loaded = await cpis('directory', 'load', path)
    expect([loaded.code, loaded.out]).toEqual([0, '4 organisations: 4 created, 0 updated, 0 unchanged, 0 refused.\n'])
    expect((await check('RCU')).status).toBe(200)
    await waitFor('the other process', async () => (await check('RCU', undefined, second)).status === 200, 6_000)
    expect(await read('RCUEF')).toMatchObject({
      meta: { versionId: '1', profile: ['https://cpis.example/fhir/StructureDefinition/cpis-site'] },
      partOf: { reference: 'Organization/RCU', display: "Sheffield Children's, NHS Foundation Trust" },
      address: [{ city: 'Sheffield' }],
      telecom: [{ system: 'phone', value: '0114 496 0101', use: 'work' }],
    })
  })

  test('takes a site of the caller’s organisation, and no other', async () => {
    expect((await check('RCU', 'RCUEF')).status).toBe(200)
    const other = await check('RCU', 'RBS01')
    expect([other.status, codes(other)]).toEqual([403, [['SITE_NOT_YOURS', 'Parameters.parameter[2].value.value']]])
    expect((await check('RCU', 'RZZ99')).status).toBe(400)
  })

  test('makes no new version when the same is loaded again, and one when something is new', async () => {
    const again = await cpis('directory', 'load', join(folder, 'sites.csv'))
    expect([again.code, again.out]).toEqual([0, '4 organisations: 0 created, 0 updated, 4 unchanged, 0 refused.\n'])
    expect(await Promise.all(['RCU', 'RCUEF', 'RBS', 'RBS01'].map(version))).toEqual(['1', '1', '1', '1'])
    const path = file('moved.csv', [SITES, ['RBS01', 'Alder Hey', 'RBS', 'hospital site', 'Liverpool', '']])
    expect((await cpis('directory', 'load', path)).out).toContain('1 updated')
    expect(await version('RBS01')).toBe('2')
  })

  test('the load is in the audit: who, and which versions; a dry run too, with none', async () => {
    const answer = await send('auditor', '/FHIR/R4/AuditEvent?date=ge2020-01-01&subtype=load-directory')
    const events = ((answer.body as Bundle).entry ?? []).map(({ resource }) => JSON.stringify(resource))
    expect(events[0]).toContain('Organization/RBS01/_history/2')
    expect(events[0]).toContain('555000000001')
    await cpis('directory', 'load', join(folder, 'sites.csv'), '--dry-run')
    const later = await send('auditor', '/FHIR/R4/AuditEvent?date=ge2020-01-01&subtype=load-directory&_count=1')
    expect(JSON.stringify(later.body)).toContain('dryRun')
    expect(JSON.stringify(later.body)).not.toContain('Organization/')
  })
})

describe('POST /admin/directory refuses', () => {
  test.each([
    [undefined, 401],
    ['auditor', 403],
    ['council', 403],
    [{ nurseOf: 'RCU' }, 403],
  ] as const)('%j: %d, and nothing is stored', async (who, status) => {
    const answer = await send(who, '/admin/directory', { body: listOf(siteOf('RW1')) })
    expect(answer.status).toBe(status)
    expect((await send('administrator', '/FHIR/R4/Organization/RW1')).status).toBe(404)
  })

  test.each([
    ['a Bundle of another type', { ...listOf(siteOf('RW2')), type: 'transaction' }, 400, 'INVALID_BUNDLE'],
    ['what is no list', siteOf('RW2'), 400, 'INVALID_BUNDLE'],
    ['over 1,000', listOf(...Array.from({ length: 1001 }, () => siteOf('RW2'))), 400, 'TOO_MANY_ENTRIES'],
    ['no JSON', '{', 400, 'INVALID_JSON'],
  ])('%s', async (_name, body, status, code) => {
    const answer = await send('administrator', '/admin/directory', { body })
    expect([answer.status, codes(answer)[0]]).toEqual([status, expect.arrayContaining([code])])
  })

  test('over 1,000 lines, unknown parameters, and another media type', async () => {
    const lines = `${JSON.stringify(siteOf('RW2'))}\n`.repeat(1001)
    const many = await send('administrator', '/admin/directory', {
      body: lines,
      headers: { 'Content-Type': 'application/fhir+ndjson' },
    })
    expect([many.status, codes(many)]).toEqual([400, [['TOO_MANY_ENTRIES', undefined]]])
    const body = listOf(siteOf('RW2'))
    for (const query of ['?dryrun=true', '?dryRun=yes', '?dryRun=true&dryRun=true'])
      expect((await send('administrator', `/admin/directory${query}`, { body })).status).toBe(400)
    const text = await send('administrator', '/admin/directory', { body: 'x', headers: { 'Content-Type': 'text/csv' } })
    expect(text.status).toBe(415)
    expect((await send('administrator', '/admin/directory', { method: 'DELETE' })).status).toBe(405)
    expect((await send('administrator', '/FHIR/R4/Organization/RW2')).status).toBe(404)
  })

  const name = (text: string): unknown => siteOf('RX0', { name: text })
  test.each<readonly [string, unknown, readonly string[]]>([
    ['what is no Organization', { resourceType: 'Patient' }, ['INVALID_RESOURCE']],
    ['nothing', undefined, ['INVALID_RESOURCE']],
    ['lower case as a code', siteOf('rx0'), ['PROFILE identifier[0].value']],
    ['a code of the form of an authority', siteOf('E10000007'), ['PROFILE identifier[0].value']],
    ['a code with a slash', siteOf('RX/0'), ['PROFILE identifier[0].value']],
    ['no code', { ...siteOf('RX0'), identifier: undefined }, ['PROFILE identifier']],
    ['another id', siteOf('RX0', { id: 'RX9' }), ['ID_MISMATCH id']],
    ['no name', siteOf('RX0', { name: undefined as never }), ['PROFILE name']],
    [
      'an unknown kind',
      siteOf('RX0', { type: [{ coding: [{ system: KIND, code: 'pub' }] }] }),
      ['INVALID_CODE type[0]'],
    ],
    [
      'an authority by an ODS code',
      siteOf('RX0', { type: [{ coding: [{ system: KIND, code: 'authority' }] }] }),
      ['PROFILE type[0].coding[0].code'],
    ],
    ['a street', siteOf('RX0', { address: [{ city: 'A', line: ['1 Street'] }] }), ['PROFILE address[0].line[0]']],
    ['itself as its organisation', siteOf('RX0', { partOf: partOf('RX0') }), ['INVALID_REFERENCE partOf']],
    ['an organisation that is not there', siteOf('RX0', { partOf: partOf('RX9') }), ['INVALID_REFERENCE partOf']],
    ['a formula as name', name('=HYPERLINK("http://x","y")'), ['PROFILE name']],
    ['another formula', name('@SUM(A1)'), ['PROFILE name']],
    ['a name that turns round', name('Trust\u202Egnp'), ['PROFILE name']],
    ['a name with a hidden character', name('Tr\u200Bust'), ['PROFILE name']],
    ['a name over two lines', name('Trust\nCheck'), ['PROFILE name']],
    ['a long name', name('x'.repeat(201)), ['PROFILE name']],
    ['a formula as town', siteOf('RX0', { address: [{ city: '=1+1' }] }), ['PROFILE address[0].city']],
    [
      'a formula as telephone number',
      siteOf('RX0', { telecom: [{ system: 'phone', value: '=1+1' }] }),
      ['PROFILE telecom[0].value'],
    ],
    ['a GSS code of Wales', authorityOf('W06000001'), ['PROFILE identifier[0].value']],
    [
      'an authority that no one can call',
      authorityOf('E06000015', { contact: undefined as never }),
      ['PROFILE contact'],
    ],
    ['a closed authority', authorityOf('E06000015', { active: false }), ['PROFILE active']],
    [
      'a DfE code of two digits',
      authorityOf('E06000015', {
        identifier: [
          { system: GSS, value: 'E06000015' },
          { system: DFE, value: '83' },
        ],
      }),
      ['PROFILE identifier[1].value'],
    ],
  ])('%s, alone and with its place', async (_name, resource, faults) => {
    expect(await load([resource, siteOf('RBS', { name: 'Alder Hey' })], '/admin/directory?dryRun=true')).toEqual([
      faults,
      200,
    ])
    expect((await send('administrator', '/FHIR/R4/Organization/RX0')).status).toBe(404)
  })

  test('one code twice: in the list, and for two organisations', async () => {
    const both = (gss: string, ods: string, dfe: string): Organization =>
      authorityOf(gss, {
        identifier: [
          { system: GSS, value: gss },
          { system: ODS, value: ods },
          { system: DFE, value: dfe },
        ],
      })
    expect(await load([siteOf('RY1'), siteOf('RY1'), both('E06000016', '509', '856')])).toEqual([
      201,
      ['DUPLICATE_IDENTIFIER identifier[0].value'],
      201,
    ])
    expect(await load([both('E06000018', '509', '892'), siteOf('509'), both('E06000018', '512', '856')])).toEqual([
      ['DUPLICATE_IDENTIFIER identifier[1].value'],
      ['DUPLICATE_IDENTIFIER identifier[0].value'],
      ['DUPLICATE_IDENTIFIER identifier[0].value', 'DUPLICATE_IDENTIFIER identifier[2].value'],
    ])
  })

  test('a site whose organisation is refused in the same list, and what is part of that', async () => {
    const orphans = [
      siteOf('RZ3', { partOf: partOf('RZ2') }),
      siteOf('RZ2', { partOf: partOf('RZ1') }),
      siteOf('RZ1', { name: '=1' }),
    ]
    expect(await load(orphans)).toEqual([['INVALID_REFERENCE partOf'], ['INVALID_REFERENCE partOf'], ['PROFILE name']])
  })
})

describe('what is loaded', () => {
  test('a line of NDJSON that is no JSON is refused alone, by its line', async () => {
    const body = [JSON.stringify(siteOf('RN1')), '', '{', JSON.stringify(siteOf('RN2'))].join('\n')
    const answer = await send('administrator', '/admin/directory', {
      body,
      headers: { 'Content-Type': 'application/fhir+ndjson' },
    })
    const { entry = [] } = answer.body as Bundle
    expect(entry.map(({ response }) => response?.status)).toEqual(['201 Created', '400 Bad Request', '201 Created'])
    expect(JSON.stringify(entry[1])).toContain('line 3')
  })

  test('a site may come before its organisation, which may be named by its address too', async () => {
    expect(await load([siteOf('RO1A', { partOf: { reference: 'Organization/RO1' } }), siteOf('RO1')])).toEqual([
      201, 201,
    ])
    expect((await read('RO1A')).partOf?.identifier?.value).toBe('RO1')
  })

  test('an authority is named in answers and found by its codes; what a later list leaves out, it keeps', async () => {
    const gss = 'E10000007'
    expect(await load([authorityOf(gss)])).toEqual([201])
    const own = { ...(await read(gss)), name: 'Derbyshire' }
    own.contact = [
      ...(own.contact ?? []),
      { ...own.contact?.[0], purpose: { coding: [{ ...own.contact?.[0]?.purpose?.coding?.[0], code: 'mash' }] } },
    ]
    const put = await send('council', `/FHIR/R4/Organization/${gss}`, { method: 'PUT', body: own })
    expect([put.status, put.headers.get('etag')]).toEqual([200, 'W/"2"'])
    const { contact: _contact, ...listed } = authorityOf(gss, { name: 'Derbyshire' })
    expect(await load([listed])).toEqual(['='])
    const withCode = { ...listed, identifier: [...(listed.identifier ?? []), { system: DFE, value: '830' }] }
    expect(await load([withCode])).toEqual([200])
    expect(await load([listed])).toEqual(['='])
    expect(await read(gss)).toMatchObject({ name: 'Derbyshire', meta: { versionId: '3' } })
    expect((await read(gss)).contact).toHaveLength(2)
  })

  test('active false closes: its checks are refused, its sites are not known; it stays closed until it is opened', async () => {
    await load([siteOf('RC1'), siteOf('RC1A', { partOf: partOf('RC1') }), siteOf('RC1B', { partOf: partOf('RC1') })])
    expect((await check('RC1', 'RC1A')).status).toBe(200)
    expect(await load([siteOf('RC1A', { partOf: partOf('RC1'), active: false })])).toEqual([200])
    expect(codes(await check('RC1', 'RC1A'))).toEqual([['UNKNOWN_SITE', 'Parameters.parameter[2].value.value']])
    expect((await check('RC1', 'RC1B')).status).toBe(200)
    expect(await load([siteOf('RC1', { active: false })])).toEqual([200])
    expect((await check('RC1')).status).toBe(403)
    expect(codes(await check('RBS', 'RC1B'))).toEqual([['UNKNOWN_SITE', 'Parameters.parameter[2].value.value']])
    expect((await read('RC1')).active).toBe(false)
    expect(await load([siteOf('RC1')])).toEqual(['='])
    expect(await load([siteOf('RC1', { active: true })])).toEqual([200])
    expect([(await check('RC1')).status, (await read('RC1')).active]).toEqual([200, undefined])
  })

  test('two loads at once leave one version of each', async () => {
    const many = Array.from({ length: 40 }, (_, nth) => siteOf(`RP${String(nth).padStart(2, '0')}`))
    const answers = await Promise.all(Array.from({ length: 4 }, () => load(many)))
    const made = many.map((_, nth) => answers.filter((one) => one[nth] === 201).length)
    expect(new Set(made)).toEqual(new Set([1]))
    expect(await version('RP39')).toBe('1')
  })
})

describe('PUT Organization/[id] by the administrator', () => {
  const put = (id: string, body: unknown, headers: Readonly<Record<string, string>> = {}, who: Who = 'administrator') =>
    send(who, `/FHIR/R4/Organization/${id}`, { method: 'PUT', body, headers })
  beforeEach(async () => {
    await load([siteOf('RT1', { name: 'Trust RT1', active: true }), siteOf('RT1A', { partOf: partOf('RT1') })])
  })

  test('makes a new version of a site, with ETag, Location and its record', async () => {
    const before = await read('RT1A')
    const etag = `W/"${before.meta?.versionId}"`
    const answer = await put('RT1A', { ...before, name: 'Another name' }, { 'If-Match': etag })
    const next = Number(before.meta?.versionId) + 1
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, `W/"${next}"`])
    expect(answer.headers.get('location')).toMatch(new RegExp(`/Organization/RT1A/_history/${next}$`))
    expect(answer.body).toMatchObject({ id: 'RT1A', name: 'Another name', meta: { versionId: String(next) } })
    expect((await send('administrator', `/FHIR/R4/Organization/RT1A/_history/${next - 1}`)).body).toMatchObject({
      name: before.name,
    })
    const audit = await send('auditor', '/FHIR/R4/AuditEvent?date=ge2020-01-01&subtype=update&_count=1')
    expect(JSON.stringify(audit.body)).toContain(`Organization/RT1A/_history/${next}`)
    const again = await put('RT1A', { ...before, name: 'Another name' }, { Prefer: 'return=OperationOutcome' })
    expect([again.headers.get('etag'), codes(again)]).toEqual([`W/"${next}"`, [['UNCHANGED', undefined]]])
  })

  test('closes it, and without active opens it: an update replaces', async () => {
    expect((await put('RT1', { ...siteOf('RT1'), id: 'RT1', active: false })).body).toMatchObject({ active: false })
    expect((await check('RT1')).status).toBe(403)
    expect((await put('RT1', { ...siteOf('RT1'), id: 'RT1' })).body).not.toHaveProperty('active')
    expect((await check('RT1')).status).toBe(200)
  })

  test.each<readonly [string, (site: Organization) => unknown, Readonly<Record<string, string>>, number, string]>([
    ['a stale If-Match', (site) => ({ ...site, name: 'X' }), { 'If-Match': 'W/"999"' }, 412, 'VERSION_CONFLICT'],
    ['an If-Match of another form', (site) => site, { 'If-Match': 'x' }, 400, 'INVALID_HEADER'],
    ['another id', (site) => ({ ...site, id: 'RT1' }), {}, 400, 'ID_MISMATCH'],
    ['no id', ({ id: _id, ...site }) => site, {}, 400, 'ID_MISMATCH'],
    ['another ODS code', (site) => ({ ...site, identifier: [{ system: ODS, value: 'RT9' }] }), {}, 422, 'PROFILE'],
    ['an authority in its place', () => ({ ...authorityOf('E06000017'), id: 'RT1A' }), {}, 422, 'PROFILE'],
    ['no name', ({ name: _name, ...site }) => site, {}, 422, 'PROFILE'],
    ['a formula', (site) => ({ ...site, name: '=1' }), {}, 422, 'PROFILE'],
    ['an unknown organisation', (site) => ({ ...site, partOf: partOf('RZZ') }), {}, 400, 'INVALID_REFERENCE'],
    ['what is no Organization', () => ({ resourceType: 'Patient' }), {}, 400, 'INVALID_RESOURCE'],
  ])('refuses %s, and nothing has changed', async (_name, change, headers, status, code) => {
    const before = await read('RT1A')
    const answer = await put('RT1A', change(before), headers)
    expect([answer.status, codes(answer).map((one) => (one as readonly string[])[0])]).toEqual([
      status,
      expect.arrayContaining([code]),
    ])
    expect(await read('RT1A')).toEqual(before)
  })

  test('on an unknown id stays 405, and by others refused', async () => {
    expect((await put('RQ9', { ...siteOf('RQ9'), id: 'RQ9' })).status).toBe(405)
    const site = await read('RT1A')
    expect((await put('RT1A', site, {}, 'auditor')).status).toBe(403)
    expect((await put('RT1A', site, {}, { nurseOf: 'RT1' })).status).toBe(403)
    expect([403, 405]).toContain((await put('RT1A', site, {}, 'council')).status)
    expect(await read('RT1A')).toEqual(site)
  })

  test('on an authority goes on as before', async () => {
    await load([authorityOf('E06000017')])
    const before = await read('E06000017')
    const answer = await put('E06000017', { ...before, name: 'Rutland' })
    expect([answer.status, (answer.body as Organization).name]).toEqual([200, 'Rutland'])
  })
})

describe('cpis directory load', () => {
  test('names bad rows by their number, and loads the others', async () => {
    const path = file('mixed.csv', [
      [...SITES, 'active'],
      ['RL1', 'Good Trust', '', 'trust', 'Leeds', '+44 113 496 0100', ''],
      ['RL2', '"=cmd|\'/C calc\'!A0"', '', 'trust', 'Leeds', '', ''],
      ['rl3', 'Lower Case', '', 'trust', 'Leeds', '', ''],
      ['', '', '', '', '', '', ''],
      ['RL4', 'Zażółć Ünïcode Ysbyty’r', 'RL1', 'hospital site', '', '', 'no'],
      ['RL5', 'Nowhere', 'RL9', 'hospital site', '', '', 'maybe'],
    ])
    const dry = await cpis('directory', 'load', path, '--dry-run')
    expect([dry.code, dry.out]).toEqual([1, expect.stringContaining('Nothing was stored')])
    expect((await send('administrator', '/FHIR/R4/Organization/RL1')).status).toBe(404)
    const { code, out } = await cpis('directory', 'load', path)
    expect([code, out]).toEqual([
      1,
      expect.stringContaining('5 organisations: 2 created, 0 updated, 0 unchanged, 3 refused.'),
    ])
    expect(out).toMatch(/^row 3 \(RL2\): PROFILE at Organization\.name: /m)
    expect(out).toMatch(/^row 4 \(rl3\): PROFILE at Organization\.identifier\[0\]\.value: /m)
    expect(out).toMatch(/^row 7 \(RL5\): INVALID_RESOURCE at Organization\.active: /m)
    expect(out).not.toContain('calc')
    expect(await read('RL4')).toMatchObject({ name: 'Zażółć Ünïcode Ysbyty’r', active: false })
  })

  test('reads authorities with their contacts, Bundles and NDJSON', async () => {
    const authorities = file('authorities.csv', [
      ['name', 'gss_code', 'ods_code', 'region', 'dfe_la_code', 'office_hours_phone', 'mash_email'],
      ['Bedford', 'E06000055', '625', 'East of England', '822', '01632 960201', 'mash@bedford.example'],
      ['Luton', 'E06000032', '611', 'East of England', '821', '', ''],
    ])
    const loaded = await cpis('directory', 'load', authorities)
    expect(loaded.out).toMatch(/^row 3 \(E06000032\): PROFILE at Organization\.contact: /m)
    expect(await read('E06000055')).toMatchObject({
      name: 'Bedford',
      contact: [
        { purpose: { coding: [{ code: 'office-hours' }] }, telecom: [{ system: 'phone', value: '01632 960201' }] },
        { purpose: { coding: [{ code: 'mash' }] }, telecom: [{ system: 'email', value: 'mash@bedford.example' }] },
      ],
    })
    const bundle = file('bundle.json', JSON.stringify(listOf(siteOf('RM1'))))
    const lines = file(
      'lines.ndjson',
      `${JSON.stringify(siteOf('RM2'))}\n\n${JSON.stringify(siteOf('RM3', { name: '=1' }))}\n`,
    )
    expect((await cpis('directory', 'load', bundle)).code).toBe(0)
    const { code, out } = await cpis('directory', 'load', lines, '--json')
    expect([
      code,
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ]).toEqual([
      1,
      [
        { place: 'line 1', id: 'RM2', outcome: 'created', issues: [] },
        {
          place: 'line 3',
          id: 'RM3',
          outcome: 'refused',
          issues: [expect.stringMatching(/^PROFILE at Organization\.name: /)],
        },
      ],
    ])
  })

  test('loads the examples of docs/operating.md as they stand there', async () => {
    const manual = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')
    const blocks = [...manual.matchAll(/(?:^ {4}.+\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''))
    const csv = blocks.filter((block) => /^(ods_code|name),/.test(block))
    expect(csv).toHaveLength(2)
    for (const [nth, content] of csv.entries()) {
      const { code, out } = await cpis('directory', 'load', file(`manual-${nth}.csv`, content))
      expect([code, out]).toEqual([0, expect.stringContaining(' 0 refused.')])
    }
  })

  test.each([
    ['another.csv', 'a,b\r\n1,2', /Missing in row 1: ods_code, name, part_of, kind/],
    ['semicolons.csv', 'ods_code;name\r\nRCU;x', /semicolons/],
    ['wide.csv', `${SITES.join(',')}\r\nRW1,a,,trust,b,c,d`, /Row 2: more cells than columns/],
    ['none.csv', SITES.join(','), /holds no organisations/],
    ['bad.json', '{', /is no JSON/],
    ['other.json', '{"resourceType":"Patient"}', /is no Bundle/],
  ])('refuses %s before anything is sent', async (name, content, words) => {
    const { code, err } = await cpis('directory', 'load', file(name, content))
    expect([code, err]).toEqual([2, expect.stringMatching(words)])
  })

  test('with a token of someone else, or over plain http to another machine, does nothing', async () => {
    const path = join(folder, 'sites.csv')
    const nurse = openConsole({ CPIS_TOKEN: server.token({ nurseOf: 'RCU' }), PORT: new URL(server.url).port })
    expect([await nurse.run('directory', 'load', path), nurse.err()]).toEqual([1, expect.stringContaining('403')])
    const open = openConsole({ CPIS_TOKEN: 'secret-token', CPIS_BASE_URL: 'http://register.example' })
    expect([await open.run('directory', 'load', path), open.err()]).toEqual([2, expect.stringContaining('plain http')])
    expect(open.err()).not.toContain('secret-token')
    const broken = openConsole({ CPIS_TOKEN: 'two words', PORT: new URL(server.url).port })
    expect([await broken.run('directory', 'load', path), broken.err()]).toEqual([
      2,
      expect.stringContaining('no bearer'),
    ])
    const lanes = await cpis('lanes')
    expect([lanes.code, lanes.out]).toEqual([0, expect.stringContaining('no lanes')])
  })

  test('CPIS_TOKEN serves other commands too, without --as: a plan is filed, and the answer says whom to call', async () => {
    await load([authorityOf('E10000007')])
    const path = file(
      'plan.json',
      JSON.stringify(
        transactionOf([
          { resource: planOf({ nhsNumber: OTHER_NUMBER, identifier: randomUUID() }), url: 'EpisodeOfCare' },
        ]),
      ),
    )
    const port = new URL(server.url).port
    const council = openConsole({ CPIS_TOKEN: server.token('council'), PORT: port })
    expect([await council.run('upload', path), council.err()]).toEqual([0, ''])
    const nurse = openConsole({ CPIS_TOKEN: server.token({ nurseOf: 'RCU' }), PORT: port })
    expect([await nurse.run('check', OTHER_NUMBER, '--site', 'RCUEF'), nurse.err()]).toEqual([0, ''])
    expect(nurse.out()).toContain('01632 960200')
    const nobody = openConsole({ PORT: port, CPIS_DATA_DIR: join(folder, 'none') })
    expect(await nobody.run('upload', path)).toBe(2)
    expect(await nobody.run('upload', path, '--as', 'la-E10000007')).toBe(1)
  })

  test('5,000 rows in bounded time, and the same again without a version', async () => {
    const rows = Array.from({ length: 5_000 }, (_, nth) => {
      const head = `V${String(Math.floor(nth / 10)).padStart(3, '0')}`
      return nth % 10 === 0
        ? [head, `Trust ${head}`, '', 'trust', 'Leeds', '0113 496 0100']
        : [`${head}${String(nth % 10).padStart(2, '0')}`, `Site ${nth} of ${head}`, head, 'hospital site', 'Leeds', '']
    })
    // sites first: their organisations stand at the end of the file
    const path = file('many.csv', [SITES, ...rows.toReversed()])
    const begun = performance.now()
    expect((await cpis('directory', 'load', path)).out).toContain('5000 organisations: 5000 created')
    const again = await cpis('directory', 'load', path)
    expect(again.out).toContain('0 created, 0 updated, 5000 unchanged, 0 refused')
    expect(performance.now() - begun).toBeLessThan(90_000)
    expect((await check('V499', 'V49909')).status).toBe(200)
    expect(await version('V49909')).toBe('1')
  }, 120_000)
})

describe('whatever shape is sent', () => {
  const instances = new URL('../fhir/instances/good/', import.meta.url)
  /** Of an authority that is not held, which could lend its contacts. */
  const textOf = (url: URL): string => readFileSync(url, 'utf8').replaceAll('E10000007', 'E08000001')
  const judged = textOf(new URL('../fhir/mutants.ndjson', import.meta.url))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { of: string; name: string; accepted: boolean; patch: readonly object[] })

  test.each(['cpis-site.json', 'cpis-authority.json'])(
    'each mutant of %s is answered, and what the reference validator refuses is refused',
    async (name) => {
      const good = JSON.parse(textOf(new URL(name, instances))) as Organization
      const mutants = judged.filter(({ of }) => of === name)
      const resources = mutants.map(({ patch }) => {
        const patched = applyJsonPatch(good, patch)
        return 'resource' in patched ? patched.resource : undefined
      })
      const answers: unknown[] = []
      // each alone: they share their code
      for (const one of resources) answers.push(...(await load([one], '/admin/directory?dryRun=true')))
      const wrong = mutants.filter(({ accepted }, at) => !accepted && !Array.isArray(answers[at]))
      // narrative is dropped, and said so (NOT_HELD)
      expect(wrong.map((one) => one.name).filter((one) => one !== 'text in /')).toEqual([])
      expect(answers).toHaveLength(mutants.length)
    },
    60_000,
  )
})

describe('a sandbox, which brings its own directory', () => {
  let sandbox: TestServer
  beforeAll(async () => {
    sandbox = await startTestServer()
  }, 60_000)
  afterAll(() => sandbox.close())

  test.each([
    [
      'sites',
      17,
      [SITES, ...SANDBOX_SITES.map((one) => [one.ods, one.name, one.partOf ?? '', one.kind, one.town, one.phone])],
    ],
    [
      'authorities',
      153,
      [
        ['name', 'gss_code', 'ods_code', 'region', 'dfe_la_code'],
        ...LOCAL_AUTHORITIES.map((one) => [`"${one.name}"`, one.gss, one.ods ?? '', one.region, one.dfe]),
      ],
    ],
  ])('has its %s unchanged when the same list is loaded', async (name, count, rows) => {
    const console = consoleOf(sandbox)
    expect(await console.run('directory', 'load', file(`sandbox-${name}.csv`, rows))).toBe(0)
    expect(console.out()).toContain(`${count} organisations: 0 created, 0 updated, ${count} unchanged, 0 refused.`)
  })
})
