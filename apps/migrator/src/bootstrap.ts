import { bootstrapAdmin, grantOwner, type Bootstrapped } from '@sentral/tenancy/operate';
import { createKeyring, createSeal, readKeys } from '@sentral/audit/operate';
import type { Database } from '@sentral/kernel/database';
import { rmSync, writeFileSync } from 'node:fs';
import type { Out } from './commands.js';
import type { Config } from './config.js';
import { onDatabaseOf } from './migrate.js';

export interface Wanted {
  readonly subject?: { readonly issuer: string; readonly subject: string };
  readonly tokenFile?: string;
  readonly override?: { readonly reason: string };
}

const usage =
  'bootstrap-admin takes --subject <issuer>#<subject>, or --token-file <path>; and --override --reason "<why>" where there is an administrator already';

/** @throws Error that says what the command takes */
export function readWanted(args: readonly string[]): Wanted {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const name = args[at] ?? '';
    if (name === '--override') given.set(name, '');
    else if (['--subject', '--token-file', '--reason'].includes(name) && args[at + 1] !== undefined) {
      given.set(name, args[at + 1] ?? '');
      at += 1;
    } else throw new Error(usage);
  }
  const subject = given.get('--subject');
  const tokenFile = given.get('--token-file');
  const reason = given.get('--reason');
  if ((subject === undefined) === (tokenFile === undefined)) throw new Error(usage);
  if (given.has('--override') !== (reason !== undefined && reason.trim() !== '')) throw new Error(usage);
  const override = reason === undefined ? {} : { override: { reason } };
  if (subject === undefined) return { ...(tokenFile === undefined ? {} : { tokenFile }), ...override };
  // A subject may hold a '#', an issuer's URL may not: the first one parts them.
  const parts = /^([^#]+)#(.+)$/.exec(subject);
  if (parts === null) throw new Error(usage);
  return { subject: { issuer: parts[1] ?? '', subject: parts[2] ?? '' }, ...override };
}

/** @throws Error when there is no key: the processes that will run seal under it, and so must this one */
function sealOf({ feedKeyFile }: Config): ReturnType<typeof createSeal> {
  if (feedKeyFile === undefined)
    throw new Error('SENTRAL_FEED_KEY_FILE is not set: who the administrator is goes to audit sealed under its key');
  return createSeal(createKeyring(readKeys(feedKeyFile), 'feed'));
}

/** Makes the first administrator. A token goes into a file of its owner alone, and nowhere else. */
export async function bootstrap(config: Config, wanted: Wanted, { print, complain }: Out): Promise<number> {
  const { tokenFile, override } = wanted;
  const how = {
    ...(override === undefined ? {} : { override }),
    ...(wanted.subject === undefined ? {} : { subject: { ...wanted.subject, seal: sealOf(config) } }),
  };
  // Made before anything is granted: a path that cannot be written must not cost the one token.
  if (tokenFile !== undefined && !madeFile(tokenFile, complain)) return 2;
  const abandoned = (): void => {
    if (tokenFile !== undefined) rmSync(tokenFile, { force: true });
  };
  try {
    const done = await onDatabaseOf(config, 'tenancy', async (db) => {
      if (!(await isBuilt(db))) throw new Error('tenancy has no schema here yet. Next: sentral-migrator up.');
      return bootstrapAdmin(db, how);
    });
    if (done.done === 'refused') abandoned();
    return told(done, { wanted, print, complain });
  } catch (error) {
    abandoned();
    throw error;
  }
}

/** The file is new and its owner's alone, whatever the umask: a token is never written into what others have open. */
function madeFile(path: string, complain: Out['complain']): boolean {
  try {
    writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    complain(`${path} ${exists ? 'is there already: name a file that is not' : 'cannot be written'}`);
    return false;
  }
}

async function isBuilt(db: Database): Promise<boolean> {
  // From the catalogue: the migrator's login may not use the schema before it is its owner.
  const [row] = await db.unsafe(
    `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'tenancy' and c.relname = 'installation') as built`,
  );
  return row?.['built'] === true;
}

function told(done: Bootstrapped, { wanted, print, complain }: Out & { wanted: Wanted }): number {
  if (done.done === 'refused') {
    complain(
      `Nothing was changed. There ${done.administrators === 1 ? 'is an administrator' : `are ${done.administrators} administrators`} already, who can make others. To go over their heads: --override --reason "<why>"; /readyz tells of it for a day.`,
    );
    return 3;
  }
  if (done.done === 'token' && wanted.tokenFile !== undefined) {
    writeFileSync(wanted.tokenFile, `${done.token}\n`);
    print(
      `Made the service account bootstrap, platform-admin; its token, good for 24 hours, is in ${wanted.tokenFile}.`,
    );
    print('Next: bind platform-admin to a person with it; that disables the account. Then delete the file.');
    return 0;
  }
  print(`${wanted.subject?.subject ?? ''} of ${wanted.subject?.issuer ?? ''} is platform-admin.`);
  print('Next: log in as that person and make tenants; each names its first owner.');
  return 0;
}

/** What a development start gives its one person: the platform, and the tenant that the first migration made. */
export async function bootstrapDevelopment(
  config: Config,
  person: { readonly issuer: string; readonly subject: string; readonly tenantUuid: string },
): Promise<void> {
  await onDatabaseOf(config, 'tenancy', async (db) => {
    const named = { ...person, seal: sealOf(config) };
    const done = await bootstrapAdmin(db, { subject: named });
    // A database that has an administrator is somebody's, and is left as it is.
    if (done.done === 'user') await grantOwner(db, named);
  });
}
