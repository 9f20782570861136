import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { endOf } from './start-process.js';

/** The built deployment as `pnpm start` runs it, on a database of the caller's, asked over HTTP. */
export interface BuiltSentral {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
  ask(method: string, at: string, more?: { body?: object; key?: string }): Promise<{ status: number; body: Answer }>;
}

export interface Answer {
  readonly id: string;
  readonly state: string;
  readonly version: number;
  readonly input: { readonly id: string };
}

const contexts = ['tenancy', 'inventory', 'task', 'audit'] as const;

/** The password of every login there. */
export const password = 'built';

/** @param place its folder, the database that it is served from, and the same as who owns it. */
export async function startBuilt(
  place: { readonly folder: string; readonly databaseUrl: string; readonly ownerUrl: string },
  settings: Readonly<Record<string, string>> = {},
): Promise<BuiltSentral> {
  const file = path.join(place.folder, 'passwords');
  const logins = contexts.flatMap((c) => [`${c}_app`, `${c}_read`, `${c}_platform`]);
  const lines = [...logins, 'audit_retention', 'bus_app'].map((role) => `${role}:${password}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  const database = new URL(place.databaseUrl);
  const child = spawn(process.execPath, [path.resolve(import.meta.dirname, '../dist/development.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      SENTRAL_LOG: 'json',
      SENTRAL_PORT: '0',
      SENTRAL_DATA_DIR: place.folder,
      SENTRAL_DATABASE_URL: `postgres://${database.host}${database.pathname}`,
      SENTRAL_MIGRATOR_DATABASE_URL: place.ownerUrl,
      SENTRAL_DATABASE_PASSWORD_FILE: file,
      ...settings,
    },
  });
  const gone = endOf(child);
  const { url, token } = await new Promise<{ url: string; token: string }>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('{"url"')) resolve(JSON.parse(line) as { url: string; token: string });
    });
    void gone.then(() => reject(new Error('it ended before it was up')));
  });
  return {
    child,
    gone,
    async ask(method, at, { body, key } = {}) {
      const response = await fetch(`${url}/v1${at}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(method === 'DELETE' ? { 'if-match': '*' } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Answer };
    },
  };
}

/** What may be held or in flight when every task has ended, besides what stays: nothing. */
export const leftSql = `select
  (select count(*)::int from task.task where finished_at is null) as tasks, (select count(*)::int from task.timer) as timers,
  (select count(*)::int from task.outbox) as commands, (select count(*)::int from task.holding where state in ('held', 'bound')) as holdings,
  (select count(*)::int from inventory.allocation where state in ('held', 'active')) as allocations,
  (select coalesce(sum(used), 0)::int from inventory.capacity) as used,
  (select count(*)::int from inventory.platform_resource where ended_at is null) as records`;

export const nothingLeft = { tasks: 0, timers: 0, commands: 0, holdings: 0, allocations: 0, used: 0, records: 0 };
