/** One finding of `cpis doctor`, and how it is put together. */

export interface Finding {
  readonly what: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  /** What to do; absent when nothing is. */
  readonly remedy?: string
}

export const ok = (what: string, found: string): Finding => ({ what, state: 'ok', found })
export const warn = (what: string, found: string, remedy: string): Finding => ({ what, state: 'warn', found, remedy })
export const fail = (what: string, found: string, remedy: string): Finding => ({ what, state: 'fail', found, remedy })

/** What a read of a setting says: its finding, or the message of why it cannot be used (which has the remedy). */
export function findingOf(what: string, read: () => Finding): Finding {
  try {
    return read()
  } catch (error) {
    const [found = '', ...remedy] = (error instanceof Error ? error.message : 'unknown').split('. ')
    return fail(what, found, remedy.join('. '))
  }
}
