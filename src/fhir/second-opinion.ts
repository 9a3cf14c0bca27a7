/** Base R4 validation by @medplum/core, asked only about what our own walk finds clean: two engines must agree before anything is stored. */
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core'
import type { Resource, StructureDefinition } from '@medplum/fhirtypes'
import { type Issue, issue } from './outcome.ts'

/** Hands the base definitions to the engine, which keeps them for the process. Call once at start. */
export function prepareSecondOpinion(base: readonly StructureDefinition[]): void {
  indexStructureDefinitionBundle([...base])
}

/** INVALID_RESOURCE for each fault that the engine finds, at its place; its words are not passed on, they may quote values. About 40 µs. */
export function askSecondOpinion(resource: Resource): readonly Issue[] {
  try {
    validateResource(resource)
    return []
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error
    return error.outcome.issue.map((one) => issue('INVALID_RESOURCE', one.expression?.[0] ?? resource.resourceType))
  }
}
