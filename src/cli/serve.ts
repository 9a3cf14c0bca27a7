/** `cpis serve`: the server in this process, until it is asked to stop (runtime.md "Commands", npm start). */

import { SANDBOX_PEOPLE } from '../auth/sandbox-people.ts'
import { type Config, ConfigError, parseConfig } from '../config.ts'
import { isLoopback } from '../config-unsafe.ts'
import type { RunningServer } from '../server.ts'
import { CliError, EXIT, type Io, say, styled, untilStopped } from './io.ts'
import { startFault } from './start-fault.ts'
import { VERSION } from './version.ts'
import { isWorkersPrimary, letGo, runWorkers, sayReady, whenOrphaned } from './workers.ts'

/** Starts, prints where everything is, and resolves when the server has stopped. */
export async function runServe(io: Io): Promise<number> {
  const config = parseConfig(io.env)
  if (isWorkersPrimary(config)) return runWorkers(config, io)
  try {
    return await serveHere(config, io)
  } finally {
    // also a worker that could not start must end, so that another is started in its place
    letGo()
  }
}

async function serveHere(config: Config, io: Io): Promise<number> {
  const server = await startOrSay(config)
  for (const line of banner(config, server.url)) say(io, line.startsWith('!') ? styled(io, 'yellow', line) : line)
  sayReady()
  await Promise.race([untilStopped(io), new Promise<void>(whenOrphaned)])
  io.err('Stopping: answering what is in flight …\n')
  await server.close()
  return EXIT.ok
}

/** A server that cannot start says why in a line (its remedy with it), not in a stack. */
export async function startOrSay(config: Config): Promise<RunningServer> {
  const { startServer } = await import('../server.ts')
  try {
    return await startServer(config)
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof Error)) throw error
    throw new CliError(EXIT.failed, `The server did not start. ${startFault(error, config)}`, { cause: error })
  }
}

/** What a person needs to know of a server that has started. Pure. */
export function banner(config: Config, url: string): string[] {
  const metrics = config.metricsPort === 0 ? 'off' : `http://${config.host}:${config.metricsPort}/metrics`
  return [
    `cpis ${VERSION}, ${config.mode}, node ${process.versions.node}`,
    `  FHIR base   ${url}/FHIR/R4   (${url}/FHIR/R4/metadata)`,
    `  to read     ${url}/docs   (${url}/openapi.json)`,
    `  metrics     ${metrics}`,
    `  data        ${config.dataDir}${config.mongodbUrl === undefined ? ' (with its own mongod)' : ', database at MONGODB_URL'}`,
    ...(config.mode === 'sandbox' ? sandboxLines(config, url) : []),
  ]
}

function sandboxLines(config: Config, url: string): string[] {
  const port = new URL(url).port
  const prefix = port === '8080' || config.baseUrl !== undefined ? '' : `PORT=${port} `
  return [
    `  identities  ${SANDBOX_PEOPLE.map((person) => person.name).join(', ')},`,
    '              number-feed, la-<GSS>, receiver-<GSS>',
    'First commands, in another terminal of this folder:',
    `  ${prefix}npx cpis check 9995973952 --as ed-nurse --setting emergency-department --site RCUEF`,
    `  ${prefix}npx cpis upload examples/la-new-plan.transaction.json --as la-E10000007`,
    `  ${prefix}npx cpis listen --authority E10000007`,
    '! A sandbox: test NHS numbers only, made-up people. Never put a real child in it.',
    ...(isLoopback(config.host) ? [] : [`! HOST is ${config.host}: others on this network can reach it.`]),
    ...(config.limits === 'off' ? ['! CPIS_LIMITS=off: nothing slows a caller.'] : []),
    ...(config.sandboxNow === undefined
      ? []
      : [`! CPIS_SANDBOX_NOW: the clock started at ${config.sandboxNow.toISOString()}.`]),
  ]
}
