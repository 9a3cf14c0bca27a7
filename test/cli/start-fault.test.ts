import { describe, expect, test } from '@jest/globals'
import { startFault } from '../../src/cli/start-fault.ts'
import { parseConfig } from '../../src/config.ts'

const config = parseConfig({ PORT: '8080', METRICS_PORT: '8081', CPIS_DATA_DIR: '/x' })
const fault = (code: string, more: object = {}): string =>
  startFault(Object.assign(new Error('the system’s words'), { code, ...more }), config)

describe('a server that cannot start', () => {
  test.each([
    ['EADDRINUSE', { port: 8080 }, 'PORT: the port is taken.'],
    ['EACCES', { port: 8080 }, 'PORT: the port may not be used by you.'],
    ['EADDRINUSE', { port: 8081 }, 'METRICS_PORT: the port is taken.'],
    ['EADDRNOTAVAIL', { port: 8080 }, 'HOST: 127.0.0.1 is no address of this machine.'],
    ['EEXIST', {}, 'CPIS_DATA_DIR: /x is no folder that can be written.'],
    ['EACCES', {}, 'CPIS_DATA_DIR: /x is no folder that can be written.'],
    ['EWHATEVER', {}, 'the system’s words'],
  ])('for %s %j says %s', (code, more, words) => {
    expect(fault(code, more)).toContain(words)
  })
})
