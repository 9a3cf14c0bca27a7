/** The nightly re-send of a whole council (R15, R16): nothing changes, nobody is told, and it is quick; R13 holds between batches that meet. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Bundle } from '@medplum/fhirtypes'
import { LA_SYSTEM, type PlanParts, patientOf, planOf } from '../support/plans.ts'
import { bundleOf, codesOf, resourceOf, startTestServer, type TestServer } from '../support/server.ts'

const LA = 'la-E09000003'
const CHILD = 'https://derbyshire.example/child'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const put = (resource: object, identifier: string): object => ({
  resource,
  request: { method: 'PUT', url: `EpisodeOfCare?identifier=${encodeURIComponent(`${LA_SYSTEM}|${identifier}`)}` },
})
const entryOf = (parts: PlanParts & { identifier: string }): object => put(planOf(parts), parts.identifier)
const batch = (entry: readonly object[]): object => ({ resourceType: 'Bundle', type: 'batch', entry })
const send = async (entry: readonly object[], as = LA): Promise<Bundle> =>
  bundleOf(await server.send({ as, body: batch(entry) }))
const statuses = (reply: Bundle): readonly (string | undefined)[] =>
  (reply.entry ?? []).map((one) => one.response?.status?.slice(0, 3))
function codes(reply: Bundle): readonly (readonly (string | undefined)[])[] {
  return (reply.entry ?? []).map((one) => {
    const { outcome } = one.response ?? {}
    return outcome?.resourceType === 'OperationOutcome' ? codesOf(outcome).map((its) => its.code) : []
  })
}

/** Children without a number, but for the first six. */
const NUMBERS = ['9998450055', '9995425793', '9994944614', '9999508960', '9992965525', '9993529427']
function council(count: number): object[] {
  return Array.from({ length: count }, (_, at) => {
    const nhsNumber = NUMBERS[at]
    if (nhsNumber !== undefined) return entryOf({ identifier: `n-${at}`, nhsNumber })
    const patient = { type: 'Patient', identifier: { system: CHILD, value: `n-${at}` } }
    return put({ ...planOf({ identifier: `n-${at}` }), patient }, `n-${at}`)
  })
}

describe('a council of 1,000 plans', () => {
  const night = council(1_000)

  test('R15 sent again: no version, no event, the same locations, and quicker', async () => {
    const started = performance.now()
    const first = await send(night)
    const firstMs = performance.now() - started
    expect(statuses(first).every((one) => one === '201')).toBe(true)
    const before = await server.context.store.read.of('E09000003' as never, 'EpisodeOfCare').history({ limit: 5_000 })
    const flagsBefore = await server.context.store.read.of('E09000003' as never, 'Flag').history({ limit: 5_000 })

    server.setNow('2026-05-03T11:05:00Z')
    const restarted = performance.now()
    const again = await send(night)
    const againMs = performance.now() - restarted
    expect(statuses(again).every((one) => one === '200')).toBe(true)
    expect(codes(again).every((one) => one.includes('UNCHANGED'))).toBe(true)
    expect(again.entry?.map((one) => one.response?.location)).toEqual(first.entry?.map((one) => one.response?.location))
    const { store } = server.context
    expect(await store.read.of('E09000003' as never, 'EpisodeOfCare').history({ limit: 5_000 })).toEqual(before)
    expect(await store.read.of('E09000003' as never, 'Flag').history({ limit: 5_000 })).toEqual(flagsBefore)
    // how much quicker is measured by npm run bench -- upload; here only that it is not the same work
    expect(againMs).toBeLessThan(firstMs)
  })

  test('what is said of a plan sent again is what was said before, beside UNCHANGED', async () => {
    const whole = await send([put(planOf({ identifier: 's-1', nhsNumber: '9999508960', type: 'LAC' }), 's-1')])
    const again = await send([put(planOf({ identifier: 's-1', nhsNumber: '9999508960', type: 'LAC' }), 's-1')])
    expect(codes(again)[0]).toEqual([...(codes(whole)[0] ?? []), 'UNCHANGED'])
    const [reply] = (await send(night.slice(0, 1))).entry ?? []
    const { outcome } = reply?.response ?? {}
    const said = outcome?.resourceType === 'OperationOutcome' ? codesOf(outcome) : []
    expect(said).toEqual([
      { code: 'BIRTH_DATE_MISSING', at: 'Bundle.entry[0].resource.patient', severity: 'warning' },
      { code: 'UNCHANGED', at: 'Bundle.entry[0]', severity: 'information' },
    ])
    expect(reply?.resource?.meta?.versionId).toBe('1')
  })

  test('one that changed among them gets its version, and is known by its new content afterwards', async () => {
    const changed = entryOf({ identifier: 'n-0', nhsNumber: NUMBERS[0] ?? '', end: '2026-05-01' })
    const mixed = [...night.slice(1, 10), changed, ...night.slice(10, 20)]
    const reply = await send(mixed)
    expect(reply.entry?.[9]?.resource?.meta?.versionId).toBe('2')
    expect(codes(reply).filter((one) => one.includes('UNCHANGED')).length).toBe(19)
    // the content of before is news again
    expect((await send([night[0] ?? {}])).entry?.[0]?.resource?.meta?.versionId).toBe('3')
  })

  test('in the order sent: an entry sees what those before it in the same batch changed', async () => {
    const ended = entryOf({ identifier: 'n-1', nhsNumber: NUMBERS[1] ?? '', end: '2026-05-01' })
    const reply = await send([night[1] ?? {}, ended, night[1] ?? {}, ended, ended])
    expect(reply.entry?.map((one) => one.resource?.meta?.versionId)).toEqual(['1', '2', '3', '4', '4'])
  })

  test('a plan changed by another road is not taken for what the batch once sent', async () => {
    const [found] =
      bundleOf(await server.send({ as: LA, path: 'EpisodeOfCare/_search', form: { identifier: `${LA_SYSTEM}|n-2` } }))
        .entry ?? []
    const body = {
      ...planOf({ identifier: 'n-2', nhsNumber: NUMBERS[2] ?? '', end: '2026-05-02' }),
      id: found?.resource?.id,
    }
    const moved = await server.send({ as: LA, method: 'PUT', path: `EpisodeOfCare/${found?.resource?.id}`, body })
    expect(resourceOf(moved, 'EpisodeOfCare').meta?.versionId).toBe('2')
    expect((await send([night[2] ?? {}])).entry?.[0]?.resource?.meta?.versionId).toBe('3')
  })

  test('R12 when the dates have overtaken the status that was sent, it is looked at anew', async () => {
    const entry = entryOf({ identifier: 'd-1', nhsNumber: '9992742216', end: '2026-05-10' })
    await send([entry])
    server.setNow('2026-05-20T11:00:00Z')
    expect(codes(await send([entry]))[0]).toContain('STATUS_CORRECTED')
  })

  test('R6 a birth date that came since is heeded', async () => {
    const entry = entryOf({ identifier: 'b-1', nhsNumber: '9997255143' })
    expect(codes(await send([entry]))[0]).toContain('BIRTH_DATE_MISSING')
    await server.send({
      as: LA,
      path: 'Patient',
      body: patientOf({ nhsNumber: '9997255143', birthDate: '2019-01-02' }),
    })
    expect(codes(await send([entry]))[0]).toEqual(['UNCHANGED'])
  })
})

