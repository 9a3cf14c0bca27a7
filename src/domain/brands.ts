/** Branded types for what is checked once at the edge (architecture.md "Names and size"). */
declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** Ten digits with a right check digit (R1), without spaces. Only domain/nhs-number makes one. */
export type NhsNumber = Brand<string, 'NhsNumber'>
/** GSS code of a local authority, e.g. E10000007: the key of an LA. */
export type AuthorityCode = Brand<string, 'AuthorityCode'>
/** ODS code of an NHS organisation or site, e.g. RCUEF. */
export type OdsCode = Brand<string, 'OdsCode'>
/** R4 id, 1 to 64 of [A-Za-z0-9.-]. */
export type ResourceId = Brand<string, 'ResourceId'>
/** A calendar day in Europe/London as YYYY-MM-DD (P5); compares as text. */
export type LondonDay = Brand<string, 'LondonDay'>
/** Keyed hash of an NHS number: the only form in which a number is an index key. Made by the store. */
export type SubjectKey = Brand<string, 'SubjectKey'>
/** Subject key of the last number in a child's chain of replaced numbers (R23): the child, for locks, incidents and history. */
export type ChildKey = Brand<string, 'ChildKey'>

/** The three plan types of register.md "Terms". */
export type PlanType = 'CPP' | 'LAC' | 'UCPP'
