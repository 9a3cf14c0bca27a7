/** Writes examples/postman: the collection (Postman Collection v2.1) from tools/postman and the bodies in examples/, and the template of its environment. With --check it compares. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENVIRONMENT_TEMPLATE } from '../src/cli/postman-environment.ts'
import { FOLDERS, type PostmanRequest } from './postman/requests.ts'
import { writeOrCompare } from './profiles/generated-files.ts'

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'
/** Endpoint of examples/subscription.json; in Postman a variable. */
const EXAMPLE_ENDPOINT = 'http://127.0.0.1:9099/notifications'
const DESCRIPTION =
  'The main ways through the register, in order, for `Run collection` or newman. Import cpis.postman_environment.json too, or let `npx cpis postman FILE` write one that is filled for a sandbox. Before each request the collection gets the token that it needs by private_key_jwt: its pre-request script shows how. After a timeout repeat a check with the same X-Request-ID and body.'

const textOf = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8')
const linesOf = (text: string): string[] => text.trimEnd().split('\n')
const script = (listen: 'prerequest' | 'test', exec: readonly string[]): object => ({
  listen,
  script: { type: 'text/javascript', exec },
})

function bodyOf({ example, form }: PostmanRequest): object | undefined {
  if (form !== undefined) {
    return { mode: 'urlencoded', urlencoded: Object.entries(form).map(([key, value]) => ({ key, value })) }
  }
  if (example === undefined) return undefined
  const raw = textOf(`../examples/${example}`).trimEnd().replaceAll(EXAMPLE_ENDPOINT, '{{endpoint}}')
  return { mode: 'raw', raw, options: { raw: { language: 'json' } } }
}

function urlOf(path: string): object {
  const [way = '', query = ''] = path.split('?')
  const pairs = query.split('&').filter((one) => one !== '')
  return {
    raw: `{{origin}}${path}`,
    host: ['{{origin}}'],
    path: way.slice(1).split('/'),
    ...(pairs.length === 0
      ? {}
      : { query: pairs.map((one) => ({ key: one.split('=')[0] ?? '', value: one.split('=')[1] ?? '' })) }),
  }
}

function itemOf(request: PostmanRequest): object {
  const { name, method, path, token, example, headers = {}, description, tests } = request
  const body = bodyOf(request)
  const all = { ...(example === undefined ? {} : { 'Content-Type': 'application/fhir+json' }), ...headers }
  return {
    name,
    event: [script('test', tests)],
    request: {
      auth:
        token === undefined
          ? { type: 'noauth' }
          : { type: 'bearer', bearer: [{ key: 'token', value: `{{${token}}}`, type: 'string' }] },
      method,
      header: Object.entries(all).map(([key, value]) => ({ key, value })),
      ...(body === undefined ? {} : { body }),
      url: urlOf(path),
      description,
    },
    response: [],
  }
}

const collection = {
  info: {
    _postman_id: '6d1a7f5c-6d0e-4b52-9d0c-2f3f0c4f6a10',
    name: 'CP-IS register',
    description: DESCRIPTION,
    schema: SCHEMA,
  },
  item: FOLDERS.map(({ name, requests }) => ({ name, item: requests.map(itemOf) })),
  event: [script('prerequest', linesOf(textOf('postman/pre-request.js')))],
}

const files = new Map([
  ['cpis.postman_collection.json', `${JSON.stringify(collection, null, 2)}\n`],
  ['cpis.postman_environment.json', `${JSON.stringify(ENVIRONMENT_TEMPLATE, null, 2)}\n`],
])
if (!writeOrCompare('examples/postman', files, process.argv.includes('--check'))) process.exitCode = 1
