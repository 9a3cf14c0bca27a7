/** Builds the collaborators and starts the service: database, store, HTTP, delivery (architecture.md). */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { openAuth } from './auth/auth.ts'
import type { Config } from './config.ts'
import type { Clock, Context } from './context.ts'
import { startDaily } from './delivery/daily.ts'
import { startDelivery } from './delivery/dispatcher.ts'
import { buildGuardedFetch } from './delivery/guarded-fetch.ts'
import { type OutgoingTls, readOutgoingTls } from './delivery/outgoing-tls.ts'
import { buildSendMail } from './delivery/send-mail.ts'
import { contentOf } from './domain/audit-seal.ts'
import type { AuthorityCode } from './domain/brands.ts'
import { compileProfiles } from './fhir/validate.ts'
import { buildAllowance } from './http/allowance.ts'
import { buildApp } from './http/app.ts'
import { type HttpServer, listenHttp } from './http/http-server.ts'
import { startMetricsServer } from './http/metrics-server.ts'
import { buildEnumerationWatch, NO_WATCH } from './interactions/check/enumeration-watch.ts'
import { buildGrantBudget } from './interactions/grant-budget.ts'
import { readForAuthority } from './interactions/read-for-authority.ts'
import { buildRefusalBudget } from './interactions/refusal-budget.ts'
import { buildBundleTurns } from './interactions/transaction/bundle-turns.ts'
import { turnPlan } from './interactions/turn-of-day.ts'
import { buildWriteGroups } from './interactions/write/write-groups.ts'
import { orderKeys } from './key-rotation.ts'
import { watchKeys } from './key-watch.ts'
import { keysFileOf, loadKeys } from './keys.ts'
import { readLimits } from './limits.ts'
import { buildMetrics } from './metrics.ts'
import { hostsOf, mailboxesOf, type PolicyFile, readPolicyFile } from './policy-file.ts'
import { startReseal } from './reseal-loop.ts'
import { LOCAL_AUTHORITIES } from './sandbox/authorities.ts'
import { seedSandbox } from './sandbox/seed.ts'
import { openSealCopy, type SealCopy } from './seal-copy.ts'
import { startSealing } from './seal-loop.ts'
import { startSharing } from './share-loop.ts'
import { startEmbeddedMongod } from './store/embedded-mongod.ts'
import { openDeliveryStore } from './store/mongo-delivery-store.ts'
import { openSealStore } from './store/mongo-seals.ts'
import { openStore } from './store/mongo-store.ts'

/** What a test may put in place of the real thing. */
export type Overrides = Partial<Pick<Context, 'clock' | 'newId' | 'log' | 'fetch' | 'keys' | 'profiles'>> & {
  readonly rotation?: { readonly pollMs: number; readonly resealAfterMs: number }
}

export interface RunningServer {
  /** Origin as bound or as configured, without a trailing slash. */
  readonly url: string
  readonly context: Context
  /** Looks now at the work of the day, instead of within seconds. */
  runDaily(): Promise<void>
  /** Takes no more requests, lets those in flight end, stops delivery and the database. */
  close(): Promise<void>
}

