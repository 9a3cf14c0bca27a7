/** What a Bundle's answer may hold (R4 bundle.html, bdl-7). */
import { expect, test } from '@jest/globals'
import type { BundleEntry } from '@medplum/fhirtypes'
import { wrap } from '../../src/interactions/transaction/build-reply.ts'

const entryOf = (version: string): BundleEntry => ({
  fullUrl: 'https://x/Patient/1',
  resource: { resourceType: 'Patient', id: '1', meta: { versionId: version } },
  response: { status: '200 OK', location: `https://x/Patient/1/_history/${version}` },
})

test('one version of one resource stands in it once; what means it again has no fullUrl', () => {
  const refused: BundleEntry = { response: { status: '404 Not Found' } }
  const sent = [entryOf('1'), refused, entryOf('2'), entryOf('1'), refused]
  const { fullUrl: _none, ...again } = entryOf('1')
  expect(wrap('batch-response', sent).entry).toEqual([entryOf('1'), refused, entryOf('2'), again, refused])
})

test('an empty one has no entry at all', () => {
  expect(wrap('transaction-response', [])).toEqual({ resourceType: 'Bundle', type: 'transaction-response' })
})
