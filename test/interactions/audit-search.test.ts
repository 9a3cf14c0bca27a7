/** Reading the audit over HTTP: who may, what is found, in pages, and that reading is recorded too. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent, Bundle } from '@medplum/fhirtypes'
import {
  bundleOf,
  issuesOf,
  resourceOf,
  sendCheck,
  startTestServer,
  type TestAnswer,
  type TestServer,
} from '../support/server.ts'

/** Children of the sandbox's story. */
const ON_A_PLAN = '9995973952'
const OF_TWO_AUTHORITIES = '9996568814'
const NOT_KNOWN = '9996621235'
const DAY = 'date=2026-05-03'

let server: TestServer
const checks: Record<string, string> = {}
/** Authorities of the child that two know. */
let both: readonly string[] = []

beforeAll(async () => {
  server = await startTestServer()
  for (const number of [ON_A_PLAN, OF_TWO_AUTHORITIES, NOT_KNOWN]) {
    const bundle = bundleOf(await sendCheck(server, number, { site: 'RCUEF' }))
    checks[number] = (bundle.identifier?.value ?? '').replace('urn:uuid:', '')
    if (number !== OF_TWO_AUTHORITIES) continue
    both = (bundle.entry ?? []).flatMap(({ resource }) =>
      resource?.resourceType === 'Organization' ? [String(resource.id)] : [],
    )
  }
})
afterAll(() => server.close())

const search = (as: string, query: string): Promise<TestAnswer> => server.send({ as, path: `AuditEvent${query}` })
const eventsOf = (answer: TestAnswer): readonly AuditEvent[] =>
  (bundleOf(answer).entry ?? []).map(({ resource }) => resource as AuditEvent)
const idsOf = (answer: TestAnswer): readonly (string | undefined)[] => eventsOf(answer).map((one) => one.id)
const linkOf = (bundle: Bundle, relation: string): string | undefined =>
  bundle.link?.find((one) => one.relation === relation)?.url
const pathOf = (url: string): string => url.slice(`${server.base}/`.length)

describe('refused', () => {
  test.each([
    ['an NHS user', 'ed-nurse', '', 403, 'NOT_PERMITTED'],
    ['the number feed', 'number-feed', '', 403, 'NOT_PERMITTED'],
    ['an administrator', 'administrator', `?${DAY}`, 403, 'NOT_PERMITTED'],
    ['an auditor without a date', 'auditor', '', 400, 'MISSING_PARAMETER'],
    ['an auditor with _lastUpdated misspelt', 'auditor', '?_lastupdated=2026-05-03', 400, 'UNKNOWN_PARAMETER'],
    ['a date that is none', 'auditor', '?date=yesterday', 400, 'INVALID_PARAMETER'],
    ['a day that no calendar has', 'auditor', '?date=2026-02-30', 400, 'INVALID_PARAMETER'],
    ['the prefix ne', 'auditor', '?date=ne2026-05-03', 400, 'INVALID_PARAMETER'],
    ['an unknown parameter', 'auditor', `?${DAY}&policy=x`, 400, 'UNKNOWN_PARAMETER'],
    ['a name from Object.prototype', 'auditor', `?${DAY}&constructor=x`, 400, 'UNKNOWN_PARAMETER'],
    ['an unknown modifier', 'auditor', `?${DAY}&agent:text=x`, 400, 'UNKNOWN_PARAMETER'],
    ['a chain of another kind', 'auditor', `?${DAY}&patient.name=x`, 400, 'UNKNOWN_PARAMETER'],
    ['oldest first', 'auditor', `?${DAY}&_sort=date`, 400, 'INVALID_PARAMETER'],
    ['a count that is none', 'auditor', `?${DAY}&_count=-1`, 400, 'INVALID_PARAMETER'],
    ['the same parameter twice', 'auditor', `?${DAY}&outcome=0&outcome=4`, 400, 'INVALID_PARAMETER'],
    ['an empty code', 'auditor', `?${DAY}&subtype=`, 400, 'INVALID_PARAMETER'],
    ['a made-up cursor', 'auditor', '?_cursor=abc', 400, 'INVALID_PARAMETER'],
  ])('%s', async (_what, as, query, status, code) => {
    const answer = await search(as, query)
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([status, code])
  })

  test('a number that cannot be one', async () => {
    const answer = await server.send({
      as: 'auditor',
      path: `AuditEvent/_search?${DAY}`,
      form: { 'patient:identifier': '9995973953' },
    })
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([400, 'INVALID_NHS_NUMBER'])
  })

  test('a record that does not name the authority looks as an unknown one, by read and by search', async () => {
    const stranger = 'la-E06000015'
    expect(both).not.toContain('E06000015')
    const foreign = await server.send({ as: stranger, path: `AuditEvent/${checks[ON_A_PLAN]}` })
    const unknown = await server.send({ as: stranger, path: 'AuditEvent/00000000-0000-4000-8000-000000000000' })
    expect([foreign.status, foreign.text]).toEqual([404, unknown.text])
    expect(idsOf(await search(stranger, `?_id=${checks[ON_A_PLAN]}`))).toEqual([])
  })

  test('a check that found nothing is no authority’s business', async () => {
    for (const code of both) expect(idsOf(await search(`la-${code}`, ''))).not.toContain(checks[NOT_KNOWN])
  })

  test('another caller’s cursor', async () => {
    const first = bundleOf(await search('auditor', `?${DAY}&_count=1`))
    const next = pathOf(linkOf(first, 'next') ?? '')
    expect((await server.send({ as: 'auditor', path: next })).status).toBe(200)
    const stolen = await server.send({ as: `la-${both[0]}`, path: next })
    expect([stolen.status, issuesOf(stolen)[0]?.code]).toEqual([400, 'INVALID_PARAMETER'])
    const changed = await server.send({ as: 'auditor', path: `${next.slice(0, -2)}AA` })
    expect(changed.status).toBe(400)
    const elsewhere = await server.send({ as: `la-${both[0]}`, path: next.replace('AuditEvent', 'EpisodeOfCare') })
    expect(elsewhere.status).toBe(400)
  })
})

