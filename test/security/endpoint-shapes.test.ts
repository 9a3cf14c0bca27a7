/** 60 shapes of a Subscription's endpoint (security.md "Outgoing calls"): what names this machine, a private net, another scheme or another host than it seems is refused before anything is called. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { checkEndpoint } from '../../src/domain/endpoint.ts'
import { subscriptionOf } from './access-world.ts'
import { type HostileWorld, openHostileWorld } from './hostile-world.ts'

const ALLOWED = ['hooks.council.example', 'hooks.council.example:8443']

/** Shapes that are never taken, in production or sandbox. */
const SHAPES: readonly string[] = [
  // other spellings of this machine and of addresses of clouds, in production
  'https://127.0.0.1/h',
  'https://127.1/h',
  'https://2130706433/h',
  'https://0177.0.0.1/h',
  'https://0x7f.0.0.1/h',
  'https://0x7f000001/h',
  'https://017700000001/h',
  'https://127.0.0.1./h',
  'https://localhost/h',
  'https://LOCALHOST/h',
  'https://localhost./h',
  'https://a.localhost/h',
  'https://[::1]/h',
  'https://[0:0:0:0:0:0:0:1]/h',
  'https://[::ffff:127.0.0.1]/h',
  'https://[::ffff:7f00:1]/h',
  'https://[64:ff9b::7f00:1]/h',
  'https://[::]/h',
  'https://0.0.0.0/h',
  'https://0/h',
  'https://169.254.169.254/latest/meta-data',
  'https://2852039166/h',
  'https://[fe80::1]/h',
  'https://[fd00:ec2::254]/h',
  'https://10.0.0.1/h',
  'https://192.168.0.1/h',
  'https://172.16.0.1/h',
  'https://metadata.google.internal/h',
  // the full-width and enclosed digits that a URL parser makes plain
  'https://①②⑦.⓪.⓪.①/h',
  'https://１２７.０.０.１/h',
  'https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/h',
  // another host than it seems
  'https://hooks.council.example@evil.example/h',
  'https://hooks.council.example:pw@evil.example/h',
  'https://user@hooks.council.example/h',
  'https://user:pw@hooks.council.example/h',
  'https://hooks.council.example.evil.example/h',
  'https://evil.example/hooks.council.example',
  'https://evil.example\\@hooks.council.example/h',
  'https://evil.example#@hooks.council.example/h',
  'https://evil.example?@hooks.council.example/h',
  'https://xhooks.council.example/h',
  'https://hooks.council.example./h',
  'https://hooks.council。example.evil.example/h',
  'https://hооks.council.example/h',
  'https://hooks%2ecouncil.example.evil.example/h',
  'https://hooks.council.example%00.evil.example/h',
  'https://hooks.council.example%2f.evil.example/h',
  // ports and parts
  'https://hooks.council.example:22/h',
  'https://hooks.council.example:80/h',
  'https://hooks.council.example:99999/h',
  'https://hooks.council.example:-1/h',
  'https://hooks.council.example/h#fragment',
  // schemes
  'http://hooks.council.example/h',
  'ftp://hooks.council.example/h',
  'file:///etc/passwd',
  'file://hooks.council.example/h',
  'gopher://hooks.council.example/h',
  'javascript:alert(1)',
  'data:text/plain,x',
  'ws://hooks.council.example/h',
  'blob:https://hooks.council.example/h',
  'jar:https://hooks.council.example!/h',
  'unix:/var/run/docker.sock',
  '//hooks.council.example/h',
  '/h',
  'hooks.council.example',
  '',
  ' https://hooks.council.example/h',
  'https://hooks.council.example/h ',
  'https://hooks.council.example/h\r\nX-Injected: 1',
  'ht\ntps://hooks.council.example/h',
  'https:// hooks.council.example/h',
]

describe('in production', () => {
  test('there are at least 60', () => {
    expect(SHAPES.length).toBeGreaterThanOrEqual(60)
  })

  test.each(SHAPES)('is refused: %j', (text) => {
    expect(checkEndpoint(text, { mode: 'production', allowedHosts: ALLOWED })).toBeDefined()
  })

  test.each([
    'https://hooks.council.example/h',
    'https://hooks.council.example:8443/h?a=b',
    'https://HOOKS.council.example:443/',
  ])('is taken: %s', (text) => {
    expect(checkEndpoint(text, { mode: 'production', allowedHosts: ALLOWED })).toBeUndefined()
  })
})

describe('in a sandbox, through POST Subscription', () => {
  let world: HostileWorld
  let before: string
  let called = 0
  let listener: Server
  beforeAll(async () => {
    listener = createServer((_, response) => {
      called += 1
      response.end()
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    world = await openHostileWorld()
    before = await world.state()
  })
  afterAll(async () => {
    await world.close()
    await new Promise((resolve) => listener.close(resolve))
  })

  /** Loopback is for trying out; everything else is as in production, and no host is allowed. */
  const isLoopback = (text: string): boolean =>
    URL.canParse(text) && checkEndpoint(text, { mode: 'sandbox', allowedHosts: [] }) === undefined
  const refused = SHAPES.filter((text) => !isLoopback(text))

  test('what a sandbox takes is loopback in every spelling, and nothing else', () => {
    const hosts = new Set(SHAPES.filter(isLoopback).map((text) => new URL(text).hostname))
    expect([...hosts].sort()).toEqual(['127.0.0.1', '[::1]', 'a.localhost', 'localhost'])
  })

  test.each(refused)('is refused: %j', async (text) => {
    const { port } = listener.address() as AddressInfo
    const endpoint = text.replace('/h', `:${port}/h`).replace(/:(\d+):\d+/, ':$1')
    for (const one of [text, endpoint]) {
      const body = subscriptionOf()
      const answer = await world.server.send({
        as: world.as,
        path: 'Subscription',
        body: { ...body, channel: { ...body.channel, endpoint: one } },
      })
      expect(world.judge(answer, one)).toEqual([])
      if (!isLoopback(one)) expect([one, answer.status >= 400]).toEqual([one, true])
    }
  })

  test('nothing was kept and nobody was called', async () => {
    expect(await world.state()).toBe(before)
    expect(called).toBe(0)
    await world.checkRest()
  })
})
