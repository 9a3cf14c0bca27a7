/** The program's version, from package.json. */
import { readFileSync } from 'node:fs'

/** e.g. `0.1.0`. Read once, when the module is loaded. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
