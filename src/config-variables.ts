/** The environment's variables as a table: names, defaults and meanings (runtime.md "Configuration"). */

interface Variable {
  readonly name: string
  readonly default: string
  readonly meaning: string
}

/** The table that README prints (tested to match). */
export const VARIABLES = [
  { name: 'CPIS_MODE', default: 'sandbox', meaning: '`sandbox` or `production`' },
  { name: 'HOST', default: '127.0.0.1', meaning: 'address to listen on' },
  { name: 'PORT', default: '8080', meaning: 'port of the service; 0 takes a free one' },
  { name: 'CPIS_BASE_URL', default: '', meaning: 'origin that callers use; default `http://HOST:PORT`' },
  { name: 'METRICS_PORT', default: '8081', meaning: 'port of the metrics, on HOST; 0 turns them off' },
  { name: 'MONGODB_URL', default: '', meaning: 'a MongoDB replica set; without it the server starts its own mongod' },
  { name: 'CPIS_DATABASE', default: 'cpis', meaning: 'database name' },
  { name: 'CPIS_MONGOD', default: '', meaning: 'path of a mongod for the embedded database' },
  {
    name: 'CPIS_EMBEDDED_MONGODB',
    default: '',
    meaning: '`yes`: production may run on a mongod of its own, one member without a second copy',
  },
  { name: 'CPIS_DATA_DIR', default: './.cpis', meaning: 'data folder: embedded database, sandbox keys and clients' },
  {
    name: 'CPIS_KEYS',
    default: '',
    meaning: 'JSON file of encryption, HMAC, token, webhook and seal keys; a sandbox makes its own',
  },
  {
    name: 'CPIS_SEAL_COPY',
    default: '',
    meaning:
      'folder on another disk, or write-once storage, to which the seals of the audit are written too; a sandbox has one in its data folder',
  },
  { name: 'CPIS_ISSUERS', default: '', meaning: 'JSON file of trusted outside issuers' },
  { name: 'CPIS_CLIENTS', default: '', meaning: 'JSON file of clients besides the sandbox’s own' },
  {
    name: 'CPIS_EMBEDDED_ISSUER',
    default: '',
    meaning: '`on` or `off`: whether the server issues tokens itself; default on in a sandbox, off in production',
  },
  {
    name: 'CPIS_POLICY',
    default: '',
    meaning:
      'JSON file of what a deployment sets: `endpoints`, hosts allowed for each LA (GSS); `mail`, mailboxes or domains likewise; `checkRoles`; `leastAssuranceLevel`; `purposeOfEvent`; `limits`, `issuers` and `clients` in place of files of their own; `retention`',
  },
  {
    name: 'CPIS_SMTP_URL',
    default: '',
    meaning:
      'mail server for alerts by mail: `smtp://USER:PASSWORD@HOST:587` (STARTTLS) or `smtps://…:465`; without it none are sent',
  },
  { name: 'CPIS_MAIL_FROM', default: '', meaning: 'sender of alerts by mail, one address' },
  {
    name: 'CPIS_MAIL_LINK',
    default: '',
    meaning: 'https address of the worklist that a mail names; default the search of it below the FHIR base',
  },
  {
    name: 'CPIS_CLIENT_CERT',
    default: '',
    meaning: 'PEM file: certificate, with its chain, that is shown to endpoints that ask for one (mutual TLS)',
  },
  { name: 'CPIS_CLIENT_KEY', default: '', meaning: 'PEM file of its private key' },
  {
    name: 'CPIS_EXTRA_CA',
    default: '',
    meaning: 'PEM file of authorities that are believed beside the system’s, for endpoints with private certificates',
  },
  { name: 'CPIS_WORKERS', default: '1', meaning: 'server processes' },
  { name: 'CPIS_NHS_NUMBER_IN_URL', default: 'refuse', meaning: '`refuse` or `allow` (sandbox only, for local tools)' },
  {
    name: 'CPIS_SANDBOX_NOW',
    default: '',
    meaning: 'instant at which the sandbox clock starts, e.g. `2026-05-03T08:00:00Z`',
  },
  { name: 'CPIS_LIMITS', default: 'default', meaning: '`default`, `off` (sandbox only) or a JSON file' },
  { name: 'LOG_LEVEL', default: 'info', meaning: '`fatal`, `error`, `warn`, `info`, `debug` or `silent`' },
] as const satisfies readonly Variable[]

/** Name of one. */
export type Name = (typeof VARIABLES)[number]['name']
