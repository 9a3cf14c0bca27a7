/** A report that lists AuditEvents: each is written as it comes. */
import type { AuditEvent } from '@medplum/fhirtypes'
import { EXIT, say, styled } from '../io.ts'
import { sayCount } from '../words.ts'
import { ACCESS_COLUMNS, accessCells, accessLines, readAccess } from './audited-access.ts'
import type { Reporting } from './report.ts'
import { auditPages, type Criteria } from './report-pages.ts'
import { openBundle, writeSafeCsvLine } from './report-writer.ts'
import { buildPlanSource } from './shown-plans.ts'

export interface Listing {
  /** Searches whose results follow one another. */
  readonly searches: Iterable<Criteria>
  readonly title: string
}

/** Writes all that the searches find. Network I/O; memory for one page. */
export async function reportAccesses(listing: Listing, reporting: Reporting): Promise<number> {
  const out = openListing(listing, reporting)
  let count = 0
  for (const search of listing.searches) {
    for await (const page of auditPages(reporting.auditor, search)) {
      for (const event of page) await out.add(event)
      count += page.length
    }
  }
  out.end(count)
  reporting.io.err(`${sayCount(count, 'record')}. Reading them was recorded too.\n`)
  return EXIT.ok
}

interface ListingWriter {
  add(event: AuditEvent): Promise<void>
  end(count: number): void
}

function openListing({ title }: Listing, { auditor, io, format, now }: Reporting): ListingWriter {
  if (format === 'fhir') {
    const bundle = openBundle(io, now)
    const base = `${auditor.origin}/FHIR/R4/AuditEvent`
    return { add: async (event) => bundle.add(`${base}/${event.id}`, event), end: bundle.end }
  }
  const plansOf = buildPlanSource(auditor)
  if (format === 'csv') {
    io.out(writeSafeCsvLine(ACCESS_COLUMNS))
    return {
      async add(event) {
        const access = readAccess(event)
        io.out(writeSafeCsvLine(accessCells(access, await plansOf(access))))
      },
      end: () => {},
    }
  }
  say(io, styled(io, 'bold', title))
  return {
    async add(event) {
      const access = readAccess(event)
      say(io)
      for (const line of accessLines(access, await plansOf(access))) say(io, line)
    },
    end: (count) => (count === 0 ? say(io, 'Nobody asked.') : undefined),
  }
}
