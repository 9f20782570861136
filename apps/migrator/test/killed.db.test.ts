import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureRoles, migrateContext, statusOf } from '@sentral/kernel/migrate';
import { inTransaction } from '@sentral/kernel/transaction';
import { expect, test } from 'vitest';
import { freshDatabase, open, someContext } from './fresh.js';

const RUN = `
  import { openDatabase } from '@sentral/kernel/database';
  import { ensureRoles, migrateContext } from '@sentral/kernel/migrate';
  const [url, context, folder] = process.argv.slice(1);
  const db = openDatabase({ url, applicationName: 'killed', poolSize: 2, statementTimeoutMs: 60000 });
  await ensureRoles(db, [{ context }]);
  await migrateContext(db, { context, folder }, { log: (line) => console.log(line) });
  await db.close();`;

function run(
  url: string,
  context: { context: string; folder: string },
): ChildProcess & { said(text: string): Promise<void> } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', RUN, url, context.context, context.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  const said = async (text: string): Promise<void> => {
    while (!heard.includes(text)) await sleep(10);
  };
  return Object.assign(child, { said });
}

const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((resolve) => child.once('exit', resolve))
    : Promise.resolve();

test('a run killed inside a transaction leaves nothing of it, and the next one goes on', async () => {
  const context = someContext({
    '0000_init': 'create table $ctx.thing (id integer);',
    '0001_slow':
      'create table $ctx.slow ();\n--> statement-breakpoint\nselect pg_sleep(1);\n--> statement-breakpoint\ninsert into $ctx.thing values (1);',
  });
  const { url } = await freshDatabase();
  const child = run(url, context);
  await child.said('0001_slow');
  await sleep(100);
  child.kill('SIGKILL');
  await ended(child);
  const db = open(url);
  expect(await statusOf(db, context)).toMatchObject({ applied: ['0000_init'], pending: ['0001_slow'] });
  expect(await migrateContext(db, context)).toEqual(['0001_slow']);
  expect(await db.unsafe(`select count(*)::int as n from ${context.context}.thing`)).toEqual([{ n: 1 }]);
});

test('a run killed while an index was being built leaves a half-built one, which the next run builds anew', async () => {
  const init = {
    '0000_init': 'create table $ctx.thing (id integer);\n--> statement-breakpoint\ninsert into $ctx.thing values (1);',
  };
  const context = someContext(init);
  const { url, adminUrl } = await freshDatabase();
  const [db, admin] = [open(url), open(adminUrl)];
  await ensureRoles(db, [context]);
  await migrateContext(db, context);
  context.write({
    ...init,
    '0001_index': '-- no transaction\ncreate index concurrently if not exists thing_id on $ctx.thing (id);',
  });
  const valid = async (): Promise<unknown> =>
    (
      await admin.unsafe(
        `select i.indisvalid as valid from pg_index i where i.indexrelid = to_regclass('${context.context}.thing_id')`,
      )
    )[0]?.['valid'];

  await inTransaction(open(adminUrl), async (tx) => {
    await tx.unsafe(`update ${context.context}.thing set id = 2`);
    const child = run(url, context);
    await child.said('0001_index');
    while ((await valid()) === undefined) await sleep(10);
    child.kill('SIGKILL');
    await ended(child);
    // The server goes on building for a client that is gone, until it looks; end it as the settings of production would.
    await admin.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'killed'`);
  });
  expect(await valid()).toBe(false);
  expect(await statusOf(db, context)).toMatchObject({ applied: ['0000_init'], pending: ['0001_index'] });
  expect(await migrateContext(db, context)).toEqual(['0001_index']);
  expect(await valid()).toBe(true);
});

test('runs killed at random moments never leave what a last run cannot finish', async () => {
  const steps = Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [
      `${String(n).padStart(4, '0')}_step`,
      n % 4 === 3
        ? `-- no transaction\ncreate index concurrently if not exists step${n} on $ctx.t${n - 1} (id);`
        : `create table $ctx.t${n} (id integer);\n--> statement-breakpoint\nselect pg_sleep(0.02);\n--> statement-breakpoint\ninsert into $ctx.t${n} values (1);`,
    ]),
  );
  const context = someContext(steps);
  const { url } = await freshDatabase();
  for (let round = 0; round < 6; round++) {
    const child = run(url, context);
    await sleep(150 + Math.random() * 250);
    child.kill('SIGKILL');
    await ended(child);
  }
  const db = open(url);
  await ensureRoles(db, [context]);
  await migrateContext(db, context);
  expect(await statusOf(db, context)).toEqual({ context: context.context, applied: Object.keys(steps), pending: [] });
  const tables = Object.keys(steps).flatMap((_, n) =>
    n % 4 === 3 ? [] : [`select count(*) as n from ${context.context}.t${n}`],
  );
  expect(
    await db.unsafe(`select count(*)::int as tables, sum(n)::int as rows from (${tables.join(' union all ')}) t`),
  ).toEqual([{ tables: 9, rows: 9 }]);
});
