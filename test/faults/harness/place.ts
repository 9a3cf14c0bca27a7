/** Where a run takes place: its database behind proxies, and what can be done to it. The server's side is the same for every place. */
import type { TcpProxy } from './tcp-proxy.ts'

export interface Member {
  /** Of the running mongod; undefined while there is none. */
  pid(): number | undefined
  /** In front of this mongod; absent until it was started for the first time. */
  proxy(): TcpProxy | undefined
  /** Folder of its files. */
  readonly dbPath: string
}

export interface Place {
  readonly name: string
  /** One, or the members of the replica set. */
  readonly members: readonly Member[]
  /** Variables of the server. */
  readonly env: Readonly<Record<string, string>>
  /** Place of the member that takes writes; 0 where there is one only. */
  findPrimary(): Promise<number>
  /** Before a server is started, and after one is gone: ports are as a machine without it has them. */
  release(): Promise<void>
  /** Connection string that leads to all data, once everything runs. */
  readUrl(): string
  close(): Promise<void>
}
