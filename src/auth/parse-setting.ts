/** Parts shared by the JSON files of a deployment (CPIS_CLIENTS, CPIS_ISSUERS): each fault is a ConfigError that names variable, place and remedy. */

import { readFileSync } from 'node:fs'
import type { JWK } from 'jose'
import { ConfigError } from '../config.ts'
import { isObject } from '../fhir/json-object.ts'
import { parseKeySet } from './key-set.ts'

/** One object inside a settings file, with the words that say where it stands. */
export interface Setting {
  readonly value: Readonly<Record<string, unknown>>
  /** E.g. `CPIS_CLIENTS: /etc/clients.json: clients[3]`. */
  readonly place: string
}

/** Where keys come from: in the file itself, or at a URL. */
export type KeySource = { readonly keys: readonly JWK[] } | { readonly url: string }

/** The JSON object in a file. Throws ConfigError. Disk I/O. */
export function readSetting(variable: string, file: string): Setting {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw new ConfigError(`${variable}: ${file} cannot be read as JSON. Correct the file or the path.`)
  }
  if (!isObject(value)) throw new ConfigError(`${variable}: ${file} must hold one JSON object.`)
  return { value, place: `${variable}: ${file}` }
}

/** A ConfigError that says where and what to do. Pure. */
export function settingError(setting: Setting, remedy: string): ConfigError {
  return new ConfigError(`${setting.place}: ${remedy}`)
}

/** Throws ConfigError when a member is not among the names: a misspelt one must not be passed over. Pure. */
export function refuseUnknownMembers(setting: Setting, names: readonly string[]): void {
  const unknown = Object.keys(setting.value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw settingError(setting, `"${unknown}" is not known. Known: ${names.join(', ')}.`)
}

/** The objects of a list member; empty when it is absent. Throws ConfigError. Pure. */
export function parseList(setting: Setting, name: string): readonly Setting[] {
  const list = setting.value[name] ?? []
  if (!Array.isArray(list)) throw settingError(setting, `${name} must be a list.`)
  return list.map((value: unknown, index): Setting => {
    const place = `${setting.place}: ${name}[${index}]`
    if (!isObject(value)) throw new ConfigError(`${place}: must be an object.`)
    return { value, place }
  })
}

/** What `parse` makes of each. Throws one ConfigError with the faults of all. Pure. */
export function parseEach<T>(settings: readonly Setting[], parse: (setting: Setting) => T): readonly T[] {
  const faults: string[] = []
  const parsed = settings.flatMap((setting) => {
    try {
      return [parse(setting)]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      faults.push(error.message)
      return []
    }
  })
  if (faults.length > 0) throw new ConfigError(faults.join(' '))
  return parsed
}

/** A text member that is not empty. Throws ConfigError. Pure. */
export function parseText(setting: Setting, name: string, pattern = /^\S(.*\S)?$/): string {
  const value = setting.value[name]
  if (typeof value !== 'string' || value.length > 300 || !pattern.test(value)) {
    throw settingError(
      setting,
      `${name} must be a text${pattern.source === '^\\S(.*\\S)?$' ? '' : ` like ${pattern.source}`}.`,
    )
  }
  return value
}

/** A list of texts; empty when it is absent. Throws ConfigError. Pure. */
export function parseTexts(setting: Setting, name: string, pattern = /^\S+$/): readonly string[] {
  const list = setting.value[name] ?? []
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string' && pattern.test(one))) {
    throw settingError(setting, `${name} must be a list of texts like ${pattern.source}.`)
  }
  return list as readonly string[]
}

/** Keys by value (`jwks`) or by URL (`jwks_uri`): exactly one of them. Throws ConfigError. Pure. */
export function parseKeySource(setting: Setting): KeySource {
  const { jwks, jwks_uri: url } = setting.value
  if ((jwks === undefined) === (url === undefined)) throw settingError(setting, 'give either jwks or jwks_uri.')
  if (url !== undefined) {
    if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw settingError(setting, 'jwks_uri must be an https address.')
    }
    return { url }
  }
  const keys = parseKeySet(jwks)
  if (keys === undefined || keys.length === 0) {
    throw settingError(
      setting,
      'jwks must hold public signature keys with a kid (RSA of 2048 bits or more, EC, Ed25519).',
    )
  }
  return { keys }
}
