/** `cpis subscribe`: an authority's endpoint is to be told; waits for the handshake. */
import { getBearer } from './bearer.ts'
import { EXIT, type Io, say, sayJson } from './io.ts'
import { serverOrigin } from './server-client.ts'
import { requestSubscription, waitUntilActive } from './subscription.ts'

export interface SubscribeOptions {
  readonly authority: string
  readonly endpoint: string
  readonly topic: string
  readonly json?: boolean
}

/** Creates or re-requests the Subscription with the token of the authority's receiver, and says its status. */
export async function runSubscribe(options: SubscribeOptions, io: Io): Promise<number> {
  const origin = serverOrigin(io.env)
  const { token } = await getBearer(origin, `receiver-${options.authority}`, io)
  const request = { origin, token, endpoint: options.endpoint, topic: options.topic }
  const { id = '' } = await requestSubscription(request)
  const subscription = await waitUntilActive(request, id)
  if (options.json) sayJson(io, subscription)
  else
    say(
      io,
      `Subscription/${id} is ${subscription.status}: ${options.topic} of ${options.authority} goes to ${options.endpoint}`,
    )
  return EXIT.ok
}
