import { ensureRoles, migrateContext } from '@sentral/kernel/migrate';
import { readMigrations } from '@sentral/kernel/migration-files';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogueOf, compareCatalogues, dumpCatalogue } from '../src/catalogue.js';
import { goldenFile, goldenOf } from '../src/golden.js';
import { lintMigrations } from '../src/lint.js';
import { rooms } from '../src/rooms.js';
import { freshDatabase, open } from './fresh.js';

const contexts = rooms.map((room) => room.migrations);

async function migratedDatabase(finish?: (end: () => Promise<void>) => void) {
  const { url, adminUrl } = await freshDatabase(finish);
  const db = open(url, finish);
  await ensureRoles(db, contexts);
  for (const context of contexts) await migrateContext(db, context);
  return { db, admin: open(adminUrl, finish) };
}

describe.each(rooms)('the schema of $migrations.context', ({ migrations: context, opening }) => {
  test('is the golden one that its package ships', async () => {
    const { db } = await migratedDatabase();
    await expect(await dumpCatalogue(db, context.context)).toMatchFileSnapshot(goldenFile(context));
  });

  test('comes from migrations that the lint lets through', () => {
    expect(lintMigrations(readMigrations(context), opening)).toEqual([]);
  });
});

test.each(contexts.filter(({ context }) => context !== 'bus'))(
  '$context opens no day of its feed to those who read by tenant',
  async ({ context }) => {
    const { db } = await migratedDatabase();
    const days = await db.unsafe(
      `select c.relname as name, has_table_privilege($1, c.oid, 'select') as open from pg_class c
       where c.relnamespace = to_regnamespace($2) and c.relname like 'feed%' and c.relkind in ('r', 'p')`,
      [`${context}_read`, context],
    );
    expect(days.length).toBeGreaterThan(4);
    expect(days.filter((day) => day['open'] === true)).toEqual([]);
  },
);

const tenancy = contexts.filter((each) => each.context === 'tenancy');

describe.each(tenancy)('a planted drift of $context is found:', (context) => {
  const ends: (() => Promise<void>)[] = [];
  let place: Awaited<ReturnType<typeof migratedDatabase>>;
  beforeAll(async () => {
    place = await migratedDatabase((end) => ends.push(end));
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  const driftOf = (live: string): string => {
    const { missing, unexpected } = compareCatalogues(goldenOf(context), live);
    return [...missing.map((entry) => `- ${entry}`), ...unexpected.map((entry) => `+ ${entry}`)].join('\n');
  };

  test.each([
    ['a column', 'alter table tenancy.scope add column extra text', /\+ table tenancy\.scope column extra text/],
    [
      'a missing column',
      'alter table tenancy.outbox drop column last_error',
      /- table tenancy\.outbox column last_error/,
    ],
    [
      'another type',
      'alter table tenancy.outbox alter column tries type bigint',
      /\+ table tenancy\.outbox column tries bigint/,
    ],
    [
      'a default',
      `alter table tenancy.scope alter column state set default 'deleted'`,
      /\+ table tenancy\.scope column state .*deleted/,
    ],
    [
      'a nullable column',
      'alter table tenancy.scope alter column name drop not null',
      /\+ table tenancy\.scope column name text$/m,
    ],
    [
      'a lost constraint',
      'alter table tenancy.scope drop constraint scope_name',
      /- table tenancy\.scope constraint scope_name/,
    ],
    [
      'a constraint that was never validated',
      'alter table tenancy.outbox add constraint c check (tries >= 0) not valid',
      /\+ .*NOT VALID/,
    ],
    ['a lost index', 'drop index tenancy.inbox_age', /- table tenancy\.inbox index .*inbox_age/],
    [
      'a lost trigger',
      'drop trigger change_has_feed_row on tenancy.scope',
      /- table tenancy\.scope trigger .*change_has_feed_row/,
    ],
    [
      'a disabled trigger',
      'alter table tenancy.scope disable trigger change_has_feed_row',
      /\+ .*change_has_feed_row.* enabled D/,
    ],
    [
      'a policy made wider',
      'alter policy scope_read_own_tenant on tenancy.scope using (true)',
      /\+ .*scope_read_own_tenant .*using true/,
    ],
    [
      'row security switched off',
      'alter table tenancy.scope disable row level security',
      /\+ table tenancy\.scope owner tenancy_owner$/m,
    ],
    [
      'a grant',
      'grant update on tenancy.scope to tenancy_read',
      /\+ table tenancy\.scope grant .*update to tenancy_read/,
    ],
    [
      'a column grant',
      'grant update (name) on tenancy.scope to tenancy_read',
      /\+ table tenancy\.scope column name grant update to tenancy_read/,
    ],
    [
      'a grant across contexts',
      'grant usage on schema tenancy to inventory_app',
      /\+ schema tenancy grant usage to inventory_app/,
    ],
    [
      'another owner',
      'alter table tenancy.scope owner to inventory_owner',
      /\+ table tenancy\.scope owner inventory_owner/,
    ],
    [
      'a changed function',
      `create or replace function tenancy.feed_guard_id() returns trigger language plpgsql security definer as 'begin return null; end'`,
      /\+ function tenancy\.feed_guard_id/,
    ],
    [
      'a function that anybody may call',
      'grant execute on function tenancy.feed_make_partitions(integer) to public',
      /\+ function .*grant execute to public/,
    ],
    ['a table', 'create table tenancy.stray (id int)', /\+ table tenancy\.stray/],
    ['a view', 'create view tenancy.peek as select 1 as one', /\+ view tenancy\.peek/],
    ['a type', `create type tenancy.mood as enum ('good')`, /\+ type tenancy\.mood .*enum good/],
  ])('%s', async (_title, statement, seen) => {
    const { db, admin } = place;
    expect(driftOf(await dumpCatalogue(db, context.context))).toBe('');
    // The drift lives in a transaction that is taken back, so the next one starts clean.
    const found = await inTransaction(
      admin,
      async (tx) => {
        await tx.unsafe(statement);
        return driftOf(await catalogueOf(tx, context.context));
      },
      { rollback: true },
    );
    expect(found).toMatch(seen);
  });
});
