/** How long what grows is kept (storage.md "Growth": archived by month, then removed by a rule that is configured, with no silent default): member `retention` of CPIS_POLICY. */

export interface Retention {
  /** Whole months that AuditEvents stay in the database after the month in which they were recorded. */
  readonly auditMonths?: number
  /** The same for accesses, the history that a check shows, and for what authorities answered to them. */
  readonly accessMonths?: number
}

/** Least months of each: incidents of six months and the histories of open plans are read from what stands. */
const LEAST: Readonly<Record<keyof Retention, number>> = { auditMonths: 1, accessMonths: 12 }
const MOST = 1_200

/** Retention out of parsed JSON; or everything that is wrong with it. Pure. */
export function parseRetention(
  value: unknown,
): { readonly retention: Retention } | { readonly faults: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { faults: ['must be an object, such as { "auditMonths": 24 }.'] }
  }
  const faults = Object.entries(value).flatMap(([name, months]) => findFault(name, months) ?? [])
  return faults.length > 0 ? { faults } : { retention: { ...value } }
}

function findFault(name: string, months: unknown): string | undefined {
  if (!isKnown(name)) return `${name} is not known. Known: ${Object.keys(LEAST).join(', ')}.`
  const fits = Number.isInteger(months) && Number(months) >= LEAST[name] && Number(months) <= MOST
  return fits ? undefined : `${name} must be a whole number of months from ${LEAST[name]} to ${MOST}.`
}

function isKnown(name: string): name is keyof Retention {
  return Object.hasOwn(LEAST, name)
}

/** The last month (`YYYY-MM`, UTC) that the rule lets go at that instant. Pure. */
export function lastMonthToGo(months: number, at: Date): string {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - months - 1, 1)).toISOString().slice(0, 7)
}
