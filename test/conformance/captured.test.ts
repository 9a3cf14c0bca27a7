/** The switch that keeps the answers of test servers for the reference validator (docs/conformance.md). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startTestServer, type TestServer } from '../support/server.ts'

const before = process.env['CPIS_CAPTURE']
const folder = mkdtempSync(join(tmpdir(), 'cpis-captured-'))
const file = join(folder, 'captured.ndjson')
let server: TestServer

beforeAll(async () => {
  process.env['CPIS_CAPTURE'] = file
  server = await startTestServer()
})
afterAll(async () => {
  await server.close()
  if (before === undefined) delete process.env['CPIS_CAPTURE']
  else process.env['CPIS_CAPTURE'] = before
  rmSync(folder, { recursive: true })
})

test('keeps every FHIR body that is sent, packed or not, under a name without numbers; nothing else', async () => {
  const as = 'la-E10000007'
  const answers = [
    await server.send({ path: 'metadata' }),
    await server.send({ as, path: 'EpisodeOfCare/4711-0815' }),
    await server.send({ as, path: 'Organization/E10000007', headers: { 'Accept-Encoding': 'identity' } }),
  ]
  await server.send({ as, method: 'HEAD', path: 'Organization/E10000007' })
  await server.send({ as, path: '.well-known/smart-configuration' })
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { name: 'GET /FHIR/R4/metadata 200', resource: answers[0]?.json },
    { name: 'GET /FHIR/R4/EpisodeOfCare/[id]-[id] 404', resource: answers[1]?.json },
    { name: 'GET /FHIR/R4/Organization/[id] 200', resource: answers[2]?.json },
  ])
})
