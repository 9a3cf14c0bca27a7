/** Words of the directory that staff read in an answer, and that go on into tables and mails: no marks that hide, turn or compute anything there. */
import type { ContactPoint } from '@medplum/fhirtypes'
import { type Issue, issue } from '../../fhir/outcome.ts'
import { listOf, textOf } from './tolerant.ts'

const MOST_CHARACTERS = 200
/** Control and format characters: they turn or hide what stands beside them. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/u
/** What a spreadsheet takes for the beginning of a formula. */
const FORMULA = /^[=+\-@]/

/** The same of telephone numbers and mail addresses; a number of another country begins with +. Pure. */
export function checkTelecom(telecom: readonly ContactPoint[] | undefined, place: string): readonly Issue[] {
  return listOf(telecom).flatMap(({ at, item }) => {
    const value = textOf(item.value)
    return checkShownText(item.system === 'phone' ? value?.replace(/^\+/, '') : value, `${place}[${at}].value`)
  })
}

/** PROFILE for a text that is too long, blank at an end, or has such marks; what is no text is for the profile. Words never repeat it. Pure. */
export function checkShownText(value: unknown, place: string): readonly Issue[] {
  const text = textOf(value)
  if (text === undefined) return []
  if (UNSEEN.test(text)) return [issue('PROFILE', place, 'It has a character that is not seen. Remove it.')]
  if (FORMULA.test(text)) return [issue('PROFILE', place, 'It begins with =, +, - or @. Begin with a letter or digit.')]
  if (text.trim() !== text) return [issue('PROFILE', place, 'It begins or ends with a blank. Remove it.')]
  return text.length > MOST_CHARACTERS ? [issue('PROFILE', place, 'It has over 200 characters. Shorten it.')] : []
}
