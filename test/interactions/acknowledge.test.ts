/** AuditEvent/$acknowledge over real HTTP and a real database: refusals first, then what the authority sees, its worklist, and that nobody else sees anything of it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AuditEvent } from '@medplum/fhirtypes'
import { planOf } from '../support/plans.ts'
import {
  bundleOf,
  issuesOf,
  resourceOf,
  START,
  sendCheck,
  startTestServer,
  type TestAnswer,
  type TestServer,
} from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'

const LA = 'la-E10000007'
const RECEIVER = 'receiver-E10000007'
const OTHER = 'receiver-E10000024'
const STRANGER = 'receiver-E06000015'
const EXTENSION = 'https://cpis.example/fhir/StructureDefinition/cpis-acknowledgement'

let server: TestServer
const numbers = [...unrelatedNumbers(40)]
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const parametersOf = (code: unknown, by: unknown, ...more: object[]): object => ({
  resourceType: 'Parameters',
  parameter: [{ name: 'code', valueCode: code }, { name: 'by', valueString: by }, ...more],
})
const acknowledge = (id: string, body: object, as = RECEIVER, requestId = randomUUID()): Promise<TestAnswer> =>
  server.send({ as, path: `AuditEvent/${id}/$acknowledge`, body, headers: { 'X-Request-ID': requestId } })
const readAs = (as: string, id: string) => server.send({ as, path: `AuditEvent/${id}` })
const search = async (query: string, as = RECEIVER): Promise<AuditEvent[]> =>
  (bundleOf(await server.send({ as, path: `AuditEvent${query}` })).entry ?? []).map(
    ({ resource }) => resource as AuditEvent,
  )
const idsIn = (events: readonly AuditEvent[]): (string | undefined)[] => events.map(({ id }) => id)

/** An access to a child that these authorities know; its AuditEvent. */
async function access(authorities: readonly string[] = ['E10000007'], number = numbers.pop() ?? ''): Promise<string> {
  for (const one of authorities)
    await server.send({
      as: `la-${one}`,
      path: 'EpisodeOfCare',
      body: planOf({ nhsNumber: number, identifier: randomUUID() }),
    })
  return idOf(await sendCheck(server, number, { site: 'RCUEF' }))
}
const idOf = (answer: TestAnswer): string => (bundleOf(answer).identifier?.value ?? '').replace('urn:uuid:', '')

/** What this reader is shown of answers on an AuditEvent, oldest first. */
function shown(event: AuditEvent): unknown[] {
  return (event.extension ?? [])
    .filter(({ url }) => url === EXTENSION)
    .map(({ extension = [] }) => extension.map((one) => one.valueCode ?? one.valueString ?? one.valueInstant))
}

