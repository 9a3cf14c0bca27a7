/** Finds a name that stands twice in one JSON object (RFC 8725 §2.4 and RFC 7519 §4: a claim must not be read two ways). */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|[:,]/g

/** Whether some object of this well-formed JSON text repeats a name. Pure. */
export function hasDuplicateName(json: string): boolean {
  const open: (Set<string> | undefined)[] = []
  let previous = ''
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === ':') {
      const names = open.at(-1)
      const name: unknown = JSON.parse(previous)
      if (names === undefined || typeof name !== 'string') continue
      if (names.has(name)) return true
      names.add(name)
    } else if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    previous = token
  }
  return false
}