/** Starts everything and resolves when checks are answered. Throws ConfigError or an Error with its remedy, having stopped again what it had started. */
export async function startServer(config: Config, overrides: Overrides = {}): Promise<RunningServer> {
  const stops: (() => Promise<void>)[] = []
  const closeAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    return await start(config, overrides, { stops, closeAll })
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface Stops {
  readonly stops: (() => Promise<void>)[]
  readonly closeAll: () => Promise<void>
}

async function start(config: Config, overrides: Overrides, { stops, closeAll }: Stops): Promise<RunningServer> {
  const log = overrides.log ?? openLog(config, stops)
  const clock = overrides.clock ?? buildClock(config)
  const keys = overrides.keys ?? loadKeys(config)
  const http = await listenHttp({ host: config.host, port: config.port, clock })
  const closeHttp = once(() => http.close())
  stops.push(closeHttp)
  const url = await openDatabase(config, log, stops)
  const { mode, mongodbDatabase: database } = config
  const store = await openStore({ url, database, keys: orderKeys(keys, Date.now()), clock, log, mode, contentOf })
  stops.push(() => store.close())
  let wakeReseal = (): void => {}
  const watch = watchKeys({
    file: overrides.keys === undefined ? keysFileOf(config) : undefined,
    keys,
    log,
    onChange: ({ data }) => {
      store.useDataKeys(data)
      wakeReseal()
    },
    ...(overrides.rotation === undefined ? {} : { pollMs: overrides.rotation.pollMs }),
  })
  stops.push(async () => watch.stop())
  const deliveries = await openDeliveryStore(store.handle)
  const seals = await openSealStore(store.handle)
  const policy = readPolicyFile(config.policyFile)
  const limits = readLimits(config, policy.limits)
  const tls = readOutgoingTls(config)
  let wakeDelivery: Context['wakeDelivery'] = () => {}
  const context: Context = {
    config: { ...config, baseUrl: config.baseUrl ?? originOf(config, http) },
    clock,
    newId: overrides.newId ?? randomUUID,
    log,
    store,
    deliveries,
    seals,
    get keys() {
      return watch.current()
    },
    profiles: overrides.profiles ?? compileProfiles(),
    auth: openAuth(
      config,
      LOCAL_AUTHORITIES.map((one) => one.gss),
      policy,
    ),
    fetch: overrides.fetch ?? buildGuardedFetch({ mode: config.mode, ...tls }),
    allowedHosts: (authority) => hostsOf(policy, authority),
    ...openMail(config, policy, tls),
    checkPolicy: policy.check,
    purposeOfEvent: policy.purposeOfEvent,
    metrics: buildMetrics(),
    refusals: buildRefusalBudget(),
    grants: buildGrantBudget(),
    writes: buildWriteGroups(store),
    bundleTurns: buildBundleTurns(),
    enumeration: limits === undefined ? NO_WATCH : buildEnumerationWatch(),
    wakeDelivery: (reason) => wakeDelivery(reason),
  }
  if (config.mode === 'sandbox') await seedSandbox(context)
  const delivery = startDelivery(context, deliveries, {
    readResource: (authority, reference) => readForAuthority(context, authority, reference),
  })
  stops.push(() => delivery.stop())
  const daily = startDaily({ context, deliveries, turnPlan })
  stops.push(() => daily.stop())
  wakeDelivery = delivery.wake
  const reseal = startReseal({
    context,
    reseal: store.reseal,
    ...(overrides.rotation === undefined ? {} : { afterMs: overrides.rotation.resealAfterMs }),
  })
  stops.push(() => reseal.stop())
  wakeReseal = reseal.wake
  const sealing = startSealing({ context, seals, copy: openCopy(config) })
  stops.push(() => sealing.stop())
  await openMetrics(context, stops)
  const allowance = limits === undefined ? undefined : buildAllowance(limits)
  if (allowance !== undefined) {
    const sharing = startSharing({ context, allowance })
    stops.push(() => sharing.stop())
  }
  http.serve(buildApp(context, allowance === undefined ? {} : { allowance }))
  // the door is closed first, so that what is in flight still finds its database
  stops.push(closeHttp)
  return { url: context.config.baseUrl, context, runDaily: daily.run, close: closeAll }
}

/** The same promise for every call. */
function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= close()
    return closing
  }
}

/** Lines are gathered for half a second at most, so that a busy server does not wait for its log. */
function openLog(config: Config, stops: Stops['stops']): Context['log'] {
  const destination = pino.destination({ sync: false, minLength: 4096, periodicFlush: 500 })
  stops.push(async () => destination.flushSync())
  return pino({ level: config.logLevel }, destination)
}

/** The sandbox clock may start elsewhere and then runs on (CPIS_SANDBOX_NOW). */
function buildClock(config: Config): Clock {
  if (config.sandboxNow === undefined) return () => new Date()
  const aheadMs = config.sandboxNow.getTime() - Date.now()
  return () => new Date(Date.now() + aheadMs)
}

/** The folder that a deployment names must be there: a disk that is not mounted is no second place. */
function openCopy({ sealCopy, mode }: Config): SealCopy | undefined {
  return sealCopy === undefined ? undefined : openSealCopy(sealCopy, { mayMake: mode === 'sandbox' })
}

async function openDatabase(config: Config, log: Context['log'], stops: Stops['stops']): Promise<string> {
  if (config.mongodbUrl !== undefined) return config.mongodbUrl
  const { dataDir, mongodPath } = config
  const mongod = await startEmbeddedMongod({ dataDir, log, ...(mongodPath === undefined ? {} : { mongodPath }) })
  stops.push(() => mongod.close())
  return mongod.url
}

function openMail(config: Config, policy: PolicyFile, { ca }: OutgoingTls): Pick<Context, 'mail'> {
  const { mode, smtpUrl, mailFrom, mailLink } = config
  if (smtpUrl === undefined || mailFrom === undefined) return {}
  const mail = {
    send: buildSendMail({ mode, url: smtpUrl, from: mailFrom, ...(ca === undefined ? {} : { ca }) }),
    allowedMailboxes: (authority: AuthorityCode) => mailboxesOf(policy, authority),
  }
  return { mail: mailLink === undefined ? mail : { ...mail, link: mailLink } }
}

async function openMetrics(context: Context, stops: Stops['stops']): Promise<void> {
  const { metricsPort, host } = context.config
  if (metricsPort === 0) return
  const server = await startMetricsServer(context.metrics, host, metricsPort)
  stops.push(() => server.close())
}

function originOf(config: Config, http: HttpServer): string {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  return `http://${host}:${http.port}`
}
