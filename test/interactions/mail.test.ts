/** Alerts by mail as an authority asks for them over HTTP, with a real mail server: refusals first; then that no mail, whatever happened, holds anything of a child or of who looked. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Subscription } from '@medplum/fhirtypes'
import { BACKPORT_EXTENSION } from '../../src/domain/subscription-channel.ts'
import { consoleOf } from '../support/console.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { patientOf, planOf, transactionOf } from '../support/plans.ts'
import { bundleOf, issuesOf, resourceOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { unrelatedNumbers } from '../support/valid-numbers.ts'
import { waitFor } from '../support/wait-for.ts'

const LA = 'E10000007'
const AS = `receiver-${LA}`
const LINK = 'https://worklist.example/duty'

const folder = mkdtempSync(join(tmpdir(), 'cpis-mail-'))
let mail: MailServer
let server: TestServer
beforeAll(async () => {
  mail = await startMailServer()
  const policy = join(folder, 'policy.json')
  writeFileSync(policy, JSON.stringify({ mail: { [LA]: ['duty@council.gov.uk'] } }))
  server = await startTestServer({
    env: {
      CPIS_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      CPIS_MAIL_FROM: 'cpis@register.example',
      CPIS_MAIL_LINK: LINK,
      CPIS_POLICY: policy,
    },
  })
})
afterAll(async () => {
  await server.close()
  await mail.close()
  rmSync(folder, { recursive: true, force: true })
})

function mailOf({ topic = 'child-checked', content = 'empty', ...channel }: Readonly<Record<string, unknown>> = {}) {
  return {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Alerts for the duty desk',
    criteria: `https://cpis.example/fhir/SubscriptionTopic/${topic}`,
    channel: {
      type: 'email',
      endpoint: 'mailto:duty@council.example',
      payload: 'text/plain',
      _payload: { extension: [{ url: BACKPORT_EXTENSION.content, valueCode: content }] },
      ...channel,
    },
  }
}
const create = (body: object, on = server, as = AS) => on.send({ as, path: 'Subscription', body })

describe('refused with its place', () => {
  const channel = (name: string): string => `Subscription.channel.${name}`
  test.each<readonly [string, object, string, string]>([
    ['a query', { endpoint: 'mailto:a@b.example?bcc=c@d.example' }, 'SUBSCRIPTION_NOT_TAKEN', channel('endpoint')],
    [
      'several addresses',
      { endpoint: 'mailto:a@b.example,c@d.example' },
      'SUBSCRIPTION_NOT_TAKEN',
      channel('endpoint'),
    ],
    ['an escaped line end', { endpoint: 'mailto:a%0a@b.example' }, 'SUBSCRIPTION_NOT_TAKEN', channel('endpoint')],
    [
      'a mailbox not on the list',
      { endpoint: 'mailto:mash@council.gov.uk' },
      'ENDPOINT_NOT_ALLOWED',
      channel('endpoint'),
    ],
    ['resources', { content: 'full-resource' }, 'SUBSCRIPTION_NOT_TAKEN', channel('payload')],
    ['FHIR as payload', { payload: 'application/fhir+json' }, 'SUBSCRIPTION_NOT_TAKEN', channel('payload')],
    ['headers', { header: ['Bcc: c@d.example'] }, 'SUBSCRIPTION_NOT_TAKEN', channel('header')],
  ])('%s', async (_what, parts, code, at) => {
    const answer = await create(mailOf({ ...parts }))
    expect([answer.status, issuesOf(answer)]).toEqual([422, [{ code, at, severity: 'error' }]])
    expect(mail.asked).toEqual([])
  })

  test('a mailbox that another authority was allowed', async () => {
    const endpoint = 'mailto:duty@council.gov.uk'
    const answer = await create(mailOf({ endpoint }), server, 'receiver-E10000024')
    expect([answer.status, issuesOf(answer)[0]?.code]).toEqual([422, 'ENDPOINT_NOT_ALLOWED'])
  })

  test('mail where no mail server is set', async () => {
    const plain = await startTestServer()
    try {
      const answer = await create(mailOf(), plain)
      expect([answer.status, issuesOf(answer)]).toEqual([
        422,
        [{ code: 'SUBSCRIPTION_NOT_TAKEN', at: channel('type'), severity: 'error' }],
      ])
    } finally {
      await plain.close()
    }
  })
})

test('is created, greeted, and told of an access; the status is read back', async () => {
  const answer = await create(mailOf({ endpoint: 'mailto:duty@council.gov.uk' }))
  const { id = '' } = resourceOf(answer, 'Subscription')
  expect(answer.status).toBe(201)
  const read = async (): Promise<Subscription> =>
    resourceOf(await server.send({ as: AS, path: `Subscription/${id}` }), 'Subscription')
  await waitFor('active', async () => (await read()).status === 'active')
  expect((await read()).channel).toMatchObject({ type: 'email', endpoint: 'mailto:duty@council.gov.uk' })
  const [number = ''] = unrelatedNumbers(1)
  await server.send({ as: `la-${LA}`, path: 'EpisodeOfCare', body: planOf({ nhsNumber: number }) })
  await sendCheck(server, number, { site: 'RCUEF' })
  await waitFor('the alert', () => mail.taken.some(({ parsed }) => parsed.subject === 'CP-IS: 1 new alert'))
  const [alert] = mail.taken.filter(({ parsed }) => parsed.subject === 'CP-IS: 1 new alert')
  expect(alert?.to).toEqual(['duty@council.gov.uk'])
  expect(alert?.parsed.messageId).toMatch(new RegExp(`^<${id}_1_1_[0-9a-f]{12}@register\\.example>$`))
  await server.send({ as: AS, method: 'DELETE', path: `Subscription/${id}` })
})

test('`cpis subscribe` asks for it', async () => {
  const console = consoleOf(server)
  const asked = ['--authority', LA, '--endpoint', 'mailto:desk@council.example', '--topic', 'baby-born']
  expect(await console.run('subscribe', ...asked)).toBe(0)
  expect(console.out()).toContain('is active: baby-born of E10000007 goes to mailto:desk@council.example')
  const found = await server.send({ as: AS, path: 'Subscription?url=mailto:desk@council.example' })
  const [entry] = bundleOf(found).entry ?? []
  await server.send({ as: AS, method: 'DELETE', path: `Subscription/${entry?.resource?.id}` })
})

/** A mail as sent, soft line breaks joined, less the random ids of the register's own, in which any digits may stand. */
function withoutOwnIds(raw: string): string {
  return raw
    .replace(/=\r?\n/g, '')
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replace(/(ID_\d+_\d+)_[0-9a-f]{12}@/g, '$1_HASH@')
}