describe('found', () => {
  test('each of two authorities sees the access, its own plan in it, and no word of the other', async () => {
    expect(both).toHaveLength(2)
    const seen: string[] = []
    for (const [code, other] of [
      [both[0], both[1]],
      [both[1], both[0]],
    ] as const) {
      const answer = await server.send({ as: `la-${code}`, path: `AuditEvent/${checks[OF_TWO_AUTHORITIES]}` })
      const event = resourceOf(answer, 'AuditEvent')
      const plans = (event.entity ?? []).flatMap((one) => one.what?.reference ?? [])
      expect(plans).toHaveLength(1)
      const plan = await server.send({ as: `la-${code}`, path: String(plans[0]) })
      expect(plan.status).toBe(200)
      expect(answer.text).not.toContain(other)
      seen.push(String(plans[0]))
    }
    expect(new Set(seen).size).toBe(2)
  })

  test('a receiver of the authority reads it too', async () => {
    const answer = await server.send({ as: `receiver-${both[0]}`, path: `AuditEvent/${checks[OF_TWO_AUTHORITIES]}` })
    expect(answer.status).toBe(200)
    expect(answer.text).toContain("Sheffield Children's Hospital")
    expect(answer.text).toContain('0114 496 0101')
  })

  test.each([['patient:identifier'], ['patient.identifier'], ['entity:identifier'], ['entity.identifier']])(
    'by number, as %s, which no link repeats',
    async (name) => {
      const value = `https://fhir.nhs.uk/Id/nhs-number|${ON_A_PLAN}`
      const answer = await server.send({ as: 'auditor', path: `AuditEvent/_search?${DAY}`, form: { [name]: value } })
      expect(idsOf(answer)).toEqual([checks[ON_A_PLAN]])
      expect(JSON.stringify(bundleOf(answer).link)).not.toContain(ON_A_PLAN)
    },
  )

  test.each([
    ['subtype=cpis-check', 3],
    ['subtype=https://cpis.example/fhir/CodeSystem/cpis-audit-subtype|cpis-check', 3],
    ['subtype=cpis-check&outcome=8', 0],
    ['subtype=cpis-check&agent:identifier=RCU', 3],
    ['subtype=cpis-check&agent.identifier=https://fhir.nhs.uk/Id/sds-role-profile-id|555000001101', 3],
    ['subtype=cpis-check&agent:identifier=nobody', 0],
    ['subtype=cpis-check&agent=Device/x', 0],
    ['subtype=cpis-check&patient=Patient/x', 0],
    ['subtype=cpis-check&date=lt2026-05-03', 0],
    ['subtype=cpis-check&date=ge2026-05-03&date=lt2026-05-04', 3],
    ['subtype=cpis-check&entity=EpisodeOfCare/none', 0],
    ['subtype=cpis-check&incident=none', 0],
  ])('an auditor finds by %s: %s', async (query, count) => {
    const answer = await search('auditor', `?${DAY}&_total=accurate&${query}`)
    expect([answer.status, bundleOf(answer).total, eventsOf(answer).length]).toEqual([200, count, count])
  })

  test('by the plan that was shown', async () => {
    const [plan] = (
      resourceOf(await server.send({ as: 'auditor', path: `AuditEvent/${checks[ON_A_PLAN]}` }), 'AuditEvent').entity ??
      []
    ).flatMap((one) => one.what?.reference?.replace(/\/_history.*/, '') ?? [])
    expect(idsOf(await search('auditor', `?${DAY}&subtype=cpis-check&entity=${plan}`))).toEqual([checks[ON_A_PLAN]])
    expect(idsOf(await search('auditor', `?${DAY}&subtype=cpis-check&entity=${server.base}/${plan}`))).toEqual([
      checks[ON_A_PLAN],
    ])
  })

  test('_count=0 and _summary=count give the number alone', async () => {
    for (const shape of ['_count=0', '_summary=count']) {
      const bundle = bundleOf(await search('auditor', `?${DAY}&subtype=cpis-check&${shape}`))
      expect([bundle.total, bundle.entry]).toEqual([3, undefined])
    }
  })

  test('an unknown parameter is left aside in lenient handling', async () => {
    const answer = await server.send({
      as: 'auditor',
      path: `AuditEvent?${DAY}&policy=x`,
      headers: { Prefer: 'handling=lenient' },
    })
    expect(answer.status).toBe(200)
    expect(linkOf(bundleOf(answer), 'self')).not.toContain('policy')
  })
})

