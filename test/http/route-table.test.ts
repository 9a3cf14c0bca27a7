/** The route table: look-up, and what must hold of every row. */
import { describe, expect, test } from '@jest/globals'
import { ACCESS_TABLE } from '../../src/auth/access-table.ts'
import { compileRoutes, type FhirRoute } from '../../src/http/route-table.ts'
import { FHIR_ROUTES, ROUTE_TABLE } from '../../src/http/routes.ts'

const find = (path: string) => ROUTE_TABLE.find(path === '' ? [] : path.split('/'))

describe('no path', () => {
  test.each([
    'Nothing',
    'patient',
    'Patient/_search/x',
    'Patient/with_underscore',
    `Patient/${'x'.repeat(65)}`,
    'Patient/a/b',
    'Patient/a/_history/1/2',
    'Patient/$unknown',
    'Patient/[id]',
    'constructor',
    '__proto__',
    'Patient//_history',
    'AuditEvent/x/_history',
    'metadata/x',
  ])('%s', (path) => {
    expect(find(path)).toBeUndefined()
  })
})

describe('a path', () => {
  test.each([
    ['', '[base]', 'POST, OPTIONS'],
    ['metadata', 'metadata', 'GET, HEAD, OPTIONS'],
    ['Patient/$cpis-check', 'Patient/$cpis-check', 'POST, OPTIONS'],
    ['Patient/_search', 'Patient/_search', 'POST, OPTIONS'],
    ['EpisodeOfCare', 'EpisodeOfCare', 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS'],
    ['EpisodeOfCare/a.b-C1', 'EpisodeOfCare/[id]', 'GET, PUT, DELETE, PATCH, HEAD, OPTIONS'],
    ['EpisodeOfCare/x/_history', 'EpisodeOfCare/[id]/_history', 'GET, HEAD, OPTIONS'],
    ['EpisodeOfCare/x/_history/3', 'EpisodeOfCare/[id]/_history/[vid]', 'GET, HEAD, OPTIONS'],
    ['Subscription/x', 'Subscription/[id]', 'GET, PUT, DELETE, HEAD, OPTIONS'],
  ])('%p is %s', (path, template, allow) => {
    expect(find(path)?.path.template).toBe(template)
    expect(find(path)?.path.allow).toBe(allow)
  })

  test('gives id and version, and HEAD as GET', () => {
    const match = find('Flag/abc/_history/7')
    expect([match?.id, match?.versionId]).toEqual(['abc', '7'])
    expect(match?.path.byMethod.get('HEAD')).toBe(match?.path.byMethod.get('GET'))
  })
})

describe('the rows', () => {
  test('two rows for one method of one path are refused at start', () => {
    const [row] = FHIR_ROUTES as readonly [FhirRoute]
    expect(() => compileRoutes([row, row])).toThrow('two routes')
  })

  test.each(FHIR_ROUTES.map((row) => [`${row.method} ${row.path || '[base]'}`, row] as const))(
    '%s is in the table of access, public there if here',
    (_name, row) => {
      const rows = ACCESS_TABLE.filter(
        (one) =>
          one.type === (row.type ?? 'Bundle') &&
          one.interactions.includes(row.interaction) &&
          (row.operation === undefined || one.operations?.includes(row.operation) === true),
      )
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.some((one) => one.allow.nobody === 'public')).toBe(row.public === true)
    },
  )

  test('bodies are bounded: 1 MB, 10 MB for a Bundle, nothing where none is taken', () => {
    for (const row of FHIR_ROUTES) {
      const most = {
        none: 0,
        form: 64 * 1024,
        patch: 1024 * 1024,
        resource: 1024 * 1024,
        bundle: 10 * 1024 * 1024,
        list: 10 * 1024 * 1024,
      }
      expect(row.maxBytes).toBe(most[row.body])
    }
  })

  test('the answer of a check is never compressed', () => {
    expect(find('Patient/$cpis-check')?.path.byMethod.get('POST')?.uncompressed).toBe(true)
  })
})
