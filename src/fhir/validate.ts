/** Validation of what callers send: base R4, then our profiles (compiled at start), then invariants. */
import type { Issue } from './outcome.ts'

export interface Profiles {
  /** All issues of a resource against base R4 and the profile of its type (the input profile of interface.md): UNKNOWN_ELEMENT, INVALID_RESOURCE, PROFILE, INVALID_CODE … Empty when it fits. CPU only. */
  check(resource: unknown, profileUrl: string): readonly Issue[]
}
