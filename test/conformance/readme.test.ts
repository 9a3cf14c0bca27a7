import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { EXIT } from '../../src/cli/io.ts'
import { VARIABLES } from '../../src/config-variables.ts'
import { readExample } from '../support/examples.ts'

const PROJECT = new URL('../../', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, PROJECT), 'utf8')
const readme = read('README.md')

describe('the README', () => {
  test('lists the variables of src/config-variables.ts, all of them and no others', () => {
    const [, configuration = ''] = readme.split('## Configuration')
    const [section = ''] = configuration.split('\n## ')
    const rows = section.split('\n').filter((line) => /^\| [A-Z][A-Z_]+ \|/.test(line))
    expect(rows).toEqual(VARIABLES.map((one) => `| ${one.name} | ${one.default} | ${one.meaning} |`))
  })

  test('quotes the examples as they are', () => {
    const [question = ''] = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1])
    expect(JSON.parse(question)).toEqual(readExample('check-request.json'))
    const words = [...readme.matchAll(/^> (.*)$/gm)].map((match) => match[1])
    expect(JSON.stringify(readExample('check-answer-hit.json'))).toContain(JSON.stringify(words[0]).slice(1, -1))
  })

  test('names every exit code', () => {
    for (const code of Object.values(EXIT)) expect(readme).toMatch(new RegExp(`\\b${code} [a-z]`))
  })

  test.each([
    'README.md',
    'docs/integrating.md',
    'docs/operating.md',
    'docs/conformance.md',
    'docs/uk-core.md',
    'examples/README.md',
  ])('and %s point only at files that are there', (name) => {
    const links = [...read(name).matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '')
    const missing = links.filter((link) => !existsSync(new URL(link, new URL(name, PROJECT))))
    expect(missing).toEqual([])
  })

  test.each(['README.md', 'docs/integrating.md', 'docs/operating.md', 'examples/README.md', 'src/cli/serve.ts'])(
    '%s names only examples that are there',
    (name) => {
      const names = [...read(name).matchAll(/examples\/([\w.-]+\.json)/g)].map((match) => match[1] ?? '')
      expect(names.filter((one) => !existsSync(new URL(`examples/${one}`, PROJECT)))).toEqual([])
    },
  )
})
