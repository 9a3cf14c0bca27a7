/** What the NHS said of the number that a plan is filed under, kept beside the plan (register.md R23, R24). */
import { factsOfNumber, type NumberFacts } from '../../domain/number-notice.ts'
import { type Issue, issue } from '../../fhir/outcome.ts'
import type { Reader, Row, RowIndex } from '../../store/store.ts'

const NOTHING: NumberFacts = { isRetired: false, babyNumbers: [] }

/** A plan's index with the number that has replaced its own and, for an unborn plan, the babies; without those of a number it was filed under before. Pure. */
export function indexWithFacts(index: RowIndex, { newNumber, babyNumbers }: NumberFacts): RowIndex {
  const { newNumber: _number, babyNumbers: _babies, ...rest } = index
  const hasBabies = index.planType === 'UCPP' && babyNumbers.length > 0
  return {
    ...rest,
    ...(newNumber === undefined ? {} : { newNumber }),
    ...(hasBabies ? { babyNumbers } : {}),
  }
}

/** The same for a plan that is filed or linked anew, with a warning when its number is out of use. Reads only what the plan as it stood cannot tell: every notice keeps live plans up to date. */
export async function indexWithNotices(
  reader: Pick<Reader, 'numberNotices'>,
  index: RowIndex,
  before: Row<'EpisodeOfCare'> | undefined,
): Promise<{ readonly index: RowIndex; readonly issues: readonly Issue[] }> {
  const facts = standingFacts(index, before) ?? (await readFacts(reader, index))
  return { index: indexWithFacts(index, facts), issues: index.withdrawn === true ? [] : warningsOf(facts) }
}

function standingFacts(index: RowIndex, before: Row<'EpisodeOfCare'> | undefined): NumberFacts | undefined {
  const wasLive = before !== undefined && !before.deleted && before.index.withdrawn !== true
  const isAsBefore = before?.index.nhsNumber === index.nhsNumber && before?.index.planType === index.planType
  if (!wasLive || !isAsBefore) return undefined
  const { newNumber, babyNumbers = [] } = before.index
  return { isRetired: newNumber !== undefined, babyNumbers, ...(newNumber === undefined ? {} : { newNumber }) }
}

async function readFacts(reader: Pick<Reader, 'numberNotices'>, { nhsNumber }: RowIndex): Promise<NumberFacts> {
  if (nhsNumber === undefined) return NOTHING
  return factsOfNumber(await reader.numberNotices([nhsNumber]), nhsNumber)
}

function warningsOf({ newNumber, isRetired }: NumberFacts): readonly Issue[] {
  if (newNumber !== undefined) return [issue('NUMBER_SUPERSEDED')]
  const text = 'The NHS has taken this number out of use. The plan is kept and found under it; check the number.'
  return isRetired ? [issue('NUMBER_SUPERSEDED', undefined, text)] : []
}