test('pages give each record once, newest first, and lead back; records written meanwhile do not disturb them', async () => {
  for (const minute of ['11:01', '11:02', '11:03', '11:04', '11:05']) {
    server.setNow(`2026-05-03T${minute}:00.000Z`)
    await sendCheck(server, NOT_KNOWN)
    await sendCheck(server, NOT_KNOWN)
  }
  const query = `?date=2026-05-03&subtype=cpis-check`
  const whole = idsOf(await search('auditor', `${query}&_count=500`))
  const seen: (string | undefined)[] = []
  let path: string | undefined = `AuditEvent${query}&_count=3`
  let last: Bundle | undefined
  while (path !== undefined) {
    const answer: TestAnswer = await server.send({ as: 'auditor', path })
    seen.push(...idsOf(answer))
    last = bundleOf(answer)
    const next: string | undefined = linkOf(last, 'next')
    path = next === undefined ? undefined : pathOf(next)
    await sendCheck(server, NOT_KNOWN)
  }
  expect(seen).toEqual(whole)
  const times = (await Promise.all(seen.map((id) => server.send({ as: 'auditor', path: `AuditEvent/${id}` })))).map(
    (one) => resourceOf(one, 'AuditEvent').recorded,
  )
  expect(times).toEqual([...times].sort().reverse())
  const back = pathOf(linkOf(last ?? { resourceType: 'Bundle', type: 'searchset' }, 'previous') ?? '')
  const lastPage = Math.floor((seen.length - 1) / 3) * 3
  expect(idsOf(await server.send({ as: 'auditor', path: back }))).toEqual(seen.slice(lastPage - 3, lastPage))
})

test('reading the audit is recorded: who, and the names of the parameters', async () => {
  server.setNow('2026-05-03T12:00:00.000Z')
  const answer = await server.send({
    as: 'auditor',
    path: `AuditEvent/_search?${DAY}`,
    form: { 'patient:identifier': ON_A_PLAN },
  })
  const requestId = answer.headers.get('x-request-id')
  const [record] = eventsOf(await search('auditor', '?date=ge2026-05-03T12:00:00Z&subtype=search-type'))
  expect(record?.entity?.[0]?.what?.identifier?.value).toBe(requestId)
  expect(record?.entity?.[1]?.detail).toEqual([
    { type: 'parameter', valueString: 'date' },
    { type: 'parameter', valueString: 'patient:identifier' },
  ])
  expect(JSON.stringify(record)).not.toContain(ON_A_PLAN)
})
