/** What AuditEvents can be searched by (interface.md "REST"). */

export interface AuditParameter {
  readonly name: 'date' | 'patient' | 'agent' | 'entity' | 'subtype' | 'outcome' | 'incident' | 'acknowledged'
  readonly kind: 'date' | 'reference' | 'token'
  readonly documentation: string
  readonly ours?: string
}

export const AUDIT_PARAMETERS: readonly AuditParameter[] = [
  {
    name: 'date',
    kind: 'date',
    documentation: 'When it was recorded, with prefixes; an auditor must give at least one bound',
  },
  {
    name: 'patient',
    kind: 'reference',
    documentation: 'With :identifier, or as patient.identifier: the NHS number. Send it by POST _search',
  },
  {
    name: 'agent',
    kind: 'reference',
    documentation: 'With :identifier, or as agent.identifier: a person, role profile, client or organisation',
  },
  { name: 'entity', kind: 'reference', documentation: 'A resource that was touched or shown, such as a plan' },
  { name: 'subtype', kind: 'token', documentation: 'REST interaction, or operation' },
  { name: 'outcome', kind: 'token', documentation: '0 success, 4 refused, 8 the server failed' },
  {
    name: 'incident',
    kind: 'token',
    documentation: 'Id of the incident that accesses belong to',
    ours: 'cpis-audit-event-incident',
  },
  {
    name: 'acknowledged',
    kind: 'token',
    documentation:
      'false: accesses that your authority has not answered yet; true: those that it has. For authorities only',
    ours: 'cpis-audit-event-acknowledged',
  },
]
