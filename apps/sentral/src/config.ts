import { readKeys } from '@sentral/audit';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { Rates } from './auth/rate-limit.js';

/** Every context of the deployment, in the order in which they are started. */
export const contextNames = ['tenancy', 'inventory', 'task', 'audit'] as const;
export type ContextName = (typeof contextNames)[number];

const port = (least: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,5}$/, 'is not a port number'),
    v.transform(Number),
    v.check((n) => n >= least && n <= 65_535, `is not a port between ${least} and 65535`),
  );

const webUrl = v.pipe(v.string(), v.url('is not a URL'), v.regex(/^https?:/, 'must begin with http:// or https://'));
const databaseUrl = v.pipe(
  v.string(),
  v.regex(
    /^postgres(ql)?:\/\/[^\s/]+\/[^\s/?]+(\?sslmode=(disable|require|verify-full))?$/,
    'must look like postgres://host:5432/database, with ?sslmode=disable, require or verify-full where it is told',
  ),
  v.check((url) => !url.includes('@'), 'names a user: leave user and password out, each role logs in as itself'),
);

const contextList = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((name) => name.trim())),
  v.array(v.picklist(contextNames, `may name only ${contextNames.join(', ')}`)),
  v.check((list) => new Set(list).size === list.length, 'names a context twice'),
);

const settings = v.object({
  SENTRAL_MODE: v.optional(v.picklist(['production', 'development'], 'is production or development'), 'production'),
  SENTRAL_HOST: v.optional(v.pipe(v.string(), v.nonEmpty('is empty')), '127.0.0.1'),
  SENTRAL_PORT: v.optional(port(0), '8080'),
  SENTRAL_OPS_PORT: v.optional(port(0)),
  SENTRAL_INTERNAL_PORT: v.optional(port(0)),
  SENTRAL_DATA_DIR: v.optional(v.pipe(v.string(), v.nonEmpty('is empty')), '.sentral'),
  SENTRAL_DATABASE_URL: v.optional(databaseUrl),
  SENTRAL_DATABASE_PASSWORD_FILE: v.optional(v.string()),
  SENTRAL_NATS_URL: v.optional(v.pipe(v.string(), v.regex(/^(nats|tls):\/\//, 'must begin with nats:// or tls://'))),
  SENTRAL_CONTEXTS: v.optional(contextList, contextNames.join(',')),
  SENTRAL_ISSUERS_FILE: v.optional(v.string()),
  SENTRAL_INSTANCE_KEY_FILE: v.optional(v.string()),
  SENTRAL_FEED_KEY_FILE: v.optional(v.string()),
  SENTRAL_AUDIT_SIGNING_KEY_FILE: v.optional(v.string()),
  SENTRAL_AUDIT_ARCHIVE_DIR: v.optional(v.pipe(v.string(), v.nonEmpty('is empty'))),
  SENTRAL_AUDIT_RETENTION_DAYS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,5}$/, 'is a number of days'),
      v.transform(Number),
      v.minValue(90, 'is at least 90: nothing younger is ever dropped'),
    ),
    '400',
  ),
  SENTRAL_INTERNAL_KEY_FILE: v.optional(v.string()),
  SENTRAL_RATE_LIMITS: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(off|read=\d{1,7}:\d{1,7},write=\d{1,7}:\d{1,7})$/,
        'is off, or read=<a second>:<burst>,write=<a second>:<burst>',
      ),
    ),
  ),
  SENTRAL_LOG: v.optional(v.picklist(['json', 'text'], 'is json or text'), 'text'),
});

/** What `settings` holds, and the two that every context has; the page for operators tells of each. */
export const settingNames: readonly string[] = [
  ...Object.keys(settings.entries),
  'SENTRAL_<CONTEXT>_DATABASE_URL',
  'SENTRAL_<CONTEXT>_URL',
];

export interface RemoteContext {
  readonly name: ContextName;
  readonly url: string;
}

