/** `GET /openapi.json`: the document of this server's rows, made when it is first asked for. */
import type { Context } from '../context.ts'
import { readDefinitions } from '../fhir/definitions.ts'
import { buildOpenApi } from '../interactions/openapi.ts'
import { type Answer, type Prepared, prepare } from './fhir-response.ts'
import { FHIR_ROUTES } from './routes.ts'

/** One for each server of the process: the document names its origin. */
const documents = new WeakMap<Context, Promise<Prepared>>()

/** 200 with the document. The first time disk I/O. */
export async function answerOpenApi(context: Context): Promise<Answer> {
  const document = documents.get(context) ?? makeDocument(context)
  documents.set(context, document)
  return { status: 200, prepared: await document, contentType: 'application/json' }
}

function makeDocument(context: Context): Promise<Prepared> {
  return prepare(Buffer.from(JSON.stringify(buildOpenApi(FHIR_ROUTES, context.config, readDefinitions()))))
}
