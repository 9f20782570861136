import { readAuditWanted, verifyAuditExport, verifyAuditLogs, type AuditWanted } from './audit-verify.js';
import { isRefusal } from '@sentral/kernel/migration-files';
import { bootstrap, readWanted, type Wanted } from './bootstrap.js';
import { countAnew } from '@sentral/audit/operate';
import { readConfig, type Config } from './config.js';
import { drift, onDatabaseOf, plan, restoreFeeds, status, up } from './migrate.js';

const USAGE = `sentral-migrator <command>

  up            make roles and schemas, apply every pending migration; any number may run at once
  status        what is applied and what is pending
  plan          the SQL that up would run now; changes nothing
  check         compare the live schemas with this release's; changes nothing
  restore-feed  after a restore from a dump or a move to another cluster, with all writers stopped;
                [<context>=<position> …] where audit has confirmed more than the dump holds
  bootstrap-admin --subject <issuer>#<subject> | --token-file <path>  [--override --reason "<why>"]
                the first administrator of the platform: a person, or a service account with one token of a day
  audit-verify  [--notes <file> --key <name>+<id>+<base64>] | --export <directory> --key <name>+<id>+<base64>
                compute every audit log anew; the file holds checkpoints that were kept outside: signed notes, or
                the lines of the process's log that hold them; changes nothing. An export is verified by its files
                and the key alone, without any database
  audit-count   have all facts counted against their records at once, instead of at night; /readyz tells what comes of it

Reads SENTRAL_MIGRATOR_DATABASE_URL, SENTRAL_DATABASE_PASSWORD_FILE (role:password lines), SENTRAL_CONTEXTS
and SENTRAL_<CONTEXT>_DATABASE_URL (host and database of one context); bootstrap-admin --subject also SENTRAL_FEED_KEY_FILE.

Exit codes: 0 done, or nothing to do · 1 failed, run it again · 2 wrong command or setting
            3 refused: edited, out of order, newer than this release, drifted, or an audit log that does not verify · 4 (check) migrations are pending
`;

/** Where a command writes: what it did, and what is wrong. */
export interface Out {
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

type Command = (config: Config, out: Out, args: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  async up(config, { print }) {
    const done = await up(config, print);
    print(
      done.length === 0
        ? 'Everything was up to date.'
        : `Applied ${done.length}. Next: start Sentral, or sentral-migrator check.`,
    );
    return 0;
  },

  async status(config, { print, complain }) {
    const found = await status(config);
    for (const each of found) {
      print(
        `${each.context}: ${each.applied.length} applied${each.pending.length === 0 ? '' : `, pending ${each.pending.join(', ')}`}`,
      );
      if (each.refusal !== undefined) complain(`  refused: ${each.refusal}`);
    }
    if (found.some((each) => each.refusal !== undefined)) return 3;
    print(found.some((each) => each.pending.length > 0) ? 'Next: sentral-migrator plan, then up.' : 'Up to date.');
    return 0;
  },

  async plan(config, { print, complain }) {
    for (const { context, migrations, findings } of await plan(config)) {
      if (migrations.length === 0) print(`-- ${context}: nothing`);
      for (const each of migrations)
        print(
          `-- ${context}: ${each.tag}${each.transactional ? ', in one transaction' : ', statement by statement'}\n${each.statements.join('\n')}\n`,
        );
      for (const each of findings) complain(`${context}: ${each.tag}: ${each.statement}\n  ${each.why}`);
    }
    return 0;
  },

  async check(config, { print, complain }) {
    const found = await status(config);
    for (const each of found) if (each.refusal !== undefined) complain(`refused: ${each.refusal}`);
    if (found.some((each) => each.refusal !== undefined)) return 3;
    const behind = found.filter((each) => each.pending.length > 0);
    for (const each of behind) print(`${each.context}: pending ${each.pending.join(', ')}`);
    // A schema that lacks migrations differs by right; only the others can drift.
    const places = config.places.filter(({ room }) => behind.every((each) => each.context !== room.migrations.context));
    const drifted = (await drift({ ...config, places })).filter(
      (each) => each.missing.length + each.unexpected.length > 0,
    );
    for (const each of drifted) {
      complain(`${each.context}: the live schema is not the one that this release made`);
      for (const entry of each.missing) complain(`  - missing    ${entry}`);
      for (const entry of each.unexpected) complain(`  + unexpected ${entry}`);
    }
    if (drifted.length > 0)
      complain('Next: find out who changed it, and write a migration that says so or takes it back.');
    else if (behind.length > 0) print('Next: sentral-migrator up.');
    else print('No drift, nothing pending.');
    return drifted.length > 0 ? 3 : behind.length > 0 ? 4 : 0;
  },

  async 'restore-feed'(config, { print, complain }, args) {
    const confirmed = args.map((arg) => /^([a-z]+)=(\d{1,15})$/.exec(arg));
    const wrong = args.find(
      (_, index) => !config.places.some((p) => p.room.migrations.context === confirmed[index]?.[1]),
    );
    if (wrong !== undefined) {
      complain(`${JSON.stringify(wrong)} must read <context>=<position>`);
      return 2;
    }
    const byContext = Object.fromEntries(confirmed.map((found) => [found?.[1] ?? '', Number(found?.[2])]));
    await restoreFeeds(config, byContext, print);
    print('Next: start the writers.');
    return 0;
  },

  async 'bootstrap-admin'(config, out, args) {
    let wanted: Wanted;
    try {
      wanted = readWanted(args);
    } catch (e) {
      out.complain(e instanceof Error ? e.message : String(e));
      return 2;
    }
    return bootstrap(config, wanted, out);
  },

  async 'audit-verify'(config, out, args) {
    let wanted: AuditWanted;
    try {
      wanted = await readAuditWanted(args);
    } catch (e) {
      out.complain(e instanceof Error ? e.message : String(e));
      return 2;
    }
    return verifyAuditLogs(config, wanted, out);
  },

  async 'audit-count'(config, { print }) {
    await onDatabaseOf(config, 'audit', countAnew);
    print(
      'The count begins within a minute. Next: look at /readyz, and at the platform’s log for the class integrity.',
    );
    return 0;
  },
};

const takeArguments = ['restore-feed', 'bootstrap-admin', 'audit-verify'];

/** Runs one command and answers its exit code; never throws. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  out: Out,
): Promise<number> {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined || (rest.length > 0 && !takeArguments.includes(name))) {
    out.complain(USAGE);
    return 2;
  }
  if (name === 'audit-verify' && rest.includes('--export')) return verifyAuditExport(rest, out);
  let config: Config;
  try {
    config = readConfig(env);
  } catch (e) {
    out.complain(e instanceof Error ? e.message : String(e));
    return 2;
  }
  try {
    return await command(config, out, rest);
  } catch (e) {
    out.complain(e instanceof Error ? e.message : String(e));
    return isRefusal(e) ? 3 : 1;
  }
}
