/** Runs every generator of committed files; with --check it compares and fails instead of writing. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const GENERATORS = [
  'generate-r4-schema.ts',
  'generate-profiles.ts',
  'generate-errors.ts',
  'generate-capability.ts',
  'capture-examples.ts',
  'generate-postman.ts',
]

const failed = GENERATORS.filter((file) => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, file), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  return run.status !== 0
})
for (const file of failed) console.error(`tools/${file} failed: run \`npm run generate\` and look at what changed`)
process.exitCode = failed.length === 0 ? 0 : 1
