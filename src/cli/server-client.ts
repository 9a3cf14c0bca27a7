/** HTTP to the server for the commands of `cpis`: the same environment as the server, its clock, and failures as words. */
import { parseConfig } from '../config.ts'
import { CliError, EXIT, type Io } from './io.ts'
import { outcomeWords } from './parse-answer.ts'

export const FHIR_JSON = 'application/fhir+json'
/** Longest wait for one answer. */
const TIMEOUT_MS = 60_000

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed JSON; text when it was none; undefined when empty. */
  readonly body: unknown
}

export interface ServerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Path from the origin, e.g. `/FHIR/R4/metadata`. */
  readonly path: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as FHIR JSON. */
  readonly body?: unknown
  /** Sent as it is, with its own Content-Type. */
  readonly text?: { readonly content: string; readonly type: string }
}

/** Origin of the server that this environment describes: CPIS_BASE_URL, else http://HOST:PORT. Pure; throws ConfigError. */
export function serverOrigin(env: Io['env']): string {
  const config = parseConfig(env)
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host
  return config.baseUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`
}

/** Sends one request; resolves for every status. Throws CliError `unreachable` when nobody answers. */
export async function send(origin: string, request: ServerRequest): Promise<Answer> {
  const headers: Record<string, string> = { accept: FHIR_JSON, ...request.headers }
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`
  if (request.body !== undefined) headers['content-type'] ??= FHIR_JSON
  if (request.text !== undefined) headers['content-type'] = request.text.type
  const body = request.text?.content ?? (request.body === undefined ? undefined : JSON.stringify(request.body))
  try {
    const response = await fetch(origin + request.path, {
      method: request.method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return { status: response.status, headers: response.headers, body: parseBody(await response.text()) }
  } catch (error) {
    throw new CliError(
      EXIT.unreachable,
      `No server answers at ${origin}. Start it with \`npm start\`, or set PORT or CPIS_BASE_URL.`,
      {
        cause: error,
      },
    )
  }
}

/** Sends one request to the FHIR base; throws CliError with the server's own words when it does not succeed. */
export async function sendFhir(origin: string, request: ServerRequest): Promise<Answer> {
  const answer = await send(origin, { ...request, path: `/FHIR/R4${request.path}` })
  if (answer.status < 400) return answer
  throw refusal(answer)
}

/** The CliError that an answer of 400 or more means. Pure. */
export function refusal(answer: Answer): CliError {
  const words = outcomeWords(answer.body).map((one) => `  ${one}`)
  const code = answer.status === 503 ? EXIT.unsure : EXIT.failed
  return new CliError(code, [`The server answered ${answer.status}.`, ...words].join('\n'))
}

function parseBody(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
