/** One caller of the server: one keep-alive connection, one request at a time. */
import { Client } from 'undici'

export interface Sent {
  readonly method: 'POST' | 'PUT'
  /** From the origin. */
  readonly path: string
  readonly token: string
  readonly requestId: string
  readonly body: string
}

export interface Received {
  readonly status: number
  readonly text: string
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
        const chunks: Buffer[] = []
        client.dispatch(
          {
            method: request.method,
            path: request.path,
            headers: [
              'authorization',
              `Bearer ${request.token}`,
              'content-type',
              'application/fhir+json',
              'accept',
              'application/fhir+json',
              'x-request-id',
              request.requestId,
            ],
            body: request.body,
          },
          {
            onRequestStart: () => undefined,
            onResponseStart: (_controller, code) => {
              status = code
            },
            onResponseData: (_controller, chunk) => {
              chunks.push(chunk)
            },
            onResponseEnd: () => resolve({ status, text: Buffer.concat(chunks).toString('utf8') }),
            onResponseError: (_controller, error) => reject(error),
          },
        )
      }),
    close: () => client.close(),
  }
}