export interface Config {
  readonly mode: 'production' | 'development';
  readonly host: string;
  readonly port: number;
  readonly opsPort: number | undefined;
  readonly internalPort: number | undefined;
  readonly dataDir: string;
  readonly databaseUrls: Readonly<Partial<Record<ContextName | 'bus', string>>>;
  readonly passwords: Readonly<Record<string, string>>;
  readonly natsUrl: string | undefined;
  readonly contexts: readonly ContextName[];
  readonly remotes: readonly RemoteContext[];
  /** The public API runs here exactly when every context is at hand, in this process or by URL. */
  readonly facade: boolean;
  readonly issuersFile: string | undefined;
  /** The first one writes; the others still read what was written under them. */
  readonly instanceKeys: readonly Uint8Array[] | undefined;
  readonly feedKeys: readonly Uint8Array[] | undefined;
  readonly auditSigningKey: Uint8Array | undefined;
  /** Where months of records go before they are dropped; undefined: none ever is. */
  readonly auditArchiveDir: string | undefined;
  readonly auditRetentionDays: number;
  readonly internalKey: Uint8Array | undefined;
  /** Of one principal, in this process; undefined: not limited. */
  readonly rates: Rates | undefined;
  readonly log: 'json' | 'text';
}

/** What one principal may ask of a replica (api.md A.14); a development start is one person with many clients. */
const ratesDefault = {
  production: 'read=100:200,write=20:40',
  development: 'read=5000:10000,write=2000:4000',
} as const;

function readRates(text: string): Rates | undefined {
  const parts = /^read=(\d+):(\d+),write=(\d+):(\d+)$/.exec(text);
  if (parts === null) return undefined;
  const [readRate, readBurst, writeRate, writeBurst] = parts.slice(1).map(Number) as [number, number, number, number];
  const least = (n: number) => Math.max(1, n);
  return {
    read: { perSecond: least(readRate), burst: least(readBurst) },
    write: { perSecond: least(writeRate), burst: least(writeBurst) },
  };
}

/**
 * Reads all settings once and freezes them.
 * @throws Error whose message names the variable and what is wrong with it; nothing has been started by then
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('SENTRAL_') && value !== undefined && value !== ''),
  );
  refuseUnknown(Object.keys(given));
  const parsed = v.safeParse(settings, given);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new Error(`${String(issue.path?.[0]?.key)} ${issue.message}`);
  }
  const s = parsed.output;
  const remotes = contextNames.flatMap((name) => {
    const variable = `SENTRAL_${name.toUpperCase()}_URL`;
    const url = given[variable];
    if (url === undefined) return [];
    if (s.SENTRAL_CONTEXTS.includes(name))
      throw new Error(`${variable} is set, but SENTRAL_CONTEXTS runs ${name} in this process`);
    return [{ name, url: must(variable, v.safeParse(webUrl, url)) }];
  });
  const facade = contextNames.every(
    (name) => s.SENTRAL_CONTEXTS.includes(name) || remotes.some((r) => r.name === name),
  );
  if (!facade && s.SENTRAL_INTERNAL_PORT === undefined) {
    throw new Error(
      'SENTRAL_INTERNAL_PORT is missing: a process that runs only some contexts is reached by the internal wire',
    );
  }
  const databaseUrls: Partial<Record<ContextName | 'bus', string>> = {};
  for (const name of s.SENTRAL_CONTEXTS) databaseUrls[name] = databaseOf(name, given, s.SENTRAL_DATABASE_URL);
  if (s.SENTRAL_NATS_URL === undefined) {
    if (new Set(Object.values(databaseUrls)).size > 1 || remotes.length > 0 || !facade) {
      throw new Error(
        'SENTRAL_NATS_URL is missing: contexts in different processes or databases cannot share the mailbox',
      );
    }
    databaseUrls.bus = databaseOf(s.SENTRAL_CONTEXTS[0] ?? 'tenancy', given, s.SENTRAL_DATABASE_URL);
  }
  const keys = (variable: keyof typeof s, needed: boolean) =>
    keysOf(variable, s[variable] as string | undefined, needed);
  const key = (variable: keyof typeof s, needed: boolean) => keys(variable, needed)?.[0];
  const runs = (...names: readonly ContextName[]) => names.some((name) => s.SENTRAL_CONTEXTS.includes(name));
  const production = s.SENTRAL_MODE === 'production';
  const wire = s.SENTRAL_INTERNAL_PORT !== undefined || remotes.length > 0;
  if (facade && s.SENTRAL_ISSUERS_FILE === undefined && production) {
    throw new Error('SENTRAL_ISSUERS_FILE is missing: name the OIDC issuers whose tokens are trusted');
  }
  return Object.freeze({
    mode: s.SENTRAL_MODE,
    host: s.SENTRAL_HOST,
    port: s.SENTRAL_PORT,
    opsPort: s.SENTRAL_OPS_PORT,
    internalPort: s.SENTRAL_INTERNAL_PORT,
    dataDir: s.SENTRAL_DATA_DIR,
    databaseUrls: Object.freeze(databaseUrls),
    passwords: Object.freeze(readPasswords(s.SENTRAL_DATABASE_PASSWORD_FILE)),
    natsUrl: s.SENTRAL_NATS_URL,
    contexts: Object.freeze(s.SENTRAL_CONTEXTS),
    remotes: Object.freeze(remotes),
    facade,
    issuersFile: s.SENTRAL_ISSUERS_FILE,
    instanceKeys: keys('SENTRAL_INSTANCE_KEY_FILE', facade || runs('audit')),
    // Who takes requests seals where they came from, tenancy who a person is; audit opens both.
    feedKeys: keys('SENTRAL_FEED_KEY_FILE', facade || runs('tenancy', 'audit')),
    auditSigningKey: key('SENTRAL_AUDIT_SIGNING_KEY_FILE', runs('audit')),
    auditArchiveDir: s.SENTRAL_AUDIT_ARCHIVE_DIR,
    auditRetentionDays: s.SENTRAL_AUDIT_RETENTION_DAYS,
    internalKey: key('SENTRAL_INTERNAL_KEY_FILE', wire),
    rates: readRates(s.SENTRAL_RATE_LIMITS ?? ratesDefault[s.SENTRAL_MODE]),
    log: s.SENTRAL_LOG,
  });
}

/** A setting whose name is misspelt would leave the default in its place, and nobody would be told. */
function refuseUnknown(names: readonly string[]): void {
  const known = contextNames.flatMap((name) =>
    settingNames.map((each) => each.replace('<CONTEXT>', name.toUpperCase())),
  );
  for (const name of names) {
    if (name === 'SENTRAL_MIGRATOR_DATABASE_URL')
      throw new Error(`${name} is set: that login is the migrator's, and no other process has it`);
    if (!known.includes(name) && !name.startsWith('SENTRAL_TEST_'))
      throw new Error(`${name} is no setting: docs/operations.md lists those that there are`);
  }
}

