/** Commands as the documents print them: taken from indented blocks, with the few words of the shell that they use understood. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

const PROJECT = new URL('../../', import.meta.url)

/** The command lines of a document in order, continuation lines joined and comments cut off. Disk I/O. */
export function documentedCommands(document: string): string[] {
  const text = readFileSync(new URL(document, PROJECT), 'utf8').replaceAll('\\\n', ' ')
  return text
    .split('\n')
    .filter((line) => /^ {4}(curl|npx cpis|[A-Z]+=)/.test(line))
    .map((line) => line.replace(/ +#.*$/, '').trim())
}

/** Words of a command line, quotes taken off, variables and substitutions filled in. `token` answers `$(npx cpis token NAME)`. */
export async function shellWords(
  line: string,
  variables: Readonly<Record<string, string>>,
  token: (name: string) => Promise<string>,
): Promise<string[]> {
  let filled = line.replaceAll(`$(npx node -p 'crypto.randomUUID()')`, () => randomUUID())
  for (const [call, name = ''] of filled.matchAll(/\$\(npx cpis token ([\w-]+)\)/g)) {
    filled = filled.replace(call, await token(name))
  }
  filled = filled
    .replace(/(?<!\\)\$([A-Z]+)/g, (whole, name: string) => variables[name] ?? whole)
    .replaceAll('\\$', '$')
  return (filled.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) => word.replace(/["']/g, ''))
}

/** Sends what a curl command of the documents would: its URL, -H and -d (with @file). */
export async function sendCurl(words: readonly string[]): Promise<Response> {
  const headers = new Headers()
  let url = ''
  let body: string | undefined
  for (let place = 1; place < words.length; place++) {
    const word = words[place] ?? ''
    if (word === '-s') continue
    if (word === '-H') headers.set(...splitHeader(words[++place] ?? ''))
    else if (word === '-d') body = dataOf(words[++place] ?? '')
    else if (word.startsWith('-')) throw new Error(`curl ${word} is not understood here`)
    else url = word
  }
  if (body !== undefined && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded')
  return fetch(url, { headers, ...(body === undefined ? {} : { method: 'POST', body }) })
}

function splitHeader(header: string): [string, string] {
  const colon = header.indexOf(':')
  return [header.slice(0, colon), header.slice(colon + 1).trim()]
}

function dataOf(word: string): string {
  return word.startsWith('@') ? readFileSync(new URL(word.slice(1), PROJECT), 'utf8') : word
}