describe('refused', () => {
  const [code, by] = ['Parameters.parameter[0].value', 'Parameters.parameter[1].value']
  test.each<readonly [string, object, readonly (readonly [string, string])[]]>([
    ['an outcome that is none', parametersOf('done', 'duty worker'), [['INVALID_CODE', code]]],
    ['a person', parametersOf('seen', 'Jane Example, duty worker'), [['ROLE_ONLY', by]]],
    ['a number', parametersOf('seen', 'duty worker 9998450055'), [['ROLE_ONLY', by]]],
    [
      'both at once',
      parametersOf('x', 'x@example.org'),
      [
        ['INVALID_CODE', code],
        ['ROLE_ONLY', by],
      ],
    ],
    [
      'no role',
      { resourceType: 'Parameters', parameter: [{ name: 'code', valueCode: 'seen' }] },
      [['MISSING_PARAMETER', 'Parameters.parameter']],
    ],
    [
      'a note',
      parametersOf('seen', 'duty worker', { name: 'note', valueString: 'x' }),
      [['UNKNOWN_PARAMETER', 'Parameters.parameter[2].name']],
    ],
    ['another resource', { resourceType: 'Provenance' }, [['INVALID_PARAMETER', 'Parameters']]],
  ])('%s, at its place, and not repeated', async (_what, body, faults) => {
    const answer = await acknowledge(await access(), body)
    expect([answer.status, issuesOf(answer).map((one) => [one.code, one.at])]).toEqual([400, faults])
    expect(answer.text).not.toMatch(/Jane|9998450055|x@/)
  })

  test('an access of another authority and an id that never was look the same, as for a read', async () => {
    const id = await access()
    const [theirs, absent, read] = [
      await acknowledge(id, parametersOf('seen', 'duty worker'), STRANGER),
      await acknowledge(randomUUID(), parametersOf('seen', 'duty worker'), STRANGER),
      await readAs(STRANGER, id),
    ]
    expect([theirs.status, theirs.text, theirs.text]).toEqual([404, absent.text, read.text])
  })

  test('a record that is of no access: a plan that was filed', async () => {
    const made = await server.send({ as: LA, path: 'EpisodeOfCare', body: planOf({ nhsNumber: numbers.pop() ?? '' }) })
    const [filed] = await search(`?entity=EpisodeOfCare/${(made.json as { id: string }).id}`, LA)
    const answer = await acknowledge(filed?.id ?? '', parametersOf('seen', 'duty worker'))
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([422, 'ACKNOWLEDGEMENT_NOT_TAKEN'])
  })

  test.each(['ed-nurse', 'auditor', 'administrator', 'number-feed'])('%s, who is no authority', async (as) => {
    const answer = await acknowledge(await access(), parametersOf('seen', 'duty worker'), as)
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([403, 'NOT_PERMITTED'])
  })

  test('GET, and parameters in the address', async () => {
    const id = await access()
    expect((await server.send({ as: RECEIVER, path: `AuditEvent/${id}/$acknowledge` })).status).toBe(405)
    const path = `AuditEvent/${id}/$acknowledge?code=seen`
    const answer = await server.send({ as: RECEIVER, path, body: parametersOf('seen', 'duty worker') })
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([400, 'UNKNOWN_PARAMETER'])
  })

  test('a request id that stands for another answer', async () => {
    const [id, requestId] = [await access(), randomUUID()]
    await acknowledge(id, parametersOf('seen', 'duty worker'), RECEIVER, requestId)
    const answer = await acknowledge(id, parametersOf('acting', 'duty worker'), RECEIVER, requestId)
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([409, 'REQUEST_ID_REUSED'])
  })

  test('the twenty-first answer to one access', async () => {
    const id = await access()
    for (let nth = 0; nth < 20; nth += 1)
      expect((await acknowledge(id, parametersOf(nth % 2 === 0 ? 'seen' : 'acting', 'duty worker'))).status).toBe(200)
    const answer = await acknowledge(id, parametersOf('seen', 'duty worker'))
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([422, 'ACKNOWLEDGEMENT_NOT_TAKEN'])
  })
})

