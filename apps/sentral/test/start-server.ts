import { defaultScopeUuids } from '@sentral/contracts/tenancy';
import { openDatabase } from '@sentral/kernel/database';
import type { Clock } from '@sentral/kernel/id';
import { createKeyring, createSeal } from '@sentral/audit';
import { bootstrapAdmin, grantOwner } from '@sentral/tenancy/operate';
import { createTestDatabase } from '@sentral/testing';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import { createDevelopmentIssuer } from '../src/auth/development-issuer.js';
import { readConfig } from '../src/config.js';
import { start } from '../src/start.js';
import { createPeople, type People } from './people.js';

const contexts = ['tenancy', 'inventory', 'task', 'audit'] as const;
const logins = [...contexts.flatMap((name) => [`${name}_app`, `${name}_read`, `${name}_platform`]), 'bus_app'];

/** One answer, with its body read. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Asking {
  readonly method?: string;
  /** Sent as JSON; PATCH as a merge patch. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another bearer than the developer's; null sends none. */
  readonly token?: string | null;
}

/** Any JSON that an answer may hold. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers field by field
export type Json = any;

export type Ask = <T = Json>(at: string, asking?: Asking) => Promise<Answer<T>>;

export interface TestServer {
  readonly url: string;
  readonly internalUrl: string | undefined;
  readonly opsUrl: string | undefined;
  readonly internalKey: Uint8Array;
  /** The development issuer's subject: administrator of the platform, owner of the tenant default. */
  readonly token: string;
  /** A subject of another trusted issuer, who may do nothing yet. */
  readonly strangerToken: string;
  /** The other trusted issuer, which vouches for anyone. */
  readonly people: People;
  /** The database, for looking behind what the API shows. */
  readonly adminUrl: string;
  readonly ask: Ask;
  /** Another process of the same deployment, on the same database; it stops with this one. */
  replica(): Promise<{ readonly url: string; readonly ask: Ask }>;
  stop(): Promise<void>;
}

interface Besides {
  /** What tokens of issuers are judged by. */
  readonly clock?: Clock;
  /** False leaves the installation as the migrations made it. */
  readonly administrator?: boolean;
}

const sharedKey = randomBytes(32);

/** As the processes of these tests do: under the one key that they share. */
export const someSeal = createSeal(createKeyring([sharedKey], 'feed'));

/**
 * The whole deployment in this process, on a database of its own. `settings` are variables as an operator would set them.
 */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
  { administrator = true, ...besides }: Besides = {},
): Promise<TestServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-e2e-'));
  const database = await createTestDatabase(inject('postgresUrl'));
  const clean = async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  const file = (name: string, text: string) => {
    const at = path.join(folder, name);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const key = (name: string) => file(name, sharedKey.toString('base64'));
  const { host, pathname } = new URL(database.adminUrl);
  try {
    const config = readConfig({
      SENTRAL_MODE: 'development',
      SENTRAL_RATE_LIMITS: 'off',
      SENTRAL_PORT: '0',
      SENTRAL_DATA_DIR: folder,
      SENTRAL_DATABASE_URL: `postgres://${host}${pathname}`,
      SENTRAL_DATABASE_PASSWORD_FILE: file('passwords', logins.map((login) => `${login}:sentral`).join('\n')),
      SENTRAL_INSTANCE_KEY_FILE: key('instance.key'),
      SENTRAL_FEED_KEY_FILE: key('feed.key'),
      SENTRAL_AUDIT_SIGNING_KEY_FILE: key('audit-signing.key'),
      SENTRAL_INTERNAL_KEY_FILE: key('internal.key'),
      ...settings,
    });
    const developer = await createDevelopmentIssuer('sentral');
    const people = await createPeople();
    const trusted = {
      issuer: developer.issuer,
      audience: developer.audience,
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
      keys: { set: developer.keys },
    };
    const { issuer, subject } = developer;
    if (administrator) await asDeveloper(database.adminUrl, { issuer, subject, tenantUuid: defaultScopeUuids.tenant });
    const boot = () => start(config, { ...besides, issuers: [trusted, people.issuer] });
    const running = await boot();
    const all = [running];
    const token = await developer.token(3600);
    let stopping: Promise<void> | undefined;
    return {
      url: running.url,
      internalUrl: running.internalUrl,
      opsUrl: running.opsUrl,
      internalKey: new Uint8Array(sharedKey),
      token,
      people,
      strangerToken: await people.token('developer'),
      adminUrl: database.adminUrl,
      ask: createAsk(running.url, token),
      async replica() {
        const another = await boot();
        all.push(another);
        return { url: another.url, ask: createAsk(another.url, token) };
      },
      stop: () => (stopping ??= Promise.all(all.map((each) => each.stop())).then(clean, clean)),
    };
  } catch (error) {
    await clean();
    throw error;
  }
}

/** As a development start does: administrator of the platform, and owner of the tenant that the first migration made. */
async function asDeveloper(
  adminUrl: string,
  person: { issuer: string; subject: string; tenantUuid: string },
): Promise<void> {
  const db = openDatabase({ url: adminUrl, applicationName: 'sentral-e2e', poolSize: 1 });
  try {
    await bootstrapAdmin(db, { subject: { ...person, seal: someSeal } });
    await grantOwner(db, { ...person, seal: someSeal });
  } finally {
    await db.close();
  }
}

function createAsk(url: string, developerToken: string): Ask {
  return async (at, { method, body, headers = {}, token = developerToken } = {}) => {
    const verb = method ?? (body === undefined ? 'GET' : 'POST');
    const send = () =>
      fetch(`${url}${at}`, {
        method: verb,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': verb === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    let answer = await send();
    // As the typed client does: 503 with Retry-After had no effect, and a busy machine may say so.
    for (
      let tries = 1;
      tries < 10 && answer.status === 503 && answer.headers.has('retry-after') && at.startsWith('/v1/');
      tries++
    ) {
      await answer.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 250));
      answer = await send();
    }
    const text = await answer.text();
    const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  };
}
