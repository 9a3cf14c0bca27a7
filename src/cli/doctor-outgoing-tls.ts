/** What `cpis doctor` says of the certificates for calls to endpoints: whether they can be read, belong together, and last (issue 7 item 3). */
import type { X509Certificate } from 'node:crypto'
import { type OutgoingTlsFiles, readCertificates, readOutgoingTls } from '../delivery/outgoing-tls.ts'
import { type Finding, fail, findingOf, ok, warn } from './doctor-finding.ts'

const DAY_MS = 86_400_000
const WARN_DAYS = 30

/** None where nothing is set. Disk I/O. */
export function outgoingTlsFindings(files: OutgoingTlsFiles, now: Date): Finding[] {
  return [
    ...findingsOf({ what: 'client TLS', variable: 'CPIS_CLIENT_CERT', file: files.clientCertFile }, files, now),
    ...findingsOf({ what: 'extra CA', variable: 'CPIS_EXTRA_CA', file: files.extraCaFile }, files, now),
  ]
}

interface Named {
  readonly what: string
  readonly variable: string
  readonly file: string | undefined
}

function findingsOf({ what, variable, file }: Named, files: OutgoingTlsFiles, now: Date): Finding[] {
  if (file === undefined) return []
  return [
    findingOf(what, () => {
      readOutgoingTls(files)
      const [next] = readCertificates(variable, file).toSorted(
        (a, b) => a.validToDate.getTime() - b.validToDate.getTime(),
      )
      return next === undefined
        ? fail(what, `${file} is empty`, `Put it in ${file}.`)
        : sayHowLong({ what, variable, next }, now)
    }),
  ]
}

function sayHowLong(
  { what, variable, next }: Pick<Named, 'what' | 'variable'> & { readonly next: X509Certificate },
  now: Date,
): Finding {
  const days = Math.floor((next.validToDate.getTime() - now.getTime()) / DAY_MS)
  const until = next.validToDate.toISOString().slice(0, 10)
  const remedy = `Put a new one where ${variable} says, and start the server anew: endpoints refuse it after that day.`
  if (next.validFromDate > now) return fail(what, `valid from ${next.validFromDate.toISOString()} only`, remedy)
  if (days < 0) return fail(what, `expired on ${until}`, remedy)
  return days < WARN_DAYS ? warn(what, `expires on ${until}`, remedy) : ok(what, `until ${until}`)
}
