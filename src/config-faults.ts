/** Gathers all that is wrong with a settings file, so that it is mended in one go. */
import { ConfigError } from './config.ts'

export interface Faults {
  add(words: string): void
  /** What `parse` gives, or `otherwise` once its ConfigError was kept. */
  of<T>(otherwise: T, parse: () => T): T
  /** Throws one ConfigError, in one line, when there were any. */
  throwAll(): void
}

/** None yet. The variable is said once. */
export function collectFaults(variable: string): Faults {
  const prefix = `${variable}: `
  const all: string[] = []
  return {
    add: (words) => void all.push(words),
    of(otherwise, parse) {
      try {
        return parse()
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        all.push(error.message.replaceAll(prefix, ''))
        return otherwise
      }
    },
    throwAll() {
      if (all.length > 0) throw new ConfigError(prefix + all.join(' '))
    },
  }
}