describe('an authority answers', () => {
  test('with a Provenance of what, when, by the authority in which role', async () => {
    const id = await access()
    const answer = await acknowledge(id, parametersOf('acting', ' duty  social worker '))
    const provenance = resourceOf(answer, 'Provenance')
    expect(provenance).toEqual({
      resourceType: 'Provenance',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      target: [{ reference: `${server.base}/AuditEvent/${id}`, type: 'AuditEvent' }],
      recorded: START,
      activity: {
        coding: [
          { system: 'https://cpis.example/fhir/CodeSystem/cpis-acknowledgement', code: 'acting', display: 'Acting' },
        ],
      },
      agent: [
        {
          role: [{ text: 'duty social worker' }],
          who: {
            type: 'Organization',
            identifier: { system: 'http://statistics.data.gov.uk/id/statistical-geography', value: 'E10000007' },
            display: 'Derbyshire',
          },
        },
      ],
    })
  })

  test('and sees on the AuditEvent all that it said, the last one standing; the supplier’s system as well', async () => {
    const id = await access()
    expect(shown(resourceOf(await readAs(RECEIVER, id), 'AuditEvent'))).toEqual([])
    await acknowledge(id, parametersOf('seen', 'duty worker'))
    server.setNow('2026-05-03T11:05:00.000Z')
    await acknowledge(id, parametersOf('no-action-needed', 'team manager'), LA)
    server.setNow(START)
    const said = [
      ['seen', 'duty worker', START],
      ['no-action-needed', 'team manager', '2026-05-03T11:05:00.000Z'],
    ]
    expect(shown(resourceOf(await readAs(LA, id), 'AuditEvent'))).toEqual(said)
    expect((await search(`?_id=${id}`)).map(shown)).toEqual([said])
  })

  test('once for the same request, and for the same content', async () => {
    const [id, requestId] = [await access(), randomUUID()]
    const body = parametersOf('seen', 'duty worker')
    const first = await acknowledge(id, body, RECEIVER, requestId)
    await acknowledge(id, parametersOf('acting', 'duty worker'))
    expect((await acknowledge(id, body, RECEIVER, requestId)).text).toBe(first.text)
    const again = await acknowledge(id, parametersOf('acting', 'duty worker'), LA)
    expect(again.status).toBe(200)
    expect(shown(resourceOf(await readAs(LA, id), 'AuditEvent')).map((one) => (one as string[])[0])).toEqual([
      'seen',
      'acting',
    ])
  })

  test('eight times at once with eight answers: each is kept, none twice, in one order', async () => {
    const id = await access()
    const roles = ['worker', 'manager', 'desk', 'officer', 'nurse', 'lead', 'deputy', 'clerk']
    const answers = await Promise.all(roles.map((role) => acknowledge(id, parametersOf('seen', `duty ${role}`))))
    expect(answers.map(({ status }) => status)).toEqual(roles.map(() => 200))
    const kept = await server.context.store.read.acknowledgements('E10000007' as never, [id])
    expect(kept.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(kept.map(({ by }) => by).sort()).toEqual(roles.map((role) => `duty ${role}`).sort())
  })

  test('and nobody else sees anything of it: another authority of the child, an auditor, the NHS', async () => {
    const number = numbers.pop() ?? ''
    const id = await access(['E10000007', 'E10000024'], number)
    const before = [(await readAs(OTHER, id)).text, (await readAs('auditor', id)).text]
    await acknowledge(id, parametersOf('acting', 'duty social worker'))
    expect([(await readAs(OTHER, id)).text, (await readAs('auditor', id)).text]).toEqual(before)
    expect(idsIn(await search('?acknowledged=true', OTHER))).not.toContain(id)
    expect(idsIn(await search('?acknowledged=false', OTHER))).toContain(id)
    const history = await sendCheck(server, number)
    expect(history.text).toContain(id)
    expect(history.text).not.toMatch(/acknowledg|duty social worker/)
  })

  test('and its answer is audited, for it to read; the audit of the access stays as it was', async () => {
    const id = await access()
    const [record] = await server.context.store.read.audits({ ids: [id], limit: 1 })
    await acknowledge(id, parametersOf('seen', 'duty worker'))
    expect(await server.context.store.read.audits({ ids: [id], limit: 1 })).toEqual([record])
    const [audit] = await search(`?subtype=acknowledge&entity=AuditEvent/${id}`)
    expect(audit?.entity?.map(({ what }) => what?.reference)).toContain(`AuditEvent/${id}`)
    expect(audit?.outcome).toBe('0')
    expect(await search(`?subtype=acknowledge&entity=AuditEvent/${id}`, STRANGER)).toEqual([])
  })

  test('and it is counted by outcome, and how long the first answer took', async () => {
    const id = await access()
    const metric = async (name: string): Promise<string> =>
      (await server.context.metrics.registry.getSingleMetricAsString(name)) ?? ''
    const countOf = (text: string, label: string): number => Number(text.match(new RegExp(`${label} (\\d+)`))?.[1] ?? 0)
    const [codes, times] = ['cpis_acknowledgements_total', 'cpis_acknowledged_after_seconds']
    const [acting, first] = [
      `cpis_acknowledgements_total{authority="E10000007",code="acting"}`,
      `cpis_acknowledged_after_seconds_bucket{le="300",authority="E10000007"}`,
    ]
    const earlier = `cpis_acknowledged_after_seconds_bucket{le="60",authority="E10000007"}`
    const before = [countOf(await metric(codes), acting), countOf(await metric(times), first)]
    const quick = countOf(await metric(times), earlier)
    server.setNow('2026-05-03T11:02:30.000Z')
    await acknowledge(id, parametersOf('acting', 'duty worker'))
    await acknowledge(id, parametersOf('acting', 'duty worker'))
    await acknowledge(id, parametersOf('seen', 'duty worker'))
    server.setNow(START)
    expect([countOf(await metric(codes), acting), countOf(await metric(times), first)]).toEqual(
      before.map((one) => one + 1),
    )
    expect(countOf(await metric(times), earlier)).toBe(quick)
  })
})

describe('the worklist', () => {
  const WORKLIST_LA = 'E06000032'
  const AS = `receiver-${WORKLIST_LA}`
  let made: string[] = []
  beforeAll(async () => {
    for (let minute = 0; minute < 7; minute += 1) {
      server.setNow(`2026-05-03T11:0${minute}:00.000Z`)
      made = [await access([WORKLIST_LA]), ...made]
    }
    server.setNow('2026-05-03T11:10:00.000Z')
  })
  afterAll(() => server.setNow(START))

  test.each([
    ['a word that is neither', AS, 'acknowledged=maybe', 400, 'INVALID_PARAMETER'],
    ['twice', AS, 'acknowledged=true&acknowledged=false', 400, 'INVALID_PARAMETER'],
    ['a modifier', AS, 'acknowledged:not=true', 400, 'UNKNOWN_PARAMETER'],
    ['an auditor', 'auditor', 'date=2026-05-03&acknowledged=false', 400, 'INVALID_PARAMETER'],
  ])('is refused for %s', async (_what, as, query, status, code) => {
    const answer = await server.send({ as, path: `AuditEvent?${query}` })
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([status, code])
  })

  test('is what is not answered, newest first; what is answered moves to the other side, and nothing else is on either', async () => {
    expect(idsIn(await search('?acknowledged=false&_sort=-date', AS))).toEqual(made)
    expect(await search('?acknowledged=true', AS)).toEqual([])
    await acknowledge(made[2] ?? '', parametersOf('seen', 'duty worker'), AS)
    expect(idsIn(await search('?acknowledged=true', AS))).toEqual([made[2]])
    expect(idsIn(await search('?acknowledged=false', AS))).toEqual(made.filter((id) => id !== made[2]))
    const counted = bundleOf(await server.send({ as: AS, path: 'AuditEvent?acknowledged=false&_summary=count' }))
    expect(counted.total).toBe(made.length - 1)
  })

  test('is read in pages, while answers are given, each once', async () => {
    const waiting = idsIn(await search('?acknowledged=false', AS))
    const seen: (string | undefined)[] = []
    for (let path: string | undefined = 'AuditEvent?acknowledged=false&_count=2'; path !== undefined; ) {
      const bundle = bundleOf(await server.send({ as: AS, path }))
      const ids = (bundle.entry ?? []).map(({ resource }) => resource?.id)
      seen.push(...ids)
      await acknowledge(ids[0] ?? '', parametersOf('acting', 'duty worker'), AS)
      path = bundle.link?.find(({ relation }) => relation === 'next')?.url?.slice(server.base.length + 1)
    }
    expect(seen).toEqual(waiting)
  })

  test('goes with the other parameters', async () => {
    const event = (await search('?acknowledged=true', AS)).at(-1)
    const incident = event?.extension?.[0]?.extension?.[0]?.valueString
    expect(idsIn(await search(`?acknowledged=true&incident=${incident}`, AS))).toEqual([event?.id])
    expect(await search(`?acknowledged=false&incident=${incident}`, AS)).toEqual([])
    expect(await search('?acknowledged=true&date=lt2026-05-03', AS)).toEqual([])
    expect(await search('?acknowledged=true&subtype=create', AS)).toEqual([])
    expect(await search('?acknowledged=true', STRANGER)).toEqual([])
  })
})