function must<T>(
  variable: string,
  result: { success: true; output: T } | { success: false; issues: [{ message: string }, ...unknown[]] },
): T {
  if (!result.success) throw new Error(`${variable} ${result.issues[0].message}`);
  return result.output;
}

function databaseOf(
  name: ContextName,
  given: Readonly<Record<string, string | undefined>>,
  shared: string | undefined,
): string {
  const variable = `SENTRAL_${name.toUpperCase()}_DATABASE_URL`;
  const own = given[variable];
  if (own !== undefined) return must(variable, v.safeParse(databaseUrl, own));
  if (shared === undefined)
    throw new Error(`SENTRAL_DATABASE_URL (or ${variable}) is missing: where is the database of ${name}?`);
  return shared;
}

/** Key files hold 32 random bytes as base64 or hex on a line, where a key is replaced the new one first; the same file lies on every replica. */
function keysOf(variable: string, file: string | undefined, needed: boolean): readonly Uint8Array[] | undefined {
  if (file === undefined) {
    if (needed)
      throw new Error(`${variable} is missing: name a file with 32 random bytes in base64 (openssl rand -base64 32)`);
    return undefined;
  }
  readText(variable, file);
  try {
    return readKeys(file);
  } catch (error) {
    throw new Error(`${variable}: ${(error as Error).message}`, { cause: error });
  }
}

function readPasswords(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  const passwords: Record<string, string> = {};
  for (const [index, line] of readText('SENTRAL_DATABASE_PASSWORD_FILE', file).split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`SENTRAL_DATABASE_PASSWORD_FILE: line ${index + 1} of ${file} is not role:password`);
    passwords[line.slice(0, colon).trim()] = line.slice(colon + 1).trimEnd();
  }
  return passwords;
}

function readText(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${variable}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, {
      cause: error,
    });
  }
}
