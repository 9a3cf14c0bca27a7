/** Why a server did not start, with the variable and the remedy where the system's own words have none (architecture.md "Laws"). */
import type { Config } from '../config.ts'

/** One line for the person at the keyboard. Pure. */
export function startFault(error: Error, config: Config): string {
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const variable = portVariable(error, config)
    const why = code === 'EACCES' ? 'may not be used by you' : 'is taken'
    if (variable !== undefined)
      return `${variable}: the port ${why}. Stop what uses it, or set ${variable} to another; 0 ${zeroWords(variable)}.`
  }
  if (code === 'EADDRNOTAVAIL')
    return `HOST: ${config.host} is no address of this machine. Set it to one, such as 127.0.0.1.`
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EROFS') {
    return `CPIS_DATA_DIR: ${config.dataDir} is no folder that can be written. Name another.`
  }
  return error.message
}

function portVariable(error: Error, config: Config): 'PORT' | 'METRICS_PORT' | undefined {
  const port = 'port' in error ? error.port : undefined
  if (port === config.port) return 'PORT'
  return port === config.metricsPort ? 'METRICS_PORT' : undefined
}

function zeroWords(variable: 'PORT' | 'METRICS_PORT'): string {
  return variable === 'PORT' ? 'takes a free one' : 'turns the metrics off'
}
