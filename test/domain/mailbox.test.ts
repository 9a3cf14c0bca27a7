import { describe, expect, test } from '@jest/globals'
import { checkMailbox, isMailbox, parseMailto } from '../../src/domain/mailbox.ts'

test.each([
  ['mailto:duty@council.example', 'duty@council.example'],
  ['MAILTO:Duty.Desk+cpis@Council.example', 'Duty.Desk+cpis@Council.example'],
  ['mailto:a@b-c.gov.uk', 'a@b-c.gov.uk'],
])('%s is one address', (url, address) => {
  expect(parseMailto(url)).toBe(address)
})

test.each([
  ['no scheme', 'duty@council.example'],
  ['another scheme', 'https://council.example'],
  ['nothing', 'mailto:'],
  ['a query', 'mailto:duty@council.example?subject=x'],
  ['a query that adds a recipient', 'mailto:duty@council.example?bcc=other@elsewhere.example'],
  ['a fragment', 'mailto:duty@council.example#x'],
  ['two addresses', 'mailto:duty@council.example,other@council.example'],
  ['two with a semicolon', 'mailto:duty@council.example;other@council.example'],
  ['an escape', 'mailto:duty%40council.example'],
  ['an escaped line end', 'mailto:duty%0d%0aBcc:x@council.example'],
  ['a line end', 'mailto:duty@council.example\r\nBcc: other@elsewhere.example'],
  ['a line end at the end', 'mailto:duty@council.example\n'],
  ['a space', 'mailto: duty@council.example'],
  ['a name', 'mailto:Duty <duty@council.example>'],
  ['quotes', 'mailto:"duty desk"@council.example'],
  ['a comment', 'mailto:duty(x)@council.example'],
  ['a route', 'mailto:@relay.example:duty@council.example'],
  ['a host without a dot', 'mailto:duty@council'],
  ['an address literal', 'mailto:duty@[127.0.0.1]'],
  ['an IP address', 'mailto:duty@127.0.0.1'],
  ['two dots', 'mailto:duty..desk@council.example'],
  ['a dot at the end', 'mailto:duty.@council.example'],
  ['a label with a hyphen in front', 'mailto:duty@-council.example'],
  ['letters beyond ASCII', 'mailto:dütý@council.example'],
  ['a host beyond ASCII', 'mailto:duty@cöuncil.example'],
  ['two @', 'mailto:duty@council@council.example'],
  ['slashes', 'mailto://duty@council.example'],
  ['a name that is too long', `mailto:${'a'.repeat(65)}@council.example`],
  ['a host that is too long', `mailto:a@${'a'.repeat(60)}.${'b.'.repeat(100)}example`],
  ['an option of a mail program', 'mailto:-oProxyCommand@council.example'],
])('%s is none', (_what, url) => {
  expect(parseMailto(url)).toBeUndefined()
  expect(checkMailbox(url, { mode: 'sandbox', allowedMailboxes: ['council.example'] })).toBe('malformed')
})

describe('a mailbox is taken', () => {
  const LIST = ['duty@council.gov.uk', 'Other.gov.uk']
  test.each<readonly [string, 'sandbox' | 'production', string, ReturnType<typeof checkMailbox>]>([
    ['on the list', 'production', 'duty@council.gov.uk', undefined],
    ['in other letters', 'production', 'DUTY@Council.gov.uk', undefined],
    ['of a domain on the list', 'production', 'anyone@other.gov.uk', undefined],
    ['not beside one on the list', 'production', 'other@council.gov.uk', 'not-allowed'],
    ['not below a domain on the list', 'production', 'a@sub.other.gov.uk', 'not-allowed'],
    ['not of a domain that ends alike', 'production', 'a@another.gov.uk', 'not-allowed'],
    ['not of .example in production', 'production', 'duty@council.example', 'not-allowed'],
    ['of .example in a sandbox', 'sandbox', 'duty@council.example', undefined],
    ['not of another domain in a sandbox', 'sandbox', 'a@elsewhere.org', 'not-allowed'],
    ['not of a name that ends in example', 'sandbox', 'a@counterexample.org', 'not-allowed'],
  ])('%s (%s)', (_what, mode, address, fault) => {
    expect(checkMailbox(`mailto:${address}`, { mode, allowedMailboxes: LIST })).toBe(fault)
  })
})

test('an address alone is judged likewise', () => {
  expect([isMailbox('cpis@nhs.example'), isMailbox('CP-IS <cpis@nhs.example>')]).toEqual([true, false])
})
