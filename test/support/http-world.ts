/** An app of one's own rows over a running server's collaborators, on a port of its own: for what the real rows never do. */

import type { Context } from '../../src/context.ts'
import { buildApp } from '../../src/http/app.ts'
import { type HttpServer, type Listening, listenHttp } from '../../src/http/http-server.ts'
import type { InFlight } from '../../src/http/in-flight.ts'
import { compileRoutes, type FhirRoute } from '../../src/http/route-table.ts'
import type { Handler } from '../../src/interactions/interaction.ts'

export interface OwnApp {
  readonly url: string
  readonly base: string
  readonly http: HttpServer
}

export async function startOwnApp(
  context: Context,
  rows: readonly FhirRoute[],
  options: { inFlight?: InFlight; times?: Listening['times'] } = {},
): Promise<OwnApp> {
  const { inFlight, times } = options
  const http = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    clock: context.clock,
    ...(times === undefined ? {} : { times }),
  })
  http.serve(buildApp(context, { table: compileRoutes(rows), ...(inFlight === undefined ? {} : { inFlight }) }))
  const url = `http://127.0.0.1:${http.port}`
  return { url, base: `${url}/FHIR/R4`, http }
}

/** `GET metadata`, served to everyone, by this handler. */
export function publicRow(handler: Handler): FhirRoute {
  return {
    method: 'GET',
    path: 'metadata',
    interaction: 'capabilities',
    handler,
    public: true,
    body: 'none',
    maxBytes: 0,
  }
}

/** `POST Patient` by this handler: the policy still asks for a local authority’s token. */
export function createRow(handler: Handler): FhirRoute {
  return {
    method: 'POST',
    path: 'Patient',
    interaction: 'create',
    type: 'Patient',
    handler,
    body: 'resource',
    maxBytes: 1000,
  }
}
