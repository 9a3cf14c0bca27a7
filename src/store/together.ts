/** Group reading and group commit: what is asked for while a call is under way shares the next one; an idle group goes at once (storage.md "Transactions"). No I/O of its own. */

/** Calls in flight, and members of one. */
const MOST_IN_FLIGHT = 2
const MOST_MEMBERS = 256

/** Many in one: `work` answers each member at its place. A call begins after its members have asked, so nothing known before is missed; when it fails, all of them fail. */
export function together<T, R>(work: (members: readonly T[]) => Promise<readonly R[]>): (member: T) => Promise<R> {
  const waiting: { readonly member: T; readonly promised: PromiseWithResolvers<R> }[] = []
  let inFlight = 0

  function flush(): void {
    while (inFlight < MOST_IN_FLIGHT && waiting.length > 0) {
      inFlight += 1
      void call(waiting.splice(0, MOST_MEMBERS)).finally(() => {
        inFlight -= 1
        flush()
      })
    }
  }

  async function call(group: typeof waiting): Promise<void> {
    try {
      const results = await work(group.map(({ member }) => member))
      for (const [place, { promised }] of group.entries()) {
        // As long as the group is: `work` answers each of its members.
        promised.resolve(results[place] as R)
      }
    } catch (error) {
      for (const { promised } of group) promised.reject(error)
    }
  }

  return (member) => {
    const promised = Promise.withResolvers<R>()
    waiting.push({ member, promised })
    flush()
    return promised.promise
  }
}
