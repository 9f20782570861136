import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../src/commands.js';
import { rooms } from '../src/rooms.js';
import { freshDatabase, open } from './fresh.js';

async function place() {
  const database = await freshDatabase();
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-passwords-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const password = createHash('sha256').update(folder).digest('hex');
  writeFileSync(path.join(folder, 'passwords'), `inventory_app:${password}\n`);
  const env = {
    SENTRAL_MIGRATOR_DATABASE_URL: database.url,
    SENTRAL_DATABASE_PASSWORD_FILE: path.join(folder, 'passwords'),
  };
  const command = async (...args: string[]): Promise<{ code: number; said: string }> => {
    const said: string[] = [];
    const out = (line: string): number => said.push(line);
    return { code: await run(args, env, { print: out, complain: out }), said: said.join('\n') };
  };
  return { ...database, command, password };
}

test('from an empty database: plan, up, check and status say what is, what was done and what to do next', async () => {
  const { command } = await place();
  expect(await command('status')).toMatchObject({
    code: 0,
    said: expect.stringContaining('Next: sentral-migrator plan, then up.') as string,
  });
  expect(await command('check')).toMatchObject({
    code: 4,
    said: expect.stringContaining('tenancy: pending 0000_init') as string,
  });
  expect((await command('plan')).said).toContain('CREATE TABLE "tenancy"."scope"');
  expect(await command('up')).toMatchObject({
    code: 0,
    said: expect.stringContaining('Next: start Sentral') as string,
  });
  expect(await command('up')).toMatchObject({
    code: 0,
    said: expect.stringContaining('Everything was up to date.') as string,
  });
  expect(await command('check')).toEqual({ code: 0, said: 'No drift, nothing pending.' });
  expect(await command('status')).toMatchObject({ code: 0, said: expect.stringContaining('Up to date.') as string });
});

test('ten migrators at once on an empty database all succeed, and each migration is applied once', async () => {
  const { command, adminUrl } = await place();
  const runs = await Promise.all(Array.from({ length: 10 }, () => command('up')));
  expect(runs.map((each) => each.code)).toEqual(Array.from({ length: 10 }, () => 0));
  const admin = open(adminUrl);
  for (const { migrations } of rooms) {
    const applied = await admin.unsafe(
      `select number, finished_at is not null as finished from ${migrations.context}.migration order by number`,
    );
    expect(applied.map((row) => [row['number'], row['finished']])).toEqual(applied.map((_, number) => [number, true]));
  }
  expect(await command('check')).toEqual({ code: 0, said: 'No drift, nothing pending.' });
});

test('a login reads its own schema with the password of the file, and no other schema', async () => {
  const { command, as, password } = await place();
  await command('up');
  const app = open(as('inventory_app', password));
  expect(await app.unsafe('select count(*)::int as n from outbox')).toEqual([{ n: 0 }]);
  await expect(app.unsafe('select 1 from tenancy.scope')).rejects.toThrow();
  const wrong = open(as('inventory_app', 'x'));
  await expect(wrong.unsafe('select 1')).rejects.toThrow();
});

test('drift is named, entry by entry, with exit code 3', async () => {
  const { command, adminUrl } = await place();
  await command('up');
  await open(adminUrl).unsafe('create index by_hand on tenancy.scope (display_name); drop index tenancy.inbox_age');
  const { code, said } = await command('check');
  expect(code).toBe(3);
  expect(said).toContain('- missing    table tenancy.inbox index CREATE INDEX inbox_age');
  expect(said).toContain('+ unexpected table tenancy.scope index CREATE INDEX by_hand');
});

test('a schema newer than this release is refused by up, check and status with exit code 3', async () => {
  const { command, adminUrl } = await place();
  await command('up');
  await open(adminUrl).unsafe(
    `insert into audit.migration select max(number) + 1, 'next', 'x', now(), now() from audit.migration
     union all select 99, '0099_later', 'x', now(), now()`,
  );
  for (const name of ['up', 'check', 'status']) {
    const { code, said } = await command(name);
    expect([name, code]).toEqual([name, 3]);
    expect(said).toMatch(/has next, which this release does not know: it is newer than this release/);
  }
});

test('restore-feed numbers on after what audit had confirmed', async () => {
  const { command } = await place();
  await command('up');
  const { code, said } = await command('restore-feed', 'tenancy=41');
  expect(code).toBe(0);
  expect(said).toContain('tenancy: 4 facts without a position now belong to this cluster; the next position is 42');
  expect(said).toContain('tenancy: the positions 1 to 41 are lost');
  expect(said).toContain('task: 0 facts without a position now belong to this cluster; the next position is 1');
  expect((await command('restore-feed', 'billing=1')).code).toBe(2);
});

test('a command that this release does not have gets the usage and exit code 2', async () => {
  const out: string[] = [];
  for (const args of [[], ['audit'], ['constructor'], ['up', 'now']]) {
    expect(await run(args, {}, { print: () => undefined, complain: (line) => out.push(line) })).toBe(2);
  }
  expect(new Set(out).size).toBe(1);
  expect(out[0]).toContain('sentral-migrator <command>');
  expect(await run(['up'], {}, { print: () => undefined, complain: () => undefined })).toBe(2);
});

test('a database that is not there is a failure that may be tried again, not a refusal', async () => {
  const env = { SENTRAL_MIGRATOR_DATABASE_URL: 'postgres://nobody:x@127.0.0.1:1/sentral' };
  expect(await run(['status'], env, { print: () => undefined, complain: () => undefined })).toBe(1);
});

test('audit-verify says what it looked at, what it cannot know without a note from outside, and what is wrong', async () => {
  const { command, adminUrl } = await place();
  await command('up');
  const admin = open(adminUrl);
  await admin.unsafe(`select audit.open_log(gen_random_uuid(), 'heads', null, 'sentral.test/audit'),
    audit.open_log('00000000-0000-7000-8000-000000000001', 'platform', null, 'sentral.test/audit/platform')`);
  expect(await command('audit-verify')).toEqual({
    code: 0,
    said: expect.stringContaining('2 logs with 0 records agree') as string,
  });
  expect((await command('audit-verify')).said).toContain('Without --notes');
  expect(await command('audit-count')).toMatchObject({ code: 0 });
  await admin.unsafe(`update audit.log set size = 1 where kind = 'platform'`);
  const { code, said } = await command('audit-verify');
  expect(code).toBe(3);
  expect(said).toContain('log_0000000000e008000000000001 at 0: the log ends here, and had 1 records');
  for (const wrong of [['--notes'], ['--key', 'x'], ['--notes', 'nowhere', '--key', 'x'], ['--other', 'x']])
    expect([wrong, (await command('audit-verify', ...wrong)).code]).toEqual([wrong, 2]);
});
