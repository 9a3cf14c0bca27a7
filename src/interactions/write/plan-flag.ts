/** The row of the Flag that signals a plan: its facts and its index, both taken from the plan (R14). */
import type { Flag } from '@medplum/fhirtypes'
import type { ResourceId } from '../../domain/brands.ts'
import type { FlagFacts } from '../../domain/upload/build-flag.ts'
import type { Row, RowIndex } from '../../store/store.ts'
import type { WriteFacts } from './change.ts'
import { planFactsOf } from './plan-facts.ts'

/** Id of the plan's Flag. Throws when the row is no plan that this server wrote. Pure. */
export function flagIdOf(plan: Row<'EpisodeOfCare'>): ResourceId {
  if (plan.index.flagId === undefined) throw new Error(`EpisodeOfCare/${plan.id} lacks its Flag`)
  return plan.index.flagId
}

/** What the Flag of a plan says; `sent`: the Flag whose identifiers it keeps. Throws for a deleted plan. Pure. */
export function flagFactsOf(plan: Row<'EpisodeOfCare'>, owner: WriteFacts['owner'], sent: Flag | undefined): FlagFacts {
  const { patient, managingOrganization } = plan.resource ?? {}
  if (patient === undefined || managingOrganization === undefined)
    throw new Error(`EpisodeOfCare/${plan.id} has no content`)
  return {
    plan: planFactsOf(plan, owner),
    planId: plan.id,
    flagId: flagIdOf(plan),
    patient,
    authority: managingOrganization,
    ...(sent?.identifier === undefined ? {} : { sentIdentifiers: sent.identifier }),
  }
}

/** By what the Flag is found. Pure. */
export function flagIndexOf(plan: Row<'EpisodeOfCare'>, flag: Flag): RowIndex {
  const { nhsNumber, patientId, start, end, planType, withdrawn } = plan.index
  return {
    identifiers: (flag.identifier ?? []).map(({ system, value }) => ({
      ...(system === undefined ? {} : { system }),
      ...(value === undefined ? {} : { value }),
    })),
    unique: [],
    planId: plan.id,
    ...(flag.status === undefined ? {} : { status: flag.status }),
    ...(nhsNumber === undefined ? {} : { nhsNumber }),
    ...(patientId === undefined ? {} : { patientId }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(planType === undefined ? {} : { planType }),
    ...(withdrawn === undefined ? {} : { withdrawn }),
  }
}
