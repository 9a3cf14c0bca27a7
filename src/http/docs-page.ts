/** `GET /docs`: Swagger UI over /openapi.json, from the package on this machine (interface.md "Outside FHIR"). A few files with fixed names: no name of a caller ever reaches the disk. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Answer, type Prepared, prepare } from './fhir-response.ts'
import type { PlainRoute } from './plain-routes.ts'

const OURS = join(import.meta.dirname, 'docs-page')
const PACKAGE = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

/** Scripts and styles of this server only, and talk to this server only. Lower case: it takes the place of the common header. */
const PAGE_POLICY = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
} as const

interface DocsFile {
  readonly path: string
  readonly file: string
  readonly contentType: string
}

const PAGE = { file: join(OURS, 'page.html'), contentType: 'text/html; charset=utf-8' }
const SCRIPT = 'text/javascript; charset=utf-8'
const FILES: readonly DocsFile[] = [
  { path: '/docs', ...PAGE },
  { path: '/docs/', ...PAGE },
  { path: '/docs/start.js', file: join(OURS, 'start.js'), contentType: SCRIPT },
  { path: '/docs/page.css', file: join(OURS, 'page.css'), contentType: 'text/css; charset=utf-8' },
  { path: '/docs/swagger-ui-bundle.js', file: join(PACKAGE, 'swagger-ui-bundle.js'), contentType: SCRIPT },
  { path: '/docs/swagger-ui.css', file: join(PACKAGE, 'swagger-ui.css'), contentType: 'text/css; charset=utf-8' },
]

/** Rows for the table of plain routes. Each file is read once, when it is first asked for. */
export const DOCS_ROUTES: readonly PlainRoute[] = FILES.map(({ path, file, contentType }) => {
  const content = once(async () => prepare(await readFile(file)))
  return {
    method: 'GET',
    path,
    answer: async (): Promise<Answer> => ({
      status: 200,
      prepared: await content(),
      contentType,
      headers: PAGE_POLICY,
    }),
  }
})

/** Remembers what was made; a failure is tried again. */
function once(make: () => Promise<Prepared>): () => Promise<Prepared> {
  let made: Promise<Prepared> | undefined
  return () => {
    made ??= make().catch((error) => {
      made = undefined
      throw error
    })
    return made
  }
}
