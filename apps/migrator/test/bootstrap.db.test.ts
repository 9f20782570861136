import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../src/commands.js';
import { freshDatabase, open } from './fresh.js';

// As published for secret scanners.
const apiToken = /\bsnt_[0-9a-hjkmnp-tv-z]{26}_[0-9A-Za-z]{49}\b/;
const ada = 'https://id.example#ada';

async function place({ built = true } = {}) {
  const database = await freshDatabase();
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-bootstrap-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const keyFile = `${folder}.feed.key`;
  onTestFinished(() => rmSync(keyFile, { force: true }));
  writeFileSync(keyFile, randomBytes(32).toString('base64'));
  const env: Record<string, string> = { SENTRAL_MIGRATOR_DATABASE_URL: database.url, SENTRAL_FEED_KEY_FILE: keyFile };
  const command = async (...args: string[]): Promise<{ code: number; said: string }> => {
    const said: string[] = [];
    const out = (line: string): number => said.push(line);
    return { code: await run(args, env, { print: out, complain: out }), said: said.join('\n') };
  };
  if (built) expect((await command('up')).code).toBe(0);
  const admin = open(database.adminUrl);
  const administrators = async (): Promise<readonly string[]> => {
    const rows = await admin.unsafe(
      `select coalesce(p.subject, b.group_name) as who from tenancy.role_binding b left join tenancy.principal p on p.id = b.principal_id
       where b.role = 'platform-admin' and b.expires_at is null and (p.id is null or p.state = 'active') order by 1`,
    );
    return rows.map((row) => String(row['who']));
  };
  return { command, env, admin, administrators, file: path.join(folder, 'token'), folder };
}

test('the first administrator is a person that an issuer knows; the second try says that there is one and changes nothing', async () => {
  const { command, env, admin, administrators } = await place();
  const keyFile = env['SENTRAL_FEED_KEY_FILE'] ?? '';
  env['SENTRAL_FEED_KEY_FILE'] = '';
  expect(await command('bootstrap-admin', '--subject', ada)).toMatchObject({
    code: 1,
    said: expect.stringContaining('SENTRAL_FEED_KEY_FILE') as string,
  });
  env['SENTRAL_FEED_KEY_FILE'] = keyFile;
  expect(await command('bootstrap-admin', '--subject', ada)).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^ada of https:\/\/id\.example is platform-admin\.\nNext: /) as string,
  });
  const counted = async () => (await admin.unsafe('select count(*)::int as n from tenancy.feed'))[0]?.['n'];
  const before = await counted();
  expect(await command('bootstrap-admin', '--subject', 'https://id.example#eve')).toMatchObject({
    code: 3,
    said: expect.stringContaining('Nothing was changed. There is an administrator already') as string,
  });
  expect(await administrators()).toEqual(['ada']);
  expect(await counted()).toBe(before);
});

test('over the head of an administrator goes only who says why; it is on the record and told for a day', async () => {
  const { command, admin, administrators } = await place();
  await command('bootstrap-admin', '--subject', ada);
  for (const args of [['--override'], ['--override', '--reason', ' '], ['--reason', 'a whim']])
    expect((await command('bootstrap-admin', '--subject', 'https://id.example#eve', ...args)).code).toBe(2);
  expect(
    (await command('bootstrap-admin', '--subject', 'https://id.example#eve', '--override', '--reason', 'ada is away'))
      .code,
  ).toBe(0);
  expect(await administrators()).toEqual(['ada', 'eve']);
  const [row] = await admin.unsafe(
    `select overridden_at > now() - interval '1 minute' as told,
       (select audit #>> '{after,reason}' from tenancy.feed where type = 'tenancy.roleBinding.created' order by seq desc limit 1) as reason
     from tenancy.installation`,
  );
  expect(row).toEqual({ told: true, reason: 'ada is away' });
});

test('an override where there is nobody to go over leaves no mark', async () => {
  const { command, admin } = await place();
  expect((await command('bootstrap-admin', '--subject', ada, '--override', '--reason', 'to be sure')).code).toBe(0);
  expect(await admin.unsafe('select overridden_at as at from tenancy.installation')).toEqual([{ at: null }]);
});

