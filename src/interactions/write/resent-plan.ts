/** A plan that is sent again exactly as it was sent when its version was made (R15): known by a keyed hash, before anything of it is parsed. */
import type { Context } from '../../context.ts'
import { checkBirthDate, checkNumberKnown } from '../../domain/upload/completeness.ts'
import { canonicalJson } from '../../fhir/json.ts'
import { type Issue, isError, issue } from '../../fhir/outcome.ts'
import type { Row } from '../../store/store.ts'
import { SOFTWARE_VERSION } from '../capabilities.ts'
import type { Applied, WriteFacts } from './change.ts'
import { type FullToken, identifierOfCondition } from './foresee-reads.ts'
import { planFactsOf } from './plan-facts.ts'
import type { ChangeParts } from './prepare-change.ts'

/** A conditional update of a plan by its own identifier, whose content is not looked at yet. */
export interface MaybeResent {
  readonly place: string
  readonly named: FullToken
  readonly sentAs: string
  /** The status that was sent, which the dates may have overtaken since (R12). */
  readonly status: unknown
}

/** What may be a plan sent again: a conditional update by one identifier and nothing besides. The hash is of the whole content and of the version of the rules. Pure. */
export function maybeResent(parts: ChangeParts, store: Pick<Context['store'], 'keyedId'>): MaybeResent | undefined {
  const { place, method, type, ifMatch, resource } = parts
  const named = method === 'PUT' && type === 'EpisodeOfCare' ? identifierOfCondition(parts.condition) : undefined
  if (named === undefined || ifMatch !== undefined || typeof resource !== 'object' || resource === null)
    return undefined
  const sentAs = store.keyedId(['sent', SOFTWARE_VERSION, canonicalJson(resource)])
  return { place, named, sentAs, status: 'status' in resource ? resource.status : undefined }
}

/** The answer to a plan sent again: its version, what there is to say of it today, and that nothing has changed; undefined when the one row that is found was made from other content, or does not say it any more today. Pure. */
export function answerResent(
  rows: readonly Row<'EpisodeOfCare'>[] | undefined,
  sent: MaybeResent,
  facts: WriteFacts,
): Applied | undefined {
  const [row, another] = rows ?? []
  if (row === undefined || another !== undefined || !saysTheSame(row, sent, facts)) return undefined
  const plan = planFactsOf(row, facts.owner)
  const remarks: readonly Issue[] = [
    ...checkBirthDate(plan, plan.birthDate, facts.today),
    ...checkNumberKnown(plan, plan.nhsNumber, facts.today),
  ]
  if (remarks.some(isError)) return undefined
  const placed = remarks.map((one) => ({ ...one, expression: `${sent.place}.resource.patient` }))
  const change = { place: sent.place, method: 'PUT', type: 'EpisodeOfCare', issues: [] } as const
  const ids = { freshId: row.id, freshFlagId: row.id }
  return { change: { ...change, ...ids }, status: 200, row, issues: [...placed, issue('UNCHANGED', sent.place)] }
}

/** A plan under a replaced number (R23) is looked at whole: there is something to say of it. */
function saysTheSame(row: Row<'EpisodeOfCare'>, sent: MaybeResent, { today }: WriteFacts): boolean {
  const { sentAs, turnsOn, newNumber } = row.index
  if (sentAs !== sent.sentAs || row.resource?.status !== sent.status || newNumber !== undefined) return false
  return turnsOn === undefined || turnsOn > today
}
