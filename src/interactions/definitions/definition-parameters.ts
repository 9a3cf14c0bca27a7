/** What published definitions can be searched by (interface.md "REST"). */

interface DefinitionParameter {
  readonly name: 'url' | 'name' | 'code'
  readonly kind: 'uri' | 'string' | 'token'
  readonly documentation: string
}

export const DEFINITION_PARAMETERS = {
  conformance: [
    { name: 'url', kind: 'uri', documentation: 'Canonical URL' },
    { name: 'name', kind: 'string', documentation: 'Start of the computable name' },
  ],
  topic: [{ name: 'code', kind: 'token', documentation: 'subscription-topic' }],
} as const satisfies Record<string, readonly DefinitionParameter[]>
