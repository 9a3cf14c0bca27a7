import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { consoleOf } from '../support/console.ts'
import { readExample } from '../support/examples.ts'
import { bundleOf, sendCheck, startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

describe('the commands against a server', () => {
  let server: TestServer
  let folder: string

  beforeAll(async () => {
    server = await startTestServer()
    server.setNow('2026-06-01T08:12:00Z')
    folder = mkdtempSync(join(tmpdir(), 'cpis-upload-'))
  })

  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const example = (name: string): string => join(import.meta.dirname, '../../examples', name)

  test('check says the code of a refusal and never the number', async () => {
    const console = consoleOf(server)
    expect(await console.run('check', '9995973953')).toBe(1)
    expect(console.err()).toContain('INVALID_NHS_NUMBER')
    expect(console.out() + console.err()).not.toContain('9995973953')
  })

  test('check as a role that may not is refused', async () => {
    const console = consoleOf(server)
    expect(await console.run('check', '9995973952', '--as', 'admin-clerk')).toBe(1)
    expect(console.err()).toContain('NOT_PERMITTED')
  })

  test('an identity that is not there is wrong usage, and those there are are named', async () => {
    const console = consoleOf(server)
    expect(await console.run('token', 'doctor-who')).toBe(2)
    expect(console.err()).toContain('ed-nurse')
  })

  test('token prints the token alone', async () => {
    const console = consoleOf(server)
    expect(await console.run('token', 'ed-nurse')).toBe(0)
    expect(console.out()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const headers = { authorization: `Bearer ${console.out().trim()}` }
    expect((await fetch(`${server.base}/Organization/E10000007`, { headers })).status).toBe(200)
  })

  test('check prints the words, whom to call and who asked before', async () => {
    const before = consoleOf(server)
    expect(await before.run('check', '9992378603', '--site', 'RCUEF')).toBe(0)
    expect(before.out()).toContain('Subject to a child protection plan with Sheffield since')
    expect(before.out()).toMatch(/Emergency duty team +0114 496 0\d{3}/)
    expect(before.out()).toContain('No one has asked before.')
    const after = consoleOf(server)
    expect(await after.run('check', '9992378603')).toBe(0)
    expect(after.out()).toContain("R. Khan, Nurse, Emergency department, Sheffield Children's Hospital (RCUEF)")
  })

  test('acknowledge answers an alert, once; a person in place of a role is refused and not repeated', async () => {
    const answer = bundleOf(await sendCheck(server, '9995973952', { site: 'RCUEF' }))
    const id = (answer.identifier?.value ?? '').replace('urn:uuid:', '')
    const owner = answer.entry?.find(({ resource }) => resource?.resourceType === 'Organization')?.resource?.id ?? ''
    const options = [id, '--as', `receiver-${owner}`, '--code', 'acting', '--by'] as const
    const console = consoleOf(server)
    expect(await console.run('acknowledge', ...options, 'duty social worker')).toBe(0)
    expect(console.out()).toBe(`AuditEvent/${id}: acting, by duty social worker, at 09:12\n`)
    const refused = consoleOf(server)
    expect(await refused.run('acknowledge', ...options, 'Jane Example')).toBe(1)
    expect(refused.err()).toContain('ROLE_ONLY')
    expect(refused.out() + refused.err()).not.toContain('Jane')
    const json = consoleOf(server)
    expect(await json.run('acknowledge', ...options, 'duty social worker', '--json')).toBe(0)
    expect(JSON.parse(json.out())).toMatchObject({ resourceType: 'Provenance' })
    expect(await consoleOf(server).run('acknowledge', id)).toBe(2)
  })

  test('check says that nothing known is no assurance', async () => {
    const console = consoleOf(server)
    expect(await console.run('check', '9996621235')).toBe(0)
    expect(console.out()).toBe(
      '999 662 1235\nNothing known to the register today. This is not an assurance of safety.\n',
    )
  })

  test('check --json prints the answer as it came', async () => {
    const console = consoleOf(server)
    expect(await console.run('check', '9995973952', '--json')).toBe(0)
    expect(JSON.parse(console.out())).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 1 })
  })

  test('upload of a folder posts each file in order, keeps receipts, and says 1 when any was refused', async () => {
    const write = (name: string, body: unknown): void => writeFileSync(join(folder, name), JSON.stringify(body))
    write('1-unborn.json', readExample('unborn-on-mother.transaction.json'))
    write('2-other.json', readExample('refused-other-authority.request.json'))
    const console = consoleOf(server)
    const receipts = join(folder, 'receipts')
    expect(await console.run('upload', folder, '--as', 'la-E10000007', '--receipts', receipts)).toBe(1)
    expect(console.out()).toContain('1-unborn.json: 200, 1 created, 0 updated, 0 unchanged')
    expect(console.out()).toContain('2-other.json: 403')
    expect(console.out()).toContain('NOT_YOUR_AUTHORITY at Bundle.entry[0]')
    expect(JSON.parse(readFileSync(join(receipts, '1-unborn.receipt.json'), 'utf8')).type).toBe('transaction-response')
  })

  test('R15 upload of the same again changes nothing', async () => {
    const batch = example('la-nightly.batch.json')
    const first = consoleOf(server)
    expect(await first.run('upload', batch, '--as', 'la-E10000007', '--json')).toBe(0)
    expect(JSON.parse(first.out())).toMatchObject({ created: 4, unchanged: 0 })
    const second = consoleOf(server)
    expect(await second.run('upload', batch, '--as', 'la-E10000007', '--json')).toBe(0)
    expect(JSON.parse(second.out())).toMatchObject({ created: 0, updated: 0, unchanged: 4 })
  })

  test('seed moves the scenario to the server’s day, however often', async () => {
    server.setNow('2026-06-20T08:00:00Z')
    expect(bundleOf(await sendCheck(server, '9994055313')).total).toBe(1)
    for (const _ of [1, 2]) expect(await consoleOf(server).run('seed')).toBe(0)
    expect(bundleOf(await sendCheck(server, '9994055313')).total).toBe(0)
    expect(bundleOf(await sendCheck(server, '9998432405')).total).toBe(0)
    expect(bundleOf(await sendCheck(server, '9996568814')).total).toBe(2)
  })

  test('listen prints a readable line for an access, and takes its Subscription along when it ends', async () => {
    expect(await consoleOf(server).run('upload', example('la-new-plan.transaction.json'), '--as', 'la-E10000007')).toBe(
      0,
    )
    const listening = consoleOf(server)
    const ended = listening.run('listen', '--authority', 'E10000007')
    await waitFor('the listener', () => listening.err().includes('Listening for child-checked'))
    await sendCheck(server, '9998450055', { site: 'RCUEF' })
    await sendCheck(server, '9996621235', { site: 'RCUEF' })
    await waitFor('the line', () => listening.out() !== '')
    listening.stop()
    expect(await ended).toBe(0)
    expect(listening.out()).toBe(
      "09:00 Emergency department, Sheffield Children's Hospital (RCUEF): R. Khan, nurse, looked at A. Sample — plan open since 3 May\n",
    )
    const left = await server.send({ as: 'receiver-E10000007', path: 'Subscription' })
    expect(bundleOf(left).entry ?? []).toEqual([])
  })

  test('subscribe says that an endpoint did not answer its handshake', async () => {
    const console = consoleOf(server)
    const endpoint = 'http://127.0.0.1:9/nobody'
    expect(await console.run('subscribe', '--authority', 'E10000007', '--endpoint', endpoint)).toBe(1)
    expect(console.err()).toContain('is error')
  })
})
