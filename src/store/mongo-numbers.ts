/** Replaced numbers and births (register.md R23, R24): the notices, and the pointers beside the plans by which a check follows them (storage.md "A plan is found under every number"). */
import type { NhsNumber } from '../domain/brands.ts'
import type { Birth, NumberLink, NumberNotices } from '../domain/number-notice.ts'
import { COLLECTIONS, type NumberNoticeDocument, type PointerDocument } from './collections.ts'
import { openJson, sealJson, toRow } from './row-document.ts'
import { accessesOf, noticesOf, plansOf, reading, run, type Scope, writing } from './scope.ts'
import type { ChildToGather, Row } from './store.ts'

/** All links of the chains that these numbers stand in, and the births under any of them. One read when there is none; else one more for each step of a chain. */
export async function findNotices(scope: Scope, numbers: readonly NhsNumber[]): Promise<NumberNotices> {
  const seen = new Set<string>()
  const links = new Map<string, NumberLink>()
  const births = new Map<string, Birth>()
  let next = numbers.map((one) => scope.crypto.subjectKey(one) as string)
  while (next.length > 0) {
    for (const key of next) seen.add(key)
    const documents = await run(
      scope,
      noticesOf(scope)
        .find({ keys: { $in: next } }, reading(scope))
        .toArray(),
    )
    for (const one of documents) {
      if (one.kind === 'link') links.set(one._id, openNotice<NumberLink>(scope, one))
      else births.set(one._id, openNotice<Birth>(scope, one))
    }
    next = [...new Set(documents.flatMap(({ keys }) => keys))].filter((key) => !seen.has(key))
  }
  return { links: [...links.values()], births: [...births.values()] }
}

/** Keeps the notice and, when there is a new number, a pointer at either number to the other. What was kept of the number before must have been removed. */
export async function putNumberLink(scope: Scope, link: NumberLink): Promise<void> {
  const from = scope.crypto.subjectKey(link.from)
  const to = link.to === undefined ? undefined : scope.crypto.subjectKey(link.to)
  await putNotice(scope, { _id: from, kind: 'link', keys: to === undefined ? [from] : [from, to] }, link)
  if (to === undefined) return
  await putPointer(scope, { subjectKey: from, leadsTo: to, via: 'superseded', childKey: to })
  await putPointer(scope, { subjectKey: to, leadsTo: from, via: 'superseded', childKey: to })
}

/** Forgets a notice and its pointers. */
export async function removeNumberLink(scope: Scope, link: NumberLink): Promise<void> {
  const from = scope.crypto.subjectKey(link.from)
  await noticesOf(scope).deleteOne({ _id: from }, writing(scope))
  if (link.to === undefined) return
  const to = scope.crypto.subjectKey(link.to)
  const pointers = [pointerId('superseded', from, to), pointerId('superseded', to, from)]
  for (const _id of pointers) await plansOf(scope).deleteOne({ _id, kind: 'pointer' }, writing(scope))
}

/** Keeps a birth and the pointer from the baby to the mother; there is none back. */
export async function putBirth(scope: Scope, birth: Birth): Promise<void> {
  const mother = scope.crypto.subjectKey(birth.mother)
  const baby = scope.crypto.subjectKey(birth.baby)
  await putNotice(scope, { _id: `${mother}/${baby}`, kind: 'birth', keys: [mother] }, birth)
  await putPointer(scope, { subjectKey: baby, leadsTo: mother, via: 'mother', childKey: baby })
}

/** Pointers and accesses of these numbers become one child's; accesses only out of the histories named. */
export async function gatherChild(scope: Scope, { numbers, from, into }: ChildToGather): Promise<void> {
  const keys = numbers.map((one) => scope.crypto.subjectKey(one) as string)
  const pointers = { subjectKey: { $in: keys }, live: true, kind: 'pointer', via: 'superseded' } as const
  await plansOf(scope).updateMany(pointers, { $set: { childKey: into } }, writing(scope))
  const accesses = { childKey: { $in: from.filter((one) => one !== into) }, subjectKey: { $in: keys } }
  await accessesOf(scope).updateMany(accesses, { $set: { childKey: into } }, writing(scope))
}

/** Live plans of all authorities under these numbers; pointers are none. */
export async function findPlansUnder(
  scope: Scope,
  numbers: readonly NhsNumber[],
): Promise<readonly Row<'EpisodeOfCare'>[]> {
  const keys = numbers.map((one) => scope.crypto.subjectKey(one) as string)
  const found = plansOf(scope).find({ subjectKey: { $in: keys }, live: true }, reading(scope))
  const documents = await run(scope, found.toArray())
  return documents.flatMap((one) => ('kind' in one ? [] : [toRow('EpisodeOfCare', one, scope.crypto)]))
}

async function putNotice(
  scope: Scope,
  fields: Omit<NumberNoticeDocument, 'body'>,
  notice: NumberLink | Birth,
): Promise<void> {
  const document = { ...fields, body: sealJson(notice, placeOf(fields._id), scope.crypto) }
  await noticesOf(scope).replaceOne({ _id: fields._id }, document, { ...writing(scope), upsert: true })
}

function openNotice<T>(scope: Scope, document: NumberNoticeDocument): T {
  return openJson<T>(document.body, placeOf(document._id), scope.crypto)
}

const placeOf = (id: string): string => `${COLLECTIONS.numberNotices}/${id}`

async function putPointer(
  scope: Scope,
  fields: Pick<PointerDocument, 'subjectKey' | 'leadsTo' | 'via' | 'childKey'>,
): Promise<void> {
  const { subjectKey, leadsTo, via } = fields
  const pointer: PointerDocument = { _id: pointerId(via, subjectKey, leadsTo), kind: 'pointer', live: true, ...fields }
  await plansOf(scope).replaceOne({ _id: pointer._id }, pointer, { ...writing(scope), upsert: true })
}

/** No id of R4 has a slash: a pointer is never mistaken for a plan. */
function pointerId(via: PointerDocument['via'], at: string, leadsTo: string): string {
  return `pointer/${via}/${at}/${leadsTo}`
}
