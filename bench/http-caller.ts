/** One caller of the server: one keep-alive connection, one request at a time. */
import { Client } from 'undici'

export interface Sent {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** From the origin. */
  readonly path: string
  /** Bearer token; empty for a server that asks for none. */
  readonly token: string
  readonly requestId: string
  readonly body?: string
  /** Of the body; FHIR JSON unless told. */
  readonly contentType?: string
}

export interface Received {
  readonly status: number
  readonly text: string
  /** Retry-After, as it came. */
  readonly retryAfter?: string
}

export interface HttpCaller {
  send(request: Sent): Promise<Received>
  close(): Promise<void>
}

/** No I/O until the first request. Rejects when the connection fails: nothing is tried again. */
export function openCaller(origin: string): HttpCaller {
  const client = new Client(origin, { headersTimeout: 120_000, bodyTimeout: 120_000, pipelining: 1 })
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        let status = 0
        let retryAfter: string | undefined
        const chunks: Buffer[] = []
        client.dispatch(
          {
            method: request.method,
            path: request.path,
            headers: [
              ...(request.token === '' ? [] : ['authorization', `Bearer ${request.token}`]),
              ...(request.body === undefined ? [] : ['content-type', request.contentType ?? 'application/fhir+json']),
              'accept',
              'application/fhir+json',
              'x-request-id',
              request.requestId,
            ],
            body: request.body ?? null,
          },
          {
            onRequestStart: () => undefined,
            onResponseStart: (_controller, code, headers) => {
              status = code
              const after = headers['retry-after']
              if (typeof after === 'string') retryAfter = after
            },
            onResponseData: (_controller, chunk) => {
              chunks.push(chunk)
            },
            onResponseEnd: () => {
              const text = Buffer.concat(chunks).toString('utf8')
              resolve({ status, text, ...(retryAfter === undefined ? {} : { retryAfter }) })
            },
            onResponseError: (_controller, error) => reject(error),
          },
        )
      }),
    close: () => client.close(),
  }
}
