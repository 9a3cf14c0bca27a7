/** What a sender may add without harm and the register does not hold (interface.md "Profiles", "Accepted and not stored"). Run before the profile check: nothing is dropped silently but what the server itself had put there. */

import type { Extension, HumanName, Identifier, Meta, Resource } from '@medplum/fhirtypes'
import { CANONICAL_BASE, EXTENSION } from '../../fhir/canonicals.ts'
import { isObject } from '../../fhir/json-object.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'

/** The server's own remarks on what an authority reads; a client that sends them back means nothing by it. */
const SERVER_EXTENSIONS: ReadonlySet<string> = new Set([
  EXTENSION.caseStatus,
  EXTENSION.shownUntil,
  EXTENSION.daysWithoutNumber,
  EXTENSION.newNumber,
  EXTENSION.babyNumber,
])

/** UK Core, and the CareConnect extension before it. */
const VERIFICATION_STATUS: ReadonlySet<string> = new Set([
  'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
  'https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1',
])

const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  Patient: ['text', 'active', 'gender'],
  Organization: ['text', 'active'],
  EpisodeOfCare: ['text'],
  Flag: ['text'],
}
/** A display beside a reference to a person may hold a name. */
const REFERENCES_TO_PEOPLE: Readonly<Record<string, string>> = { EpisodeOfCare: 'patient', Flag: 'subject' }

/** A copy without what is not held, and an information issue NOT_HELD for each part with its place. Server-owned content goes silently; the id stays. Shapes that are wrong stay as they are, for the profile check. `held`: elements that are held here after all. Pure. */
export function dropNotHeld<T extends Resource>(
  resource: T,
  { held = [] }: { readonly held?: readonly string[] } = {},
): { readonly resource: T; readonly issues: readonly Issue[] } {
  const kept: Record<string, unknown> = { ...resource }
  const issues: Issue[] = []
  const drop: Dropper = (holder, key, place) => {
    if (!(key in holder)) return
    delete holder[key]
    issues.push(issue('NOT_HELD', place))
  }
  const type = resource.resourceType
  dropMeta(kept, type, drop)
  for (const name of ELEMENTS[type] ?? ['text']) if (!held.includes(name)) drop(kept, name, `${type}.${name}`)
  dropServerExtensions(kept)
  const person = REFERENCES_TO_PEOPLE[type]
  if (person !== undefined && isObject(kept[person])) {
    const reference = { ...kept[person] }
    kept[person] = reference
    drop(reference, 'display', `${type}.${person}.display`)
  }
  if (type === 'Patient') dropFromPatient(kept, drop)
  return { resource: kept as unknown as T, issues }
}

type Dropper = (holder: Record<string, unknown>, key: string, place: string) => void

/** versionId and lastUpdated are the server's; profiles of ours are no news. Tags, labels and source stay for the profile check, which refuses them: a label that is not honoured must not be taken. */
function dropMeta(resource: Record<string, unknown>, type: string, drop: Dropper): void {
  if (!isObject(resource['meta'])) return
  const meta: Record<string, unknown> & Meta = { ...resource['meta'] }
  delete meta['versionId']
  delete meta['lastUpdated']
  const profiles: unknown = meta['profile']
  if (Array.isArray(profiles)) {
    const holder: Record<string, unknown> = Object.fromEntries(profiles.entries())
    profiles.forEach((url, at) => {
      const isOurs = typeof url === 'string' && url.startsWith(`${CANONICAL_BASE}/`)
      if (!isOurs) drop(holder, String(at), `${type}.meta.profile[${at}]`)
    })
    setList(meta, 'profile', Object.values(holder))
  }
  if (Object.keys(meta).length === 0) delete resource['meta']
  else resource['meta'] = meta
}

function dropServerExtensions(resource: Record<string, unknown>): void {
  const { extension } = resource
  if (!Array.isArray(extension)) return
  const others = extension.filter((one: Extension) => !(isObject(one) && SERVER_EXTENSIONS.has(String(one['url']))))
  if (others.length < extension.length) setList(resource, 'extension', others)
}

function dropFromPatient(patient: Record<string, unknown>, drop: Dropper): void {
  patient['name'] = eachObject(patient['name'], (name: Record<string, unknown> & HumanName, at) => {
    for (const part of ['use', 'prefix']) drop(name, part, `Patient.name[${at}].${part}`)
  })
  patient['identifier'] = eachObject(patient['identifier'], (identifier: Record<string, unknown> & Identifier, at) => {
    const { extension } = identifier
    if (!Array.isArray(extension)) return
    const holder: Record<string, unknown> = Object.fromEntries(extension.entries())
    extension.forEach((one: Extension, nth) => {
      const isVerification = isObject(one) && VERIFICATION_STATUS.has(String(one['url']))
      if (isVerification) drop(holder, String(nth), `Patient.identifier[${at}].extension[${nth}]`)
    })
    setList(identifier, 'extension', Object.values(holder))
  })
  for (const name of ['name', 'identifier']) if (patient[name] === undefined) delete patient[name]
}

/** Copies the objects of a list and hands each copy on; anything else comes back as it is. */
function eachObject(value: unknown, change: (item: Record<string, unknown>, at: number) => void): unknown {
  if (!Array.isArray(value)) return value
  return value.map((item: unknown, at) => {
    if (!isObject(item)) return item
    const copy = { ...item }
    change(copy, at)
    return copy
  })
}

/** R4 knows no empty lists. */
function setList(holder: Record<string, unknown>, key: string, list: readonly unknown[]): void {
  if (list.length === 0) delete holder[key]
  else holder[key] = list
}
