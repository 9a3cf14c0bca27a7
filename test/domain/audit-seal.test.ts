/** Seals of the audit (issue 6): trees against vectors computed by hand, chains and signatures, and that any change is found and its first record named. */
import { createHash, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { buildProof, findProofFault } from '../../src/domain/audit-proof.ts'
import {
  buildSeal,
  checkSignature,
  compareEntries,
  entryOf,
  GENESIS,
  isLate,
  leafOf,
  rootOf,
  type Seal,
  type SealEntry,
  sealHash,
  signSeal,
} from '../../src/domain/audit-seal.ts'
import { checkHeader, checkLateness, checkRecords, type FoundRecord } from '../../src/domain/audit-seal-check.ts'
import { inclusionPath, leafHash, merkleRoot, rootOfPath } from '../../src/domain/merkle.ts'

const NOON = '2026-05-03T12:00:00.000Z'
const newKey = (kid: string): JsonWebKey & { readonly kid: string } => ({
  ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
  kid,
})
const KEY = newKey('k1')

describe('a Merkle tree', () => {
  /** Test vectors of RFC 6962, as certificate transparency's own implementation publishes them. */
  const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
  const ROOTS = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]
  const leaves = LEAVES.map((hex) => leafHash(Buffer.from(hex, 'hex')))

  test.each(ROOTS.map((root, at) => [at + 1, root]))('over %i leaves has the root of RFC 6962', (size, root) => {
    expect(merkleRoot(leaves.slice(0, Number(size))).toString('hex')).toBe(root)
  })

  test('over none is the hash of nothing, and a leaf is never a node', () => {
    expect(merkleRoot([]).toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    const [one, two] = [leafHash('a'), leafHash('b')]
    expect(leafHash(Buffer.concat([one, two]))).not.toEqual(merkleRoot([one, two]))
  })

  test('proves every leaf of every size, and nothing else', () => {
    for (let size = 1; size <= 40; size += 1) {
      const many = Array.from({ length: size }, (_, at) => leafHash(`leaf ${at}`))
      const root = merkleRoot(many)
      for (const [index, leaf] of many.entries()) {
        const path = inclusionPath(many, index) ?? []
        expect(rootOfPath({ leaf, index, size, path })).toEqual(root)
        if (size === 1) continue
        expect(rootOfPath({ leaf: leafHash('other'), index, size, path })).not.toEqual(root)
        expect(rootOfPath({ leaf, index: (index + 1) % size, size, path })).not.toEqual(root)
        expect(rootOfPath({ leaf, index, size, path: path.slice(1) })).toBeUndefined()
        expect(rootOfPath({ leaf, index, size, path: [...path, leaf] })).toBeUndefined()
      }
    }
    expect(inclusionPath(leaves, 8)).toBeUndefined()
    expect(rootOfPath({ leaf: leafHash('a'), index: 1, size: 1, path: [] })).toBeUndefined()
  })
})

describe('an entry', () => {
  test('is the hash of the record in canonical JSON, under its id and time', () => {
    const entry = entryOf({ id: 'a', recorded: NOON, fields: { recorded: NOON, _id: 'a', status: 200 } })
    const text = `{"_id":"a","recorded":"${NOON}","status":200}`
    const content = createHash('sha256').update(text).digest('base64url')
    expect(entry).toEqual({ id: 'a', recorded: NOON, content })
    const leaf = createHash('sha256').update(`\0["a","${NOON}","${content}"]`).digest()
    expect(leafOf(entry)).toEqual(leaf)
    expect(rootOf([entry])).toBe(leaf.toString('hex'))
  })

  test.each([
    ['a member', { status: 201 }],
    ['a member more', { status: 200, more: true }],
    ['a member less', {}],
    ['a type', { status: '200' }],
    ['a null', { status: null }],
  ])('differs by %s', (_what, fields) => {
    const of = (one: Readonly<Record<string, unknown>>) => entryOf({ id: 'a', recorded: NOON, fields: one }).content
    expect(of(fields)).not.toBe(of({ status: 200 }))
  })
})

const entryAt = (at: number, more: object = {}): SealEntry => {
  const recorded = new Date(Date.parse(NOON) + at * 1_000).toISOString()
  return entryOf({ id: `id-${at}`, recorded, fields: { at, ...more } })
}

function sealOf(entries: readonly SealEntry[], previous?: Seal, key = KEY): Seal {
  const lookedThrough = entries.at(-1)?.recorded ?? NOON
  return signSeal(buildSeal({ entries, previous, lookedThrough, closedAt: lookedThrough, kid: key.kid }), key)
}

/** Seals of these sizes, one after the other. */
function chainOf(sizes: readonly number[]): { readonly seal: Seal; readonly entries: readonly SealEntry[] }[] {
  let at = 0
  let previous: Seal | undefined
  return sizes.map((size) => {
    const entries = Array.from({ length: size }, () => entryAt(at++))
    previous = sealOf(entries, previous)
    return { seal: previous, entries }
  })
}

describe('a chain of seals', () => {
  const chain = chainOf([3, 1, 4])
  const [first, second, third] = chain.map(({ seal }) => seal)

  test('begins with a fixed previous, and each names the hash of the one before', () => {
    expect(first).toMatchObject({ number: 1, previous: GENESIS, count: 3, from: NOON })
    expect(second?.previous).toBe(first && sealHash(first))
    for (const [at, { seal }] of chain.entries())
      expect(checkHeader(seal, { before: chain[at - 1]?.seal, keys: [KEY] })).toEqual([])
  })

  test.each<[string, (seal: Seal) => Seal, string[]]>([
    ['another root', (seal) => ({ ...seal, root: GENESIS }), ['signature']],
    ['another count', (seal) => ({ ...seal, count: 9 }), ['signature']],
    ['another time', (seal) => ({ ...seal, closedAt: NOON }), ['signature']],
    ['a late mark', (seal) => ({ ...seal, late: true }), ['signature']],
    ['another signature', (seal) => ({ ...seal, signature: 'AAAA' }), ['signature']],
    ['no signature', ({ signature: _none, ...seal }) => seal as Seal, ['signature']],
    ['the key of someone else', (seal) => signSeal(seal, newKey('k1')), ['signature']],
    ['a key of another name', (seal) => signSeal({ ...seal, kid: 'k2' }, newKey('k2')), ['signature']],
    ['another place', (seal) => signSeal({ ...seal, number: 4 }, KEY), ['chain']],
    ['another before', (seal) => signSeal({ ...seal, previous: GENESIS }, KEY), ['chain']],
    ['a step back', (seal) => signSeal({ ...seal, through: '2020-01-01T00:00:00.000Z' }, KEY), ['chain']],
  ])('shows %s', (_what, change, faults) => {
    if (second === undefined || third === undefined) throw new Error('no chain')
    const found = checkHeader(change(third), { before: second, keys: [KEY] })
    expect(found.map(({ what }) => what)).toEqual(faults)
    expect(found.every((fault) => fault.recorded !== undefined)).toBe(true)
  })

  test('breaks at the seal after one that was signed anew', () => {
    if (first === undefined || second === undefined) throw new Error('no chain')
    const anew = signSeal({ ...first, root: GENESIS }, KEY)
    expect(checkHeader(anew, { before: undefined, keys: [KEY] })).toEqual([])
    expect(checkHeader(second, { before: anew, keys: [KEY] })).toMatchObject([{ what: 'chain', seal: 2 }])
    expect(checkSignature(second, [])).toBe('unknown')
  })

  test('takes what is fifteen minutes behind as late, and never goes back for it', () => {
    const at = (ms: number): string => new Date(Date.parse(NOON) + ms).toISOString()
    const before = sealOf([entryAt(0), entryAt(3_600)])
    expect(isLate(at(2_700_000), before)).toBe(false)
    expect(isLate(at(2_699_999), before)).toBe(true)
    expect(isLate(NOON, undefined)).toBe(false)
    const late = sealOf([entryAt(1)], before)
    expect(late).toMatchObject({ late: true, through: before.through })
    expect(checkLateness(late, before, [entryAt(1)])).toMatchObject([{ what: 'late', id: 'id-1', seal: 2 }])
    expect(checkLateness(sealOf([entryAt(3_000)], before), before, [entryAt(3_000)])).toEqual([])
  })
})

describe('the first bad record is named', () => {
  const found = (entries: readonly SealEntry[]): Map<string, FoundRecord> =>
    new Map(entries.map((entry) => [entry.id, { entry }]))
  const size = fc.integer({ min: 2, max: 30 })

  test('of any that were edited or dropped', () => {
    const change = fc.record({ at: fc.nat(), how: fc.constantFrom('edited', 'dropped') })
    fc.assert(
      fc.property(size, fc.array(change, { minLength: 1, maxLength: 5 }), (count, changes) => {
        const entries = Array.from({ length: count }, (_, at) => entryAt(at))
        const now = found(entries)
        const hit = new Map<number, string>()
        for (const { at, how } of changes) {
          const place = at % count
          if (hit.has(place)) continue
          hit.set(place, how)
          if (how === 'dropped') now.delete(`id-${place}`)
          else now.set(`id-${place}`, { entry: { ...entryAt(place, { more: 1 }) } })
        }
        const first = Math.min(...hit.keys())
        const faults = checkRecords({ seal: sealOf(entries), listed: entries, found: now })
        expect(faults[0]).toMatchObject({ what: hit.get(first), id: `id-${first}`, seal: 1 })
        expect(faults).toHaveLength(hit.size)
      }),
    )
  })

  test('when the list of the seal was rewritten as well, by what another place kept', () => {
    const how = fc.constantFrom('drop', 'insert', 'swap', 'truncate', 'edit')
    fc.assert(
      fc.property(size, fc.nat(), how, (count, place, kind) => {
        const entries = Array.from({ length: count }, (_, at) => entryAt(at))
        const seal = sealOf(entries)
        const at = place % (count - 1)
        const listed = [...entries]
        const extra = entryOf({ id: 'extra', recorded: entries[at]?.recorded ?? '', fields: { extra: true } })
        if (kind === 'drop') listed.splice(at, 1)
        if (kind === 'insert') listed.splice(at, 0, extra)
        if (kind === 'swap') listed.splice(at, 2, ...entries.slice(at, at + 2).toReversed())
        if (kind === 'truncate') listed.length = at
        if (kind === 'edit') listed[at] = entryAt(at, { more: 1 })
        const inserted = kind === 'insert'
        for (const now of [found(listed), found([...entries, extra])]) {
          const faults = checkRecords({ seal, listed, kept: entries, found: now })
          expect(faults[0]).toMatchObject({ id: inserted ? 'extra' : `id-${at}`, seal: 1 })
          expect(faults[0]?.what === 'inserted').toBe(inserted)
        }
      }),
    )
  })

  test('when the list was rewritten and no place kept it: what the records still tell, else the seal', () => {
    const entries = Array.from({ length: 5 }, (_, at) => entryAt(at))
    const [a, b, c, d, e] = entries
    if (!a || !b || !c || !d || !e) throw new Error('no entries')
    const seal = sealOf(entries)
    const check = (listed: readonly SealEntry[], now = entries) => checkRecords({ seal, listed, found: found(now) })[0]
    expect(check([a, b, d, c, e])).toMatchObject({ what: 'reordered', id: 'id-3' })
    expect(check([a, b, { ...c, content: 'x' }, d, e])).toMatchObject({ what: 'edited', id: 'id-2' })
    expect(check([a, b, c, d], [a, b, c, d])).toMatchObject({ what: 'list', seal: 1, recorded: NOON })
    expect(check([])).toMatchObject({ what: 'list', seal: 1 })
  })

  test('when its sealed number is another child’s, or opens no more', () => {
    const entries = [entryAt(0), entryAt(1), entryAt(2)]
    const now = new Map<string, FoundRecord>(
      entries.map((entry, at) => [entry.id, { entry, number: at === 0 ? 'fine' : at === 1 ? 'other' : 'unopened' }]),
    )
    const faults = checkRecords({ seal: sealOf(entries), listed: entries, found: now })
    expect(faults.map(({ what, id }) => [what, id])).toEqual([
      ['number', 'id-1'],
      ['number', 'id-2'],
    ])
  })

  test('less those that were archived', () => {
    const entries = [entryAt(0), entryAt(1)]
    const check = { seal: sealOf(entries), listed: entries, found: found([]) }
    const isArchived = ({ id }: SealEntry): boolean => id === 'id-0'
    expect(checkRecords({ ...check, isArchived })).toMatchObject([{ what: 'dropped', id: 'id-1' }])
  })

  test('among records in any order: entries are put in one', () => {
    const entries = [entryAt(2), entryAt(0), entryAt(1)].toSorted(compareEntries)
    expect(entries.map(({ id }) => id)).toEqual(['id-0', 'id-1', 'id-2'])
  })
})

describe('an inclusion proof', () => {
  const records = Array.from({ length: 7 }, (_, at) => ({ _id: `r${at}`, recorded: NOON, at }))
  const entries = records.map((fields) => entryOf({ id: fields._id, recorded: NOON, fields }))
  const seal = sealOf(entries)
  const proofOf = (at: number) => {
    const proof = buildProof({ record: records[at] ?? {}, seal, entries })
    if (proof === undefined) throw new Error('no proof')
    return proof
  }

  test('shows each record of a seal, with the public key alone', () => {
    const { d: _private, ...publicKey } = KEY
    for (const at of records.keys()) expect(findProofFault(proofOf(at), [publicKey])).toBeUndefined()
    expect(buildProof({ record: { _id: 'x' }, seal, entries })).toBeUndefined()
  })

  test.each<[string, (proof: ReturnType<typeof proofOf>) => ReturnType<typeof proofOf>]>([
    ['a changed record', (proof) => ({ ...proof, record: { ...proof.record, at: 9 } })],
    ['another place', (proof) => ({ ...proof, index: 0 })],
    ['another path', (proof) => ({ ...proof, path: proof.path.toReversed() })],
    ['a changed seal', (proof) => ({ ...proof, seal: { ...proof.seal, root: GENESIS } })],
    ['a seal of someone else', (proof) => ({ ...proof, seal: signSeal(proof.seal, newKey('k1')) })],
    ['a seal of an unknown key', (proof) => ({ ...proof, seal: signSeal({ ...proof.seal, kid: 'k9' }, newKey('k9')) })],
  ])('shows nothing with %s', (_what, change) => {
    expect(findProofFault(change(proofOf(3)), [KEY])).toEqual(expect.any(String))
  })
})
