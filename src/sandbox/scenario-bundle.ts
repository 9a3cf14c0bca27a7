/** A scenario child as its authority would send it: a transaction Bundle by conditional update, so that sending it again only brings it up to date. */
import type { Bundle, BundleEntry, EpisodeOfCare, Extension, Patient } from '@medplum/fhirtypes'
import { PLAN_TYPES } from '../domain/plan.ts'
import { EXTENSION, PROFILE, SYSTEM } from '../fhir/canonicals.ts'
import { findLocalAuthority, slugOf } from './organizations.ts'
import type { ScenarioChild, ScenarioPlan } from './scenario.ts'

/** fullUrl of the nth entry: 0 is the Patient. */
const entryUrl = (nth: number): string => `urn:uuid:00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`
const PATIENT_URL = entryUrl(0)

/** The Bundle of one child: its Patient and its plans, which the server gives their Flags. Pure. */
export function buildScenarioBundle(child: ScenarioChild): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      patientEntry(child),
      ...child.plans.map((plan, nth) => ({ fullUrl: entryUrl(nth + 1), ...planEntry(child, plan) })),
    ],
  }
}

/** The authority's own identifier of a child's plan of that type. Pure. */
export function planIdentifier(child: ScenarioChild, plan: ScenarioPlan): { system: string; value: string } {
  return {
    system: ownSystem(child, 'plan'),
    value: `${plan.type}-${child.family.toUpperCase()}-${child.nhsNumber.slice(-4)}`,
  }
}

function patientEntry(child: ScenarioChild): BundleEntry<Patient> {
  const own = { system: ownSystem(child, 'child'), value: `${child.family.toUpperCase()}-${child.nhsNumber.slice(-4)}` }
  return {
    fullUrl: PATIENT_URL,
    resource: {
      resourceType: 'Patient',
      meta: { profile: [PROFILE.patient] },
      identifier: [{ system: SYSTEM.nhsNumber, value: child.nhsNumber }, own],
      name: [{ given: [child.given], family: child.family }],
      birthDate: child.birthDate,
    },
    request: { method: 'PUT', url: `Patient?identifier=${tokenOf(own)}` },
  }
}

function planEntry(child: ScenarioChild, plan: ScenarioPlan): BundleEntry<EpisodeOfCare> {
  const own = planIdentifier(child, plan)
  const condition = `identifier=${tokenOf(own)}`
  return {
    resource: buildPlan(child, plan),
    // A withdrawn plan frees its identifier (R4), so an update would find none and file another.
    request: plan.withdrawn
      ? { method: 'POST', url: 'EpisodeOfCare', ifNoneExist: condition }
      : { method: 'PUT', url: `EpisodeOfCare?${condition}` },
  }
}

function buildPlan(child: ScenarioChild, plan: ScenarioPlan): EpisodeOfCare {
  const type = PLAN_TYPES[plan.type]
  const extension = buildExtensions(plan)
  return {
    resourceType: 'EpisodeOfCare',
    meta: { profile: [PROFILE.plan] },
    ...(extension.length === 0 ? {} : { extension }),
    identifier: [planIdentifier(child, plan)],
    status: plan.withdrawn ? 'entered-in-error' : 'active',
    type: [{ coding: [{ system: SYSTEM.snomed, code: type.code, display: type.display }] }],
    patient: { reference: PATIENT_URL },
    managingOrganization: { type: 'Organization', identifier: { system: SYSTEM.gss, value: child.authority } },
    period: { start: plan.start, ...(plan.end === undefined ? {} : { end: plan.end }) },
  }
}

function buildExtensions(plan: ScenarioPlan): Extension[] {
  return [
    ...(plan.legalBasis === undefined ? [] : [{ url: EXTENSION.legalBasis, valueCode: plan.legalBasis }]),
    ...(plan.expectedDelivery === undefined
      ? []
      : [{ url: EXTENSION.expectedDeliveryDate, valueDate: plan.expectedDelivery }]),
  ]
}

function ownSystem(child: ScenarioChild, kind: 'child' | 'plan'): string {
  const authority = findLocalAuthority(child.authority)
  return `https://${authority === undefined ? 'authority' : slugOf(authority)}.example/Id/${kind}`
}

function tokenOf(identifier: { readonly system: string; readonly value: string }): string {
  return encodeURIComponent(`${identifier.system}|${identifier.value}`)
}
