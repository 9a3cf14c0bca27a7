/** `cpis` as a table of commands (commander): each command is one file; this one only names them, their options and exit codes. Long because it is one table: a few lines for each command. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { ConfigError } from '../config.ts'
import { CliError, EXIT, type Io } from './io.ts'

const EXIT_HELP = `
Exit codes: ${EXIT.ok} done; ${EXIT.failed} refused or failed; ${EXIT.usage} wrong usage; ${EXIT.unreachable} server not reachable; ${EXIT.unsure} the register could not answer surely (never "nothing known").
Commands read the same environment as the server: CPIS_DATA_DIR, HOST, PORT, CPIS_BASE_URL.
An access token in CPIS_TOKEN is used in place of a sandbox identity, whatever --as says.`

type Run = (io: Io) => Promise<number>

/** Runs one command line (without node and script); resolves to the exit code and never throws for what a person did. */
export async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  let run: Run | undefined
  const program = buildProgram(io, (chosen) => {
    run = chosen
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return run === undefined ? EXIT.ok : await run(io)
  } catch (error) {
    return exitCodeOf(error, io)
  }
}

function exitCodeOf(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CliError) {
    io.err(`${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof ConfigError) {
    io.err(`${error.message}\n`)
    return EXIT.usage
  }
  throw error
}

/** Each command's module is loaded when it is called, so that `cpis token` does not wait for the server's code. */
function buildProgram(io: Io, choose: (run: Run) => void): Command {
  const program = new Command('cpis')
    .description('The child protection register: its server, and clients of it for trying and for integrators.')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride()
    .showHelpAfterError('(cpis --help lists the commands)')
    .addHelpText('after', EXIT_HELP)
  // who asks is in the token then
  const ownToken = io.env['CPIS_TOKEN'] ? 'CPIS_TOKEN' : undefined
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).copyInheritedSettings(program)

  command('serve', 'start the server (npm start)').action(() =>
    choose(async (its) => (await import('./serve.ts')).runServe(its)),
  )
  command('demo', 'the whole loop on real parts: a plan, a check, the signed notification (npm run demo)')
    .option('--exit', 'end after the story')
    .option('--json', 'one line of JSON for each step')
    .action((options) => choose(async (its) => (await import('./demo.ts')).runDemo(options, its)))
  command('token', 'print an access token of a sandbox identity, alone, on standard output')
    .argument('<name>', 'ed-nurse, la-E10000007, receiver-E10000007 …')
    .action((name: string) => choose(async (its) => (await import('./token.ts')).runToken(name, its)))
  command('check', 'ask what is known of a child')
    .argument('<number>', 'NHS number')
    .option('--as <name>', 'sandbox identity', 'ed-nurse')
    .option('--setting <code>', 'care setting', 'emergency-department')
    .option('--site <ods>', 'ODS code of the site')
    .option('--birth-date <date>', 'birth date of the patient, YYYY-MM-DD')
    .option('--json', 'the answer Bundle as it came')
    .action((number: string, options) =>
      choose(async (its) => (await import('./check.ts')).runCheck(number, options, its)),
    )
  command('upload', 'post Bundles, resources or a CSV of an authority, and say what became of each')
    .argument('<path>', 'a JSON file, a folder of them, or a CSV file of plans')
    .requiredOption('--as <name>', 'sandbox identity, e.g. la-E10000007', ownToken)
    .option('--receipts <folder>', 'write each answer there')
    .option('--plan-system <uri>', 'CSV: system of plan_id')
    .option('--child-system <uri>', 'CSV: system of child_id')
    .option('--json', 'one line of JSON for each file, or for each row of a CSV')
    .action((path: string, options) =>
      choose(async (its) =>
        /\.csv$/i.test(path)
          ? (await import('./upload-csv.ts')).runUploadCsv(path, options, its)
          : (await import('./upload.ts')).runUpload(path, options, its),
      ),
    )
  command(
    'reconcile',
    "compare a council's whole list (CSV) with the register: what is missing, different, parked, ending",
  )
    .argument('<file>', 'CSV file of plans, with the columns of upload')
    .requiredOption('--as <name>', 'sandbox identity, e.g. la-E10000007', ownToken)
    .option('--plan-system <uri>', 'system of plan_id')
    .option('--child-system <uri>', 'system of child_id')
    .option('--json', 'the answer Parameters as it came')
    .action((path: string, options) =>
      choose(async (its) => (await import('./reconcile.ts')).runReconcile(path, options, its)),
    )
  command('subscribe', 'have an authority told of accesses at an endpoint')
    .requiredOption('--authority <gss>', 'GSS code, e.g. E10000007')
    .requiredOption('--endpoint <url>', 'where notifications go')
    .option('--topic <name>', 'topic', 'child-checked')
    .option('--json', 'the Subscription as it stands')
    .action((options) => choose(async (its) => (await import('./subscribe.ts')).runSubscribe(options, its)))
  command('listen', 'receive notifications of an authority: verify, and print a readable line for each')
    .requiredOption('--authority <gss>', 'GSS code, e.g. E10000007')
    .option('--port <port>', 'port to listen on; a fixed one keeps its Subscription', parsePort, 0)
    .option('--topic <name>', 'topic', 'child-checked')
    .option('--recover', 'ask for events that never came, and print them in their place')
    .option('--json', 'one line of JSON for each event')
    .action((options) => choose(async (its) => (await import('./listen.ts')).runListen(options, its)))
  command('acknowledge', 'answer an alert: what the authority makes of it')
    .argument('<id>', 'id of the AuditEvent')
    .requiredOption('--as <name>', 'sandbox identity, e.g. receiver-E10000007', ownToken)
    .requiredOption('--code <code>', 'seen, acting or no-action-needed')
    .requiredOption('--by <role>', 'a role, never a person, e.g. "duty social worker"')
    .option('--json', 'the answer Provenance as it came')
    .action((id: string, options) =>
      choose(async (its) => (await import('./acknowledge.ts')).runAcknowledge(id, options, its)),
    )
  command('lanes', 'notifications of all authorities: what waits, what endpoints said, when the next try is')
    .option('--as <name>', 'sandbox identity', 'administrator')
    .option('--release <id>', 'have one lane (id of its Subscription) or `all` tried at once')
    .option('--pause <id>', 'let nothing be sent in one lane; numbering goes on')
    .option('--resume <id>', 'end the pause of one lane')
    .option('--resend <id>', 'send events of one lane once more, by --from and --through')
    .option('--from <number>', 'first event to send once more')
    .option('--through <number>', 'last event to send once more')
    .option('--json', 'one line of JSON for each lane')
    .action((options) => choose(async (its) => (await import('./lanes.ts')).runLanes(options, its)))
  command('alerts', 'what an administrator must look at: alerts, Subscriptions in trouble, councils told nothing')
    .option('--as <name>', 'sandbox identity', 'administrator')
    .option('--from <day>', 'alerts since that day or instant')
    .option('--limit <count>', 'at most so many alerts', parseCount, 50)
    .option('--json', 'one line of JSON for each')
    .action((options) => choose(async (its) => (await import('./alerts.ts')).runAlerts(options, its)))
  command('clients', 'registered clients; revoke or restore one')
    .option('--as <name>', 'sandbox identity', 'administrator')
    .option('--revoke <id>', 'refuse all tokens of this client, issued and to come')
    .option('--restore <id>', 'end its revocation')
    .option('--revoke-token <jti>', 'refuse one access token')
    .option('--json', 'one line of JSON for each client')
    .action((options) => choose(async (its) => (await import('./clients.ts')).runClients(options, its)))
  const directory = command('directory', 'NHS organisations, their sites and local authorities')
  directory
    .command('load')
    .description('bring organisations, sites and authorities in, or up to date; nothing is removed')
    .argument('<file>', 'CSV of sites or of authorities, a Bundle, or NDJSON of Organizations')
    .option('--as <name>', 'sandbox identity', 'administrator')
    .option('--dry-run', 'say what would become of each; store nothing')
    .option('--json', 'one line of JSON for each')
    .copyInheritedSettings(program)
    .action((file: string, options) =>
      choose(async (its) => (await import('./directory-load.ts')).runDirectoryLoad(file, options, its)),
    )
  command('doctor', 'look at this machine and the server, and say what to do')
    .option('--json', 'one line of JSON for each finding')
    .action((options) => choose(async (its) => (await import('./doctor.ts')).runDoctor(options, its)))
  command('backup', 'write everything in the database, at one point in time, to a folder; the server may go on')
    .argument('<folder>', 'a new folder (0700)')
    .option('--gzip', 'compress the files')
    .option('--json', 'one line of JSON')
    .action((folder: string, options) =>
      choose(async (its) => (await import('./backup.ts')).runBackup(folder, options, its)),
    )
  command('restore', 'fill an empty database from a backup, checked before and after')
    .argument('<folder>', 'the folder of the backup')
    .option('--check', 'look at the backup and the keys only')
    .option('--json', 'one line of JSON')
    .action((folder: string, options) =>
      choose(async (its) => (await import('./restore.ts')).runRestore(folder, options, its)),
    )
  command('seed', 'bring the scenario children of the sandbox up to today')
    .option('--json', 'one line of JSON for each child')
    .action((options) => choose(async (its) => (await import('./seed.ts')).runSeed(options, its)))
  command('postman', 'write an environment for the Postman collection of examples/postman, filled for the sandbox')
    .argument('<file>', 'where to write it (0600; never written over)')
    .action((file: string) => choose(async (its) => (await import('./postman.ts')).runPostman(file, its)))
  const keys = command('keys', 'secret keys of a server')
  keys
    .command('new')
    .description('make a key file for CPIS_KEYS (0600; never written over)')
    .argument('<file>', 'where to write it')
    .copyInheritedSettings(program)
    .action((file: string) => choose(async (its) => (await import('./keys-new.ts')).runKeysNew(file, its)))
  keys
    .command('rotate')
    .description('put a new data key first in a key file; the server takes it up and seals old records again')
    .argument('[file]', 'the key file; CPIS_KEYS, or that of the sandbox')
    .option('--tokens', 'a new key for access tokens too')
    .option('--webhooks', 'a new key for notifications too')
    .option('--seals', 'a new key for the seals of the audit too')
    .copyInheritedSettings(program)
    .action((file: string | undefined, options) =>
      choose(async (its) => (await import('./keys-rotate.ts')).runKeysRotate(file, options, its)),
    )
  const audit = command('audit', 'the record of who asked what: whether it is as it was written')
  audit
    .command('verify')
    .description('hold the audit against its seals, and name the first record that was changed, dropped or put in')
    .option('--from <instant>', 'look at records from then on')
    .option('--until <instant>', 'look at records before then')
    .option('--copy <path>', 'second place of the seals: a folder, or one of its files; CPIS_SEAL_COPY')
    .option('--url <origin>', 'compare with the head of the chain that is published there')
    .option('--archive <folder>', 'look at archived months too')
    .option('--accept-late', 'records that were sealed late are told, and no fault')
    .option('--json', 'one line of JSON')
    .copyInheritedSettings(program)
    .action((options) => choose(async (its) => (await import('./audit/verify.ts')).runAuditVerify(options, its)))
  audit
    .command('report')
    .description(
      'for a privacy officer: who saw a child, what a person did, who stands out; every question is recorded',
    )
    .option('--as <name>', 'sandbox identity', 'auditor')
    .option('--child <number>', 'NHS number: each access, and what was shown')
    .option('--all', 'with --child: the writes of authorities and the look-ups of auditors too')
    .option('--user <id>', 'SDS user id or role profile id: counts by day and hour')
    .option('--unusual', 'people who stand out against others of their role')
    .option('--from <day>', 'first day')
    .option('--until <day>', 'last day; today unless told')
    .option('--at <instant>', 'with --child: what checks had shown by then')
    .option('--format <format>', 'text, csv or fhir', 'text')
    .copyInheritedSettings(program)
    .action((options) => choose(async (its) => (await import('./audit/report.ts')).runAuditReport(options, its)))
  audit
    .command('archive')
    .description('write months older than the retention of CPIS_POLICY to files, then remove them from the database')
    .requiredOption('--to <folder>', 'where the files go')
    .option('--before <month>', 'only months before this one (YYYY-MM)')
    .option('--apply', 'do it; else it says what it would do')
    .copyInheritedSettings(program)
    .action((options) => choose(async (its) => (await import('./audit/archive.ts')).runAuditArchive(options, its)))
  audit
    .command('prove')
    .description('print a proof that one record is as it was sealed')
    .argument('<id>', 'id of the AuditEvent')
    .copyInheritedSettings(program)
    .action((id: string) => choose(async (its) => (await import('./audit/prove.ts')).runAuditProve(id, its)))
  audit
    .command('check-proof')
    .description('check such a proof, without a database')
    .argument('<file>', 'what cpis audit prove printed')
    .option('--keys <file>', 'public keys, as the register publishes them')
    .option('--url <origin>', 'the register: its keys, and its chain')
    .copyInheritedSettings(program)
    .action((file: string, options) =>
      choose(async (its) => (await import('./audit/prove.ts')).runCheckProof(file, options, its)),
    )
  return program
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is no whole number from 1 on.')
  return Number(text)
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError('It is no port.')
  return port
}
