/** A store over a database of its own, and the smallest rows to put in it. Numbers are made up, without a right check digit: the store does not judge them. */
import { pino } from 'pino'
import type { Access } from '../../src/domain/access-history.ts'
import type { AuditRecord } from '../../src/domain/audit-record.ts'
import { contentOf } from '../../src/domain/audit-seal.ts'
import type {
  AuthorityCode,
  ChildKey,
  LondonDay,
  NhsNumber,
  OdsCode,
  PlanType,
  ResourceId,
} from '../../src/domain/brands.ts'
import { type Keys, makeKeys } from '../../src/keys.ts'
import { type OpenStore, openStore } from '../../src/store/mongo-store.ts'
import type { Row, RowIndex } from '../../src/store/store.ts'
import { type TestDatabase, testDatabase } from './database.ts'

export const DERBY = 'E10000007' as AuthorityCode
export const SHEFFIELD = 'E08000019' as AuthorityCode
export const NOON = '2026-05-03T12:00:00.000Z'

export const nhsNumber = (text: string): NhsNumber => text as NhsNumber
export const resourceId = (text: string): ResourceId => text as ResourceId
export const childKey = (text: string): ChildKey => text as ChildKey
export const odsCode = (text: string): OdsCode => text as OdsCode

export interface TestStore {
  readonly store: OpenStore
  readonly database: TestDatabase
  readonly keys: Keys
  /** Moves the injected clock. */
  setNow(instant: string): void
  /** Closes the store and drops the database; for afterAll. */
  close(): Promise<void>
}

/** Opens it with fresh keys and a clock that stands at NOON until it is moved. */
export async function openTestStore(keys: Keys = makeKeys()): Promise<TestStore> {
  const database = testDatabase()
  let now = new Date(NOON)
  const store = await openStore({ ...database, keys, clock: () => now, log: pino({ level: 'silent' }), contentOf })
  return {
    store,
    database,
    keys,
    setNow: (instant) => {
      now = new Date(instant)
    },
    async close() {
      await store.close()
      await database.drop()
    },
  }
}

export const NO_INDEX: RowIndex = { identifiers: [], unique: [] }

export interface PlanOptions {
  readonly id: string
  readonly number?: string
  readonly owner?: AuthorityCode
  readonly version?: number
  readonly type?: PlanType
  readonly index?: Partial<RowIndex>
  readonly deleted?: boolean
  readonly at?: string
}

/** A version of a plan that is as plain as can be. */
export function planRow(options: PlanOptions): Row<'EpisodeOfCare'> {
  const { id, number, owner = DERBY, version = 1, type = 'CPP', deleted = false } = options
  const start = '2026-01-05' as LondonDay
  return {
    type: 'EpisodeOfCare',
    id: resourceId(id),
    version,
    lastUpdated: options.at ?? NOON,
    owner,
    method: deleted ? 'DELETE' : version === 1 ? 'POST' : 'PUT',
    deleted,
    ...(deleted
      ? {}
      : {
          resource: {
            resourceType: 'EpisodeOfCare',
            id,
            status: 'active',
            patient: number === undefined ? { display: 'nobody' } : { identifier: { value: number } },
            period: { start },
          },
        }),
    index: {
      identifiers: [],
      unique: [],
      status: 'active',
      planType: type,
      start,
      flagId: resourceId(`${id}-flag`),
      ...(number === undefined ? {} : { nhsNumber: nhsNumber(number) }),
      ...options.index,
    },
  }
}

/** An audit record of a check. */
export function auditRecord(id: string, more: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id,
    recorded: NOON,
    interaction: 'operation',
    operation: 'cpis-check',
    action: 'E',
    outcome: '0',
    status: 200,
    codes: [],
    route: 'Patient/$cpis-check',
    requestId: id,
    caller: { kind: 'nhs-user', clientId: 'ed-system', tokenId: 'jti', organization: odsCode('RCU') },
    entities: [],
    authorities: [],
    ...more,
  }
}

/** An access of a child from an emergency department. */
export function accessOf(id: string, at: string, authorities: readonly AuthorityCode[] = [DERBY]): Access {
  return {
    id,
    at,
    user: { id: 'u1', name: 'R. Khan', roleProfileId: 'p1', roleCode: 'R8001', roleName: 'Nurse' },
    organization: odsCode('RCU'),
    setting: 'emergency-department',
    incident: { id: 'i1', leg: 1, inSixMonths: 1 },
    authorities,
  }
}
