/** What production must not start with, as a table of conditions and remedies (security.md "Tokens"). */
import type { Config } from './config.ts'

/** What production must not start with (security.md "Tokens"), each with its remedy; what only files and the database tell is refused where they are read. Undefined when it may. Pure. */
export function findUnsafe(config: Config): string | undefined {
  return config.mode === 'sandbox' ? undefined : UNSAFE.find(({ isSo }) => isSo(config))?.words
}

interface Unsafe {
  readonly words: string
  isSo(config: Config): boolean
}

const UNSAFE: readonly Unsafe[] = [
  {
    isSo: ({ sandboxNow }) => sandboxNow !== undefined,
    words: 'CPIS_SANDBOX_NOW: the test clock is for the sandbox only. Unset it.',
  },
  {
    isSo: ({ limits }) => limits === 'off',
    words: 'CPIS_LIMITS: limits can be off in the sandbox only. Use default or a JSON file.',
  },
  {
    isSo: ({ nhsNumberInUrl }) => nhsNumberInUrl === 'allow',
    words:
      'CPIS_NHS_NUMBER_IN_URL: numbers in addresses end in the logs of others. Unset it; it is for the sandbox only.',
  },
  {
    isSo: ({ keysFile }) => keysFile === undefined,
    words: 'CPIS_KEYS: production needs its own keys. Make them with `cpis keys new FILE` and name the file.',
  },
  {
    isSo: ({ mongodbUrl, embeddedMongodb }) => mongodbUrl === undefined && !embeddedMongodb,
    words:
      'MONGODB_URL: production needs a MongoDB replica set. Name it, or set CPIS_EMBEDDED_MONGODB=yes to run on one member without a second copy.',
  },
  {
    isSo: ({ host, baseUrl }) => !isHttps(baseUrl) && !isLoopback(host),
    words:
      'CPIS_BASE_URL: HOST is an address that others reach, without TLS. Set CPIS_BASE_URL to the https origin in front of it, and HOST to 127.0.0.1 or a private address.',
  },
  {
    isSo: ({ baseUrl }) => !isHttps(baseUrl),
    words: 'CPIS_BASE_URL: production needs an https origin (TLS ends before the server). Set it.',
  },
]

const isHttps = (url: string | undefined): boolean => url?.startsWith('https://') === true

/** Whether only this machine reaches that HOST. Pure. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