test('no mail holds a number, a name, a place, a person or a day of any child, whatever the topic and content', async () => {
  const numbers = unrelatedNumbers(14).slice(2)
  const subscriptions: string[] = []
  for (const topic of [
    'child-checked',
    'incident-opened',
    'nhs-number-missing',
    'nhs-number-superseded',
    'baby-born',
  ]) {
    for (const content of ['empty', 'id-only'])
      subscriptions.push(resourceOf(await create(mailOf({ topic, content })), 'Subscription').id ?? '')
  }
  await waitFor('all greetings', () => mail.taken.filter(({ raw }) => raw.includes('_handshake_')).length >= 11)
  const before = mail.taken.length
  const file = (number: string | undefined, type: 'CPP' | 'UCPP', nth: number) => {
    const patient = `urn:uuid:${randomUUID()}`
    const child = patientOf({
      ...(number === undefined ? {} : { nhsNumber: number }),
      local: `Quetzallocal${nth}`,
      birthDate: '2018-02-03',
      family: `Quetzalmarker${nth}`,
    })
    return server.send({
      as: `la-${LA}`,
      body: transactionOf([
        { fullUrl: patient, resource: child, url: 'Patient' },
        { resource: planOf({ identifier: `Quetzalplan${nth}`, patient, type }), url: 'EpisodeOfCare' },
      ]),
    })
  }
  for (const [nth, number] of numbers.entries()) {
    expect((await file(number, nth === 0 ? 'UCPP' : 'CPP', nth)).status).toBe(200)
    expect((await sendCheck(server, number, { site: 'RCUEF' })).status).toBe(200)
  }
  expect((await file(undefined, 'CPP', 90)).status).toBe(200)
  const [mother = '', old = ''] = numbers
  const [baby, fresh] = unrelatedNumbers(30).slice(20)
  const notice = (operation: string, parts: object): Promise<unknown> =>
    server.send({
      as: 'number-feed',
      path: `Patient/$${operation}`,
      body: { resourceType: 'Parameters', parameter: parts },
    })
  const named = (name: string, value: string | undefined): object => ({
    name,
    valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value },
  })
  await notice('birth-notified', [
    named('mother', mother),
    named('baby', baby),
    { name: 'birthDate', valueDate: '2026-05-02' },
  ])
  await notice('number-changed', [named('from', old), named('to', fresh), { name: 'reason', valueCode: 'superseded' }])

  // 12 accesses in two topics, and one event in each of the others, each in two contents
  await waitFor('all alerts', () => mail.taken.length - before >= 2 * (2 * numbers.length + 3))
  const said = mail.taken.map(({ raw }) => withoutOwnIds(raw))
  for (const text of said) {
    expect(text).not.toMatch(/quetzal/i)
    expect(text).not.toMatch(/\d[\d -]{8,}\d(?![\w-])/)
    expect(text).not.toMatch(/Khan|Sheffield|RCU|emergency|Derbyshire|2018|2026-05-0[23]/i)
    for (const number of [...numbers, baby, fresh]) expect(text).not.toContain(number)
  }
  // What a mail says is one of few texts, once ids and counts are taken out
  const shapes = new Set(
    mail.taken.map(({ parsed }) => parsed.text?.replace(/[0-9a-f-]{36}/g, 'ID').replace(/\d+/g, 'N')),
  )
  expect(shapes.size).toBeLessThanOrEqual(5 * 3)
  for (const { parsed } of mail.taken) {
    const links = parsed.text?.match(/https?:\S+/g) ?? []
    expect(links[0]).toBe(LINK)
    for (const link of links.slice(1)) expect(link).toMatch(/\/FHIR\/R4\/(AuditEvent|EpisodeOfCare)\/[0-9a-f-]{36}$/)
  }
  for (const id of subscriptions) await server.send({ as: AS, method: 'DELETE', path: `Subscription/${id}` })
}, 60_000)
