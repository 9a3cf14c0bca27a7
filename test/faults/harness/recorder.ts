/** Keeps what callers did: in memory for the checks, and line by line in a file, so that a run that breaks can be read. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { FaultRecord, Operation } from './operation.ts'

export interface Recorder {
  readonly operations: readonly Operation[]
  readonly faults: readonly FaultRecord[]
  /** Where the lines go. */
  readonly file: string
  /** Number of an operation that begins now: its `invoke` line is written before anything is sent. */
  invoke(what: Pick<Operation, 'worker' | 'kind' | 'requestId' | 'invokedAt'>): number
  complete(operation: Operation): void
  noteFault(fault: FaultRecord): void
  close(): Promise<void>
}

/** Opens history.ndjson in a folder. */
export function openRecorder(folder: string): Recorder {
  const file = join(folder, 'history.ndjson')
  const stream = createWriteStream(file)
  const operations: Operation[] = []
  const faults: FaultRecord[] = []
  const write = (line: object): void => void stream.write(`${JSON.stringify(line)}\n`)
  let last = 0
  return {
    operations,
    faults,
    file,
    invoke(what) {
      last += 1
      write({ type: 'invoke', id: last, ...what })
      return last
    },
    complete(operation) {
      operations.push(operation)
      write({ type: operation.outcome, ...operation })
    },
    noteFault(fault) {
      faults.push(fault)
      write({ type: 'fault', ...fault })
    },
    close: () => new Promise((resolve) => void stream.end(() => resolve())),
  }
}
