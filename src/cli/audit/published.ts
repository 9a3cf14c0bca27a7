/** What a register publishes of its seals (`/.well-known/audit-seals`, `/.well-known/audit-seal-keys.json`), as a client reads it. */
import type { Seal } from '../../domain/audit-seal.ts'
import type { PublicSealKey } from '../../domain/audit-seal-check.ts'
import { CliError, EXIT } from '../io.ts'
import { send } from '../server-client.ts'

/** The newest seal. Throws CliError. Network I/O. */
export async function readPublished(origin: string): Promise<Seal | undefined> {
  const { head } = (await read(origin, '/.well-known/audit-seals')) as { readonly head?: Seal }
  return head
}

/** One seal by its number. Throws CliError. Network I/O. */
export async function findPublished(origin: string, number: number): Promise<Seal | undefined> {
  const { seals } = (await read(origin, `/.well-known/audit-seals?after=${number - 1}`)) as {
    readonly seals: readonly Seal[]
  }
  return seals.find((one) => one.number === number)
}

/** Throws CliError. Network I/O. */
export async function readPublishedKeys(origin: string): Promise<readonly PublicSealKey[]> {
  const { keys } = (await read(origin, '/.well-known/audit-seal-keys.json')) as {
    readonly keys: readonly PublicSealKey[]
  }
  return keys
}

async function read(origin: string, path: string): Promise<unknown> {
  const answer = await send(origin.replace(/\/$/, ''), { method: 'GET', path })
  if (answer.status !== 200) throw new CliError(EXIT.failed, `${origin}${path} answers ${answer.status}.`)
  return answer.body
}
