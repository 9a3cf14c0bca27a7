/** An answer to an alert as FHIR: the Provenance that `$acknowledge` answers with (R4 provenance.html), and the extension by which the authority sees it on its AuditEvent. */
import type { Extension, Provenance } from '@medplum/fhirtypes'
import { ACKNOWLEDGEMENT_CODES, type Acknowledgement } from '../../domain/acknowledgement.ts'
import { EXTENSION, SYSTEM } from '../../fhir/canonicals.ts'

/** Of which access, what, when, by the authority in which role. Pure. */
export function buildProvenance(
  acknowledgement: Acknowledgement,
  { name, fhirBase }: { readonly name: string; readonly fhirBase: string },
): Provenance {
  const { id, auditEvent, authority, by, code, recorded } = acknowledgement
  const identifier = { system: SYSTEM.gss, value: authority }
  return {
    resourceType: 'Provenance',
    id,
    target: [{ reference: `${fhirBase}/AuditEvent/${auditEvent}`, type: 'AuditEvent' }],
    recorded,
    activity: { coding: [{ system: SYSTEM.acknowledgement, code, display: ACKNOWLEDGEMENT_CODES[code].display }] },
    agent: [{ role: [{ text: by }], who: { type: 'Organization', identifier, display: name } }],
  }
}

/** The answer on the AuditEvent. Pure. */
export function acknowledgementExtension({ code, by, recorded }: Acknowledgement): Extension {
  return {
    url: EXTENSION.acknowledgement,
    extension: [
      { url: 'code', valueCode: code },
      { url: 'by', valueString: by },
      { url: 'recorded', valueInstant: recorded },
    ],
  }
}
