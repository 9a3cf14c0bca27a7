/** Whether the process lives, and whether it can serve (interface.md "Outside FHIR"): JSON with reasons. */
import type { Context } from '../context.ts'
import type { Answer } from './fhir-response.ts'

const PING_MS = 2000

/** 200 as long as the process answers at all. */
export function answerLive(): Answer {
  return { status: 200, body: { status: 'live' }, contentType: 'application/json' }
}

/** 200 when the database answers within two seconds, else 503 with the reasons. Database I/O. */
export async function answerReady(context: Context): Promise<Answer> {
  const isUp = await answersInTime(context.store.ping())
  const reasons = isUp ? [] : ['The database does not answer.']
  return {
    status: isUp ? 200 : 503,
    body: { status: isUp ? 'ready' : 'not ready', reasons },
    contentType: 'application/json',
    ...(isUp ? {} : { headers: { 'Retry-After': '2' } }),
  }
}

function answersInTime(ping: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PING_MS)
    const settle = (isUp: boolean) => {
      clearTimeout(timer)
      resolve(isUp)
    }
    ping.then(
      () => settle(true),
      () => settle(false),
    )
  })
}
