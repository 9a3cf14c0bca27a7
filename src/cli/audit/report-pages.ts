/** AuditEvents page by page, as the server links them: one page in memory, however long the report. What names a child goes in a body, never in an address. */
import type { AuditEvent, Bundle } from '@medplum/fhirtypes'
import { CliError, EXIT } from '../io.ts'
import { parseResource, resourcesOf } from '../parse-answer.ts'
import { sendFhir } from '../server-client.ts'

/** Where and as whom is asked. */
export interface Auditor {
  readonly origin: string
  /** An access token that has not run out. */
  readonly token: () => Promise<string>
}

export type Criteria = readonly (readonly [name: string, value: string])[]

const PAGE = '200'
const FORM = 'application/x-www-form-urlencoded'

/** Newest first. Throws CliError with the server's words. Network I/O. */
export async function* auditPages(auditor: Auditor, criteria: Criteria): AsyncGenerator<readonly AuditEvent[]> {
  const form = new URLSearchParams()
  for (const [name, value] of [...criteria, ['_count', PAGE] as const]) form.append(name, value)
  let page = await ask(auditor, 'POST', '/AuditEvent/_search', form.toString())
  for (;;) {
    yield resourcesOf(page, 'AuditEvent')
    const next = page.link?.find(({ relation }) => relation === 'next')?.url
    if (next === undefined) return
    page = await ask(auditor, 'GET', pathOf(next))
  }
}

async function ask(auditor: Auditor, method: 'GET' | 'POST', path: string, form?: string): Promise<Bundle> {
  const answer = await sendFhir(auditor.origin, {
    method,
    path,
    token: await auditor.token(),
    ...(form === undefined ? {} : { text: { content: form, type: FORM } }),
  })
  return parseResource(answer.body, 'Bundle')
}

/** The server may call itself by another name than we do: only what stands below its base is followed, with our own origin. */
function pathOf(link: string): string {
  const { pathname, search } = new URL(link)
  const [, path] = /^\/FHIR\/R4(\/AuditEvent)$/.exec(pathname) ?? []
  if (path === undefined) throw new CliError(EXIT.failed, 'The server links to a page that is none of its own.')
  return path + search
}
