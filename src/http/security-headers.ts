/** The security headers of helmet, worked out once: they are the same for every answer, and running its middleware for each would cost more than a check may. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet from 'helmet'

/** By name. An API serves no page: nothing may be loaded, framed or shared across origins. */
export function buildSecurityHeaders(): Readonly<Record<string, string>> {
  const req = new IncomingMessage(new Socket())
  const res = new ServerResponse(req)
  const guard = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
  })
  guard(req, res, (error) => {
    if (error !== undefined) throw error
  })
  return Object.fromEntries(res.getHeaderNames().map((name) => [name, String(res.getHeader(name))]))
}