test('the token goes into a new file of its owner alone, is written nowhere else, and ends with its account’s grant after a day', async () => {
  const { command, admin, administrators, file } = await place();
  const { code, said } = await command('bootstrap-admin', '--token-file', file);
  expect(code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(new RegExp(`^${apiToken.source}\n$`));
  expect(said).not.toMatch(apiToken);
  expect(said).toContain(file);
  const secret = text.trim().slice(-49, -6);
  const tables = await admin.unsafe(`select tablename from pg_tables where schemaname = 'tenancy'`);
  for (const table of tables) {
    const found = await admin.unsafe(
      `select 1 from tenancy.${String(table['tablename'])} t where position($1 in t::text) > 0 limit 1`,
      [secret],
    );
    expect([table['tablename'], found.length]).toEqual([table['tablename'], 0]);
  }
  // Not one of those who last: the house is opened, and the key runs out.
  expect(await administrators()).toEqual([]);
  expect(
    await admin.unsafe(
      `select b.expires_at = t.expires_at as together, t.expires_at between now() + interval '23 hours' and now() + interval '24 hours' as a_day
       from tenancy.role_binding b join tenancy.token t on t.service_account_id = b.principal_id`,
    ),
  ).toEqual([{ together: true, a_day: true }]);
});

test('a lost token is made again without an override, and the lost one is worth nothing', async () => {
  const { command, admin, file } = await place();
  await command('bootstrap-admin', '--token-file', file);
  expect(await command('bootstrap-admin', '--token-file', file)).toMatchObject({
    code: 2,
    said: `${file} is there already: name a file that is not`,
  });
  expect((await command('bootstrap-admin', '--token-file', `${file}-2`)).code).toBe(0);
  expect(
    await admin.unsafe(
      `select p.state, t.revoked_at is null as live, (select count(*)::int from tenancy.role_binding b where b.principal_id = p.id) as grants
       from tenancy.principal p join tenancy.token t on t.service_account_id = p.id order by t.created_at`,
    ),
  ).toEqual([
    { state: 'removed', live: false, grants: 0 },
    { state: 'active', live: true, grants: 1 },
  ]);
});

test('the account with the token goes when a person becomes administrator, also by this command', async () => {
  const { command, admin, administrators, file } = await place();
  await command('bootstrap-admin', '--token-file', file);
  expect((await command('bootstrap-admin', '--subject', ada)).code).toBe(0);
  expect(await administrators()).toEqual(['ada']);
  expect(await admin.unsafe(`select state from tenancy.principal where name = 'bootstrap'`)).toEqual([
    { state: 'disabled' },
  ]);
});

test('a person whose grant has run out, or ends by itself, is made to last', async () => {
  const { command, admin, administrators } = await place();
  await command('bootstrap-admin', '--subject', ada);
  await admin.unsafe(
    `set local session_replication_role = replica; update tenancy.role_binding set expires_at = now() - interval '1 hour'`,
  );
  expect(await administrators()).toEqual([]);
  expect((await command('bootstrap-admin', '--subject', ada)).code).toBe(0);
  expect(await administrators()).toEqual(['ada']);
});

test('a refusal or a failure leaves no empty file behind', async () => {
  const { command, file, folder } = await place();
  await command('bootstrap-admin', '--subject', ada);
  expect((await command('bootstrap-admin', '--token-file', file)).code).toBe(3);
  expect(readdirSync(folder)).toEqual([]);
  const empty = await place({ built: false });
  expect(await empty.command('bootstrap-admin', '--token-file', empty.file)).toMatchObject({
    code: 1,
    said: expect.stringContaining('Next: sentral-migrator up.') as string,
  });
  expect(readdirSync(empty.folder)).toEqual([]);
});

test('what was there before is never written over, and a place that is none is told', async () => {
  const { command, file } = await place();
  writeFileSync(file, 'mine');
  expect((await command('bootstrap-admin', '--token-file', file)).code).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(await command('bootstrap-admin', '--token-file', `${file}/no/such`)).toMatchObject({
    code: 2,
    said: `${file}/no/such cannot be written`,
  });
});

test('two operators at once: one makes the administrator, the other is told', async () => {
  const { command, administrators } = await place();
  const done = await Promise.all([
    command('bootstrap-admin', '--subject', ada),
    command('bootstrap-admin', '--subject', 'https://id.example#eve'),
  ]);
  expect(done.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([0, 3]);
  expect(await administrators()).toHaveLength(1);
});

test('anything else gets the usage and exit code 2', async () => {
  const { command } = await place({ built: false });
  for (const args of [[], ['--subject', 'ada'], ['--subject', ada, '--token-file', 'x'], ['--everyone'], ['--subject']])
    expect(await command('bootstrap-admin', ...args)).toMatchObject({
      code: 2,
      said: expect.stringContaining('bootstrap-admin takes') as string,
    });
});
