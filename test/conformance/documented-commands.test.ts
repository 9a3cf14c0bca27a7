import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { consoleOf } from '../support/console.ts'
import { documentedCommands, sendCurl, shellWords } from '../support/documented-commands.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** `listen` runs until it is stopped, and doctor looks at the machine: both have tests of their own. */
const RUNS_ALONE = /^npx cpis (listen|doctor)/

const DOCUMENTS = ['README.md', 'docs/integrating.md', 'docs/auditing.md', 'examples/README.md']

describe.each(DOCUMENTS)('the commands of %s', (document) => {
  let server: TestServer
  const variables: Record<string, string> = {}

  beforeAll(async () => {
    server = await startTestServer()
    server.setNow('2026-06-01T08:12:00Z')
  })

  afterAll(() => server.close())

  const lines = documentedCommands(document).filter((line) => !RUNS_ALONE.test(line))

  test.each(lines)('%s', async (line) => {
    const here = line.replaceAll('http://127.0.0.1:8080', server.url)
    const words = await shellWords(here, variables, (name) => server.token(name))
    const [command = ''] = words
    const [, variable, value] = /^([A-Z]+)=(.*)$/.exec(words.join(' ')) ?? []
    if (variable !== undefined && value !== undefined) {
      expect(value).not.toBe('')
      variables[variable] = value
    } else if (command === 'curl') {
      const response = await sendCurl(words)
      expect([response.status, await response.text()]).toEqual([
        expect.any(Number),
        expect.stringContaining('resourceType'),
      ])
      expect(response.ok).toBe(true)
    } else {
      expect(words.slice(0, 2)).toEqual(['npx', 'cpis'])
      expect(await consoleOf(server).run(...words.slice(2))).toBe(0)
    }
  })
})
