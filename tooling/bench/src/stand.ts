import { openDatabase, type Database } from '@sentral/kernel/database';
import { startPostgres } from '@sentral/servers/postgres';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The built deployment in a process of its own, on a PostgreSQL of its own with default durability. */
export interface Stand {
  readonly url: string;
  readonly token: string;
  /** The superuser's, for the limit and for looking behind what the API shows. */
  readonly adminUrl: string;
  readonly admin: Database;
  /** `role:password` of every login, line by line. */
  readonly passwordFile: string;
  readonly postgresVersion: string;
  /** One request; anything but a 2xx is an error. */
  readonly ask: (method: string, at: string, body?: unknown, headers?: Record<string, string>) => Promise<Json>;
  /** Memory of the deployment's process at its highest, in MiB. */
  readonly peakMib: () => number;
  stop(): Promise<void>;
}

/** Any JSON that an answer may hold. */
// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into field by field
export type Json = any;

const contexts = ['tenancy', 'inventory', 'task', 'audit'];
const logins = [
  ...contexts.flatMap((name) => ['app', 'read', 'platform'].map((role) => `${name}_${role}`)),
  'audit_retention',
  'bus_app',
];
/** What would be measured is the limiter. */
const unlimited = 'read=1000000:1000000,write=1000000:1000000';

export async function startStand({ profileDir }: { profileDir: string | undefined }): Promise<Stand> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-bench-'));
  const server = await startPostgres({ maxConnections: 200 });
  const { host, pathname } = new URL(server.url);
  const passwords = path.join(folder, 'passwords');
  writeFileSync(passwords, logins.map((role) => `${role}:${randomBytes(18).toString('hex')}`).join('\n'), {
    mode: 0o600,
  });
  const app = createRequire(import.meta.url).resolve('@sentral/app/package.json');
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profileDir)}`];
  const child = spawn(process.execPath, [...profiling, path.join(path.dirname(app), 'dist/development.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      SENTRAL_PORT: '0',
      SENTRAL_LOG: 'json',
      SENTRAL_DATA_DIR: folder,
      SENTRAL_DATABASE_URL: `postgres://${host}${pathname}`,
      SENTRAL_MIGRATOR_DATABASE_URL: server.url,
      SENTRAL_DATABASE_PASSWORD_FILE: passwords,
      SENTRAL_RATE_LIMITS: unlimited,
    },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const admin = openDatabase({ url: server.url, applicationName: 'bench', poolSize: 1, statementTimeoutMs: 60_000 });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await admin.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { url, token } = await listening(child);
    const ask: Stand['ask'] = async (method, at, body, headers = {}) => {
      const answer = await fetch(`${url}${at}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${at} answered ${answer.status}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    };
    return {
      url,
      token,
      ask,
      admin,
      stop,
      adminUrl: server.url,
      passwordFile: passwords,
      postgresVersion: server.version,
      peakMib: () => peakMib(child.pid),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A development start says in one line where it is and who may ask. */
function listening(child: ChildProcess): Promise<{ url: string; token: string }> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new Error('the deployment has no output'));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"url"')) resolve(JSON.parse(line) as { url: string; token: string });
    });
    child.once('exit', (code) => reject(new Error(`the deployment ended with ${code} before it listened`)));
  });
}

function peakMib(pid: number | undefined): number {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? Number.NaN : Math.round(Number(kib) / 1024);
  } catch {
    return Number.NaN; // only Linux tells
  }
}
