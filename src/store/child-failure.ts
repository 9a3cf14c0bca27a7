/** What went wrong with a program that was run: Node's errors of child processes, read without trusting their shape. */

/** Its error code, e.g. ENOENT when there is no such program. Pure. */
export function codeOf(error: unknown): string | undefined {
  const code = memberOf(error, 'code')
  return typeof code === 'string' ? code : undefined
}

/** Its own last words, else Node's. Pure. */
export function wordsOf(error: unknown): string {
  const said = [memberOf(error, 'stderr'), memberOf(error, 'message')]
  const words = said.find((text) => typeof text === 'string' && text.trim() !== '')
  return typeof words === 'string' ? words.trim() : 'unknown fault'
}

function memberOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
}
