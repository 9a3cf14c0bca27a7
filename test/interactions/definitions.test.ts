/** What the server publishes of itself, read and searched by everyone. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { bundleOf, issuesOf, startTestServer, type TestServer } from '../support/server.ts'

const FOLDER = new URL('../../profiles/', import.meta.url)
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
const CANONICAL = 'https://cpis.example/fhir'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const idsOf = async (path: string): Promise<readonly (string | undefined)[]> =>
  (bundleOf(await server.send({ path })).entry ?? []).map(({ resource }) => resource?.id)

describe('refused', () => {
  test.each([
    ['an unknown id', 'StructureDefinition/nothing', 404, 'NOT_FOUND'],
    ['an id of another type', 'ValueSet/cpis-error-x', 404, 'NOT_FOUND'],
    ['an unknown parameter', 'StructureDefinition?status=active', 400, 'UNKNOWN_PARAMETER'],
    ['a parameter of another type', 'Basic?url=x', 400, 'UNKNOWN_PARAMETER'],
    ['an empty value', 'StructureDefinition?url=', 400, 'INVALID_PARAMETER'],
    ['a count that is none', 'StructureDefinition?_count=x', 400, 'INVALID_PARAMETER'],
    ['a made-up cursor', 'StructureDefinition?_cursor=x', 400, 'INVALID_PARAMETER'],
    ['an unknown parameter of metadata', 'metadata?x=y', 400, 'UNKNOWN_PARAMETER'],
    ['terminology capabilities', 'metadata?mode=terminology', 400, 'UNKNOWN_PARAMETER'],
  ])('%s', async (_what, path, status, code) => {
    const answer = await server.send({ path })
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([status, code])
  })

  test.each([
    ['POST', 'StructureDefinition'],
    ['PUT', 'StructureDefinition/cpis-plan'],
    ['DELETE', 'StructureDefinition/cpis-plan'],
  ])('%s %s is not offered', async (method, path) => {
    const answer = await server.send({ method, path })
    expect([answer.status, answer.headers.get('allow')?.includes(method)]).toEqual([405, false])
  })
})

test.each(FILES)('profiles/%s is served as it is, by id', async (name) => {
  const published = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))
  const answer = await server.send({ path: `${published.resourceType}/${published.id}` })
  expect(answer.json).toEqual(published)
})

describe('search', () => {
  test.each([
    [`StructureDefinition?url=${CANONICAL}/StructureDefinition/cpis-plan`, ['cpis-plan']],
    [
      `StructureDefinition?url=${CANONICAL}/StructureDefinition/cpis-plan,${CANONICAL}/StructureDefinition/cpis-flag`,
      ['cpis-flag', 'cpis-plan'],
    ],
    ['StructureDefinition?url=https://nobody.example/x', []],
    ['StructureDefinition?name=cpisplandisc', ['cpis-plan-disclosed']],
    ['StructureDefinition?_id=cpis-plan&name=CpisFlag', []],
    ['CodeSystem?_id=cpis-error', ['cpis-error']],
    ['Basic?code=subscription-topic&_id=child-checked', ['child-checked']],
    [`Basic?code=${CANONICAL}/CodeSystem/cpis-basic-type|subscription-topic&_id=child-checked`, ['child-checked']],
    ['Basic?code=https://nobody.example|subscription-topic', []],
    ['CapabilityStatement', ['cpis-register']],
    [`CapabilityStatement?url=${CANONICAL}/CapabilityStatement/cpis-register`, ['cpis-register']],
  ])('%s', async (path, ids) => {
    expect(await idsOf(path)).toEqual(ids)
  })

  test('by POST as by GET', async () => {
    const answer = await server.send({ path: 'StructureDefinition/_search', form: { name: 'CpisPlanDisc' } })
    expect(bundleOf(answer).entry?.map(({ resource }) => resource?.id)).toEqual(['cpis-plan-disclosed'])
  })

  test('in pages: each once, total on every page', async () => {
    const all = await idsOf('StructureDefinition?_count=500')
    const seen: (string | undefined)[] = []
    let path: string | undefined = 'StructureDefinition?_count=4'
    while (path !== undefined) {
      const bundle = bundleOf(await server.send({ path }))
      expect(bundle.total).toBe(all.length)
      seen.push(...(bundle.entry ?? []).map(({ resource }) => resource?.id))
      path = bundle.link?.find((one) => one.relation === 'next')?.url.slice(server.base.length + 1)
    }
    expect(seen).toEqual(all)
    expect(all.length).toBeGreaterThan(8)
  })
})

test('the CapabilityStatement read by its id is the one at /metadata', async () => {
  const [byId, metadata] = await Promise.all([
    server.send({ path: 'CapabilityStatement/cpis-register' }),
    server.send({ path: 'metadata?mode=full' }),
  ])
  expect(byId.json).toEqual(metadata.json)
})
