/** Archives one month in a process of its own and ends it, as kill -9 does, behind the step that it is told: for tests of what a broken run leaves. */
import { argv, kill, pid } from 'node:process'
import { openArchivist } from '../../src/store/archive-months.ts'

const [, , url = '', database = '', folder = '', month = '', step = ''] = argv
const archivist = await openArchivist({ url, database })
await archivist.archive(month, {
  what: 'auditEvents',
  folder,
  at: new Date('2026-05-03T11:00:00Z'),
  onStep: (done) => {
    if (done === step) kill(pid, 'SIGKILL')
  },
})
await archivist.close()
