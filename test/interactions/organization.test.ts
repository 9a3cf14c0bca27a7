/** Organizations: whom to call, for every caller with a token. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { bundleOf, issuesOf, resourceOf, startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const idsOf = async (as: string, query: string): Promise<readonly (string | undefined)[]> =>
  (bundleOf(await server.send({ as, path: `Organization?${query}` })).entry ?? []).map(({ resource }) => resource?.id)

describe('refused', () => {
  test('without a token', async () => {
    expect((await server.send({ path: 'Organization' })).status).toBe(401)
  })
  test('to the number feed', async () => {
    expect((await server.send({ as: 'number-feed', path: 'Organization' })).status).toBe(403)
  })
  test.each([
    ['Organization?address=x', 'UNKNOWN_PARAMETER'],
    ['Organization?identifier=', 'INVALID_PARAMETER'],
    ['Organization?name:contains=x', 'UNKNOWN_PARAMETER'],
  ])('%s', async (path, code) => {
    const answer = await server.send({ as: 'ed-nurse', path })
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([400, code])
  })
  test('an unknown one', async () => {
    expect((await server.send({ as: 'ed-nurse', path: 'Organization/nothing' })).status).toBe(404)
  })
})

describe.each(['ed-nurse', 'midwife', 'auditor', 'la-E10000007', 'receiver-E06000015', 'administrator'])('%s', (as) => {
  test('reads an authority and a site', async () => {
    for (const [id, name] of [
      ['E10000007', 'Derbyshire'],
      ['RCUEF', "Sheffield Children's Hospital"],
    ] as const) {
      const answer = await server.send({ as, path: `Organization/${id}` })
      expect(resourceOf(answer, 'Organization').name).toBe(name)
    }
  })
})

describe('search', () => {
  test.each([
    ['identifier=http://statistics.data.gov.uk/id/statistical-geography|E10000007', ['E10000007']],
    ['identifier=https://fhir.nhs.uk/Id/ods-organization-code|RCUEF', ['RCUEF']],
    ['identifier=RCUEF', ['RCUEF']],
    ['identifier=https://nobody.example|RCUEF', []],
    ['name=derbysh', ['E10000007']],
    ['name=Derby&type=hospital-site', []],
    ['_id=E10000007,RCUEF', ['E10000007', 'RCUEF']],
  ])('%s', async (query, ids) => {
    expect([...(await idsOf('ed-nurse', query))].sort()).toEqual(ids)
  })

  test('all 153 authorities, in pages', async () => {
    const answer = bundleOf(
      await server.send({ as: 'ed-nurse', path: 'Organization?type=authority&_total=accurate&_count=100' }),
    )
    expect([answer.total, answer.entry?.length]).toEqual([153, 100])
    const next = answer.link?.find((one) => one.relation === 'next')?.url.slice(server.base.length + 1) ?? ''
    expect(bundleOf(await server.send({ as: 'ed-nurse', path: next })).entry).toHaveLength(53)
  })

  test('an authority finds others as well: contacts are public', async () => {
    expect(await idsOf('la-E10000007', 'name=Leicestersh')).toEqual(['E10000018'])
  })
})
