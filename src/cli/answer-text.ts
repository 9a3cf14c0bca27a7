/** The answer of `$cpis-check` as a person reads it: the words, whom to call, who asked before (interface.md "$cpis-check"). */

import type { AuditEvent, Bundle, Organization } from '@medplum/fhirtypes'
import { findCareSetting } from '../domain/care-settings.ts'
import { londonDayOf } from '../domain/london-day.ts'
import { SYSTEM } from '../fhir/canonicals.ts'
import { resourcesOf } from './parse-answer.ts'
import { sayCount, sayDay, sayTime } from './words.ts'

/** The lines of an answer: words first, then authorities with their contacts, then the access history. Pure. */
export function answerLines(answer: Bundle): string[] {
  const authorities = resourcesOf(answer, 'Organization')
  const accesses = resourcesOf(answer, 'AuditEvent')
  const phones = authorities.flatMap(phonesOf)
  return [
    // whom to call stands below, as a table
    ...wordsOf(answer).filter((line) => !phones.some((phone) => line.includes(phone))),
    ...(authorities.length === 0 ? [] : ['', 'Whom to call', ...authorities.flatMap(authorityLines)]),
    ...(answer.total === 0 ? [] : ['', ...historyLines(accesses)]),
  ]
}

/** The plain words of the OperationOutcome that ends every answer. Pure. */
export function wordsOf(answer: Bundle): string[] {
  return resourcesOf(answer, 'OperationOutcome').flatMap((outcome) =>
    outcome.issue.flatMap((issue) => issue.details?.text ?? []),
  )
}

function phonesOf(authority: Organization): string[] {
  const ways = (authority.contact ?? []).flatMap((contact) => contact.telecom ?? [])
  return ways.flatMap((way) => (way.system === 'phone' && way.value !== undefined ? [way.value] : []))
}

function authorityLines(authority: Organization): string[] {
  const gss = authority.identifier?.find((one) => one.system === SYSTEM.gss)?.value
  const contacts = (authority.contact ?? []).map((contact) => {
    const purpose = contact.purpose?.coding?.[0]?.display ?? contact.purpose?.coding?.[0]?.code ?? ''
    const ways = (contact.telecom ?? []).map((one) => one.value).join('  ')
    return `    ${purpose.padEnd(30)} ${ways}`
  })
  return [`  ${authority.name ?? ''} (${gss ?? ''})`, ...contacts]
}

function historyLines(accesses: readonly AuditEvent[]): string[] {
  if (accesses.length === 0) return ['No one has asked before.']
  return [`Asked before (${sayCount(accesses.length, 'time')}, newest first)`, ...accesses.map(accessLine)]
}

function accessLine(access: AuditEvent): string {
  const at = new Date(access.recorded ?? '')
  return `  ${sayDay(londonDayOf(at))} ${sayTime(at)}  ${whoAndWhere(access).join(', ')}`
}

/** Person, role, setting and place of an access, each where it is given. Pure. */
export function whoAndWhere(access: AuditEvent): string[] {
  const { person, role, setting, place } = accessFacts(access)
  return [person, role, setting, place].filter((one) => one !== undefined)
}

export interface AccessFacts {
  readonly person: string | undefined
  readonly role: string | undefined
  readonly setting: string | undefined
  /** Site, else organisation, by name with its code in brackets. */
  readonly place: string | undefined
}

/** Who looked and from where, out of an access or a check's AuditEvent: names where they are given, else codes. Pure. */
export function accessFacts(access: AuditEvent): AccessFacts {
  const user = access.agent.find((agent) => agent.requestor)
  const organization = access.agent.find((agent) => agent.type?.coding?.some((coding) => coding.code === 'PROV'))
  return {
    person: user?.name ?? user?.who?.display,
    role: user?.role?.[0]?.text ?? user?.role?.[0]?.coding?.[0]?.display,
    setting: settingOf(access),
    place: placeOf(user?.location) ?? placeOf(organization?.who),
  }
}

function settingOf(access: AuditEvent): string | undefined {
  const details = (access.entity ?? []).flatMap((entity) => entity.detail ?? [])
  const code = details.find((detail) => detail.type === 'setting')?.valueString
  return code === undefined ? undefined : (findCareSetting(code)?.display ?? code)
}

interface Named {
  readonly display?: string
  readonly identifier?: { readonly value?: string }
}

function placeOf(reference: Named | undefined): string | undefined {
  if (reference === undefined) return undefined
  const code = reference.identifier?.value
  if (reference.display === undefined) return code
  return code === undefined ? reference.display : `${reference.display} (${code})`
}