describe('R13 within and between batches', () => {
  const as = 'la-E09000004'
  const rival = (nth: number): object =>
    entryOf({ identifier: `r-${nth}`, nhsNumber: '9994179209', start: '2026-01-01' })

  test('in one batch the first stands', async () => {
    const reply = await send([rival(1), rival(2), rival(3)], as)
    expect(statuses(reply)).toEqual(['201', '409', '409'])
    expect(codes(reply)[1]).toEqual(['DUPLICATE_PLAN'])
  })

  test('of batches and single plans that meet, exactly one files the child', async () => {
    const one = (nth: number): object =>
      entryOf({ identifier: `m-${nth}`, nhsNumber: '9993798568', start: '2026-01-01' })
    const filler = (from: number): object[] =>
      Array.from({ length: 40 }, (_, at) => {
        const value = `f-${from}-${at}`
        return put(
          { ...planOf({ identifier: value }), patient: { type: 'Patient', identifier: { system: CHILD, value } } },
          value,
        )
      })
    const replies = await Promise.all([
      ...[1, 2, 3, 4].map((nth) => send([...filler(nth), one(nth)], as).then((reply) => statuses(reply).at(-1))),
      ...[5, 6].map((nth) =>
        server
          .send({
            as,
            path: 'EpisodeOfCare',
            body: planOf({ identifier: `m-${nth}`, nhsNumber: '9993798568', start: '2026-01-01' }),
          })
          .then((answer) => String(answer.status)),
      ),
    ])
    expect([...replies].sort()).toEqual(['201', ...Array(5).fill('409')])
  })

  test('R15 one new plan in several batches at once is made once', async () => {
    const same = entryOf({ identifier: 'once', nhsNumber: '9996621235' })
    const replies = await Promise.all([1, 2, 3, 4, 5].map(() => send([same], as).then((reply) => statuses(reply)[0])))
    expect([...replies].sort()).toEqual(['200', '200', '200', '200', '201'])
  })

  test('what is deleted and filed anew in one batch', async () => {
    await send([entryOf({ identifier: 'del', nhsNumber: '9997007336' })], as)
    const url = `EpisodeOfCare?identifier=${encodeURIComponent(`${LA_SYSTEM}|del`)}`
    const reply = await send(
      [
        { request: { method: 'DELETE', url } },
        entryOf({ identifier: 'del', nhsNumber: '9997007336', start: '2026-02-01' }),
      ],
      as,
    )
    expect(statuses(reply)).toEqual(['204', '201'])
  })

  test('a Patient and plans of it in one batch: the later entries see it', async () => {
    const nhsNumber = '9995539772'
    const child = {
      resource: patientOf({ nhsNumber, local: 'p-9', birthDate: '2019-01-02' }),
      request: { method: 'PUT', url: `Patient?identifier=${encodeURIComponent(`${CHILD}|p-9`)}` },
    }
    const byLocal = put(
      { ...planOf({ identifier: 'pp-1' }), patient: { type: 'Patient', identifier: { system: CHILD, value: 'p-9' } } },
      'pp-1',
    )
    const byNumber = entryOf({ identifier: 'pp-2', nhsNumber, type: 'LAC' })
    const overlapping = entryOf({ identifier: 'pp-3', nhsNumber, start: '2026-04-05' })
    const reply = await send([child, byLocal, byNumber, overlapping], as)
    expect(statuses(reply)).toEqual(['201', '201', '201', '409'])
    expect(statuses(await send([child, byLocal, byNumber, overlapping], as))).toEqual(['200', '200', '200', '409'])
  })
})
