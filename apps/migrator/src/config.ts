import { readFileSync } from 'node:fs';
import { rooms, type Room } from './rooms.js';

export interface Config {
  /** Each room with the database that it stands in; several may share one. */
  readonly places: readonly { readonly room: Room; readonly url: string }[];
  /** By role name; a role without one logs in by peer or certificate. */
  readonly passwords: Readonly<Record<string, string>>;
  /** What seals who a person is on its way to audit; only naming an administrator needs it. */
  readonly feedKeyFile: string | undefined;
}

/**
 * The settings of a deployment: the migrator may be given the environment of any of its processes, so it knows the names of all, and
 * refuses only what is none of them.
 */
export const settingNames: readonly string[] = [
  'MODE',
  'HOST',
  'PORT',
  'OPS_PORT',
  'INTERNAL_PORT',
  'DATA_DIR',
  'DATABASE_URL',
  'DATABASE_PASSWORD_FILE',
  'MIGRATOR_DATABASE_URL',
  'NATS_URL',
  'CONTEXTS',
  'ISSUERS_FILE',
  'INSTANCE_KEY_FILE',
  'FEED_KEY_FILE',
  'AUDIT_SIGNING_KEY_FILE',
  'AUDIT_ARCHIVE_DIR',
  'AUDIT_RETENTION_DAYS',
  'INTERNAL_KEY_FILE',
  'RATE_LIMITS',
  'LOG',
  '<CONTEXT>_DATABASE_URL',
  '<CONTEXT>_URL',
].map((name) => `SENTRAL_${name}`);

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what the migrator needs; throws with the name of the variable that is missing or wrong. */
export function readConfig(env: Environment): Config {
  refuseUnknown(env);
  const admin = urlOf(env, 'SENTRAL_MIGRATOR_DATABASE_URL');
  if (admin === undefined)
    throw new Error(
      'SENTRAL_MIGRATOR_DATABASE_URL is not set: the login that may create roles (CREATEROLE) and has CREATE on the database',
    );
  const wanted = env['SENTRAL_CONTEXTS']?.split(',').map((name) => name.trim());
  const unknown = wanted?.find((name) => name === 'bus' || !rooms.some((room) => room.migrations.context === name));
  if (unknown !== undefined) throw new Error(`SENTRAL_CONTEXTS names ${JSON.stringify(unknown)}, which is no context`);
  const chosen = rooms.filter(({ migrations: { context } }) =>
    context === 'bus' ? !env['SENTRAL_NATS_URL'] : wanted === undefined || wanted.includes(context),
  );
  return {
    places: chosen.map((room) => ({
      room,
      url: placeOf(admin, urlOf(env, `SENTRAL_${room.migrations.context.toUpperCase()}_DATABASE_URL`)),
    })),
    passwords: passwordsOf(env['SENTRAL_DATABASE_PASSWORD_FILE']),
    feedKeyFile: env['SENTRAL_FEED_KEY_FILE'] || undefined,
  };
}

/** A misspelt name would have another database migrated, or none. */
function refuseUnknown(env: Environment): void {
  const known = rooms.flatMap(({ migrations: { context } }) =>
    settingNames.map((name) => name.replace('<CONTEXT>', context.toUpperCase())),
  );
  const unknown = Object.keys(env).find(
    (name) => name.startsWith('SENTRAL_') && !name.startsWith('SENTRAL_TEST_') && env[name] && !known.includes(name),
  );
  if (unknown !== undefined) throw new Error(`${unknown} is no setting: docs/operations.md lists those that there are`);
}

/** A context's variable says host and database only: the login is always the migrator's. */
function placeOf(admin: string, context: string | undefined): string {
  if (context === undefined) return admin;
  const login = /^postgres(?:ql)?:\/\/([^/@]*@)?/.exec(admin)?.[1] ?? '';
  return `postgres://${login}${context.replace(/^postgres(?:ql)?:\/\/([^/@]*@)?/, '')}`;
}

function urlOf(env: Environment, name: string): string | undefined {
  const value = env[name];
  if (value === undefined || value === '') return undefined;
  if (!/^postgres(ql)?:\/\/.+\/.+/.test(value)) throw new Error(`${name} must read postgres://host[:port]/database`);
  return value;
}

function passwordsOf(file: string | undefined): Record<string, string> {
  if (file === undefined || file === '') return {};
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Error('SENTRAL_DATABASE_PASSWORD_FILE names a file that cannot be read');
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line, index) => {
      const colon = line.indexOf(':');
      // The line itself is never shown: it may be a password.
      if (colon < 1 || colon === line.length - 1)
        throw new Error(`SENTRAL_DATABASE_PASSWORD_FILE: entry ${index + 1} must read role:password`);
      return [line.slice(0, colon).trim(), line.slice(colon + 1)];
    }),
  );
}
