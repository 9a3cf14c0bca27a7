/** The bound on what one process holds at once: no client can fill it (security.md "Abuse and bad input"). */
import { describe, expect, test } from '@jest/globals'
import { buildInFlight, type InFlight, type Place } from '../../src/http/in-flight.ts'

const LIMITS = { requests: 16, bodyBytes: 1_600 }

/** As many places as this client can get. */
function fill(house: InFlight, client: string): Place[] {
  const places: Place[] = []
  for (;;) {
    const place = house.enter()
    if (place === undefined) return places
    try {
      place.claim(client)
    } catch {
      place.leave()
      return places
    }
    places.push(place)
  }
}

/** As many bodies of 100 bytes as this client can bring. */
function bring(house: InFlight, client: string): number {
  for (let times = 0; ; times += 1) {
    const place = house.enter()
    place?.claim(client)
    try {
      if (place === undefined) return times
      place.takeBytes(100)
    } catch {
      return times
    }
  }
}

describe('places', () => {
  test('one client alone gets half; the next half of what is left; there is always room for one more client', () => {
    const house = buildInFlight(LIMITS)
    expect(fill(house, 'first')).toHaveLength(8)
    expect(fill(house, 'second')).toHaveLength(4)
    expect(fill(house, 'third')).toHaveLength(2)
    expect(fill(house, 'fourth')).toHaveLength(1)
  })

  test('what leaves makes room, for the same client too', () => {
    const house = buildInFlight(LIMITS)
    for (const place of fill(house, 'first')) place.leave()
    expect(fill(house, 'second')).toHaveLength(8)
    expect(fill(house, 'first')).toHaveLength(4)
  })

  test('requests without a client count in the whole alone', () => {
    const house = buildInFlight(LIMITS)
    const anonymous = Array.from({ length: 20 }, () => house.enter())
    expect(anonymous.filter((one) => one !== undefined)).toHaveLength(16)
    expect(house.enter()).toBeUndefined()
    anonymous[0]?.leave()
    expect(house.enter()).toBeDefined()
  })
})

describe('bytes', () => {
  test('one client’s bodies never keep out another’s', () => {
    const house = buildInFlight({ requests: 1_000, bodyBytes: 1_600 })
    expect(bring(house, 'first')).toBe(8)
    expect(bring(house, 'second')).toBe(4)
    expect(bring(house, 'third')).toBe(2)
  })

  test('a body as large as there is room is taken from a client that holds none, and given back', () => {
    const house = buildInFlight(LIMITS)
    const place = house.enter()
    place?.claim('first')
    place?.takeBytes(1_600)
    const second = house.enter()
    second?.claim('second')
    expect(() => second?.takeBytes(1)).toThrow(expect.objectContaining({ status: 503 }))
    place?.giveBytes(1_600)
    expect(() => second?.takeBytes(1_600)).not.toThrow()
  })
})
