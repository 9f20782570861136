import type { Migration } from '@sentral/kernel/migration-files';
import { describe, expect, test } from 'vitest';
import { lintMigrations } from '../src/lint.js';

const migration = (statements: readonly string[], more: Partial<Migration> = {}): Migration => ({
  number: 1,
  tag: '0001_x',
  hash: '',
  statements,
  transactional: true,
  ...more,
});
const refuses = (...statements: string[]): boolean => lintMigrations([migration(statements)]).length > 0;

describe('a migration after the first one is refused when it', () => {
  test.each([
    'create index thing_name on inventory.thing (name)',
    'CREATE UNIQUE INDEX "a" ON "inventory"."thing" USING btree ("name")',
    'drop index inventory.thing_name',
    'reindex table inventory.thing',
    'alter table inventory.thing add constraint c check (n > 0)',
    'ALTER TABLE "inventory"."thing" ADD CONSTRAINT "f" FOREIGN KEY ("a") REFERENCES "inventory"."b"("id")',
    'alter table inventory.thing add unique (name)',
    'alter table inventory.thing add constraint e exclude using gist (a with =)',
    'alter table inventory.thing alter column n type bigint',
    'alter table inventory.thing alter n set data type bigint',
    'alter table inventory.thing alter column n set not null',
    'alter table inventory.thing add column id uuid default gen_random_uuid()',
    'alter table inventory.thing add column n int generated always as (a + b) stored',
    'alter table inventory.thing set unlogged',
    'vacuum full inventory.thing',
    'lock table inventory.thing',
    'truncate inventory.thing',
    'alter table inventory.thing rename column a to b',
    'alter table inventory.thing drop column a',
    'drop table inventory.thing',
    '/* a word */ alter table\n inventory.thing -- and another\n rename to other',
  ])('%s', (statement) => {
    expect(refuses(statement)).toBe(true);
  });
});

describe('a migration after the first one may', () => {
  test.each([
    'create table inventory.next (id uuid primary key, n int not null check (n > 0))',
    'alter table inventory.thing add column note text',
    `alter table inventory.thing add column state text not null default 'active'`,
    'alter table inventory.thing add constraint c check (n > 0) not valid',
    'alter table inventory.thing validate constraint c',
    'alter table inventory.thing add constraint u unique using index thing_name',
    `insert into inventory.kind values ('drop table x')`,
    'create function inventory.f() returns void language plpgsql as $$ begin truncate inventory.thing; end $$',
    '-- lock: the table is empty, it was made in 0000\nalter table inventory.thing add constraint e exclude using gist (a with =)',
  ])('%s', (statement) => {
    expect(refuses(statement)).toBe(false);
  });

  test('do anything to a table that it makes itself', () => {
    expect(refuses('create table "inventory"."next" (a int)', 'create index n on "inventory"."next" (a)')).toBe(false);
  });
});

test('the first migration may do anything: nobody is there yet', () => {
  expect(lintMigrations([migration(['create index a on b (c)'], { number: 0 })])).toEqual([]);
});

test('without a transaction only what bears a second run may stand', () => {
  const alone = (statement: string): number =>
    lintMigrations([migration([statement], { transactional: false })]).length;
  expect(alone('create index concurrently if not exists a on inventory.thing (n)')).toBe(0);
  expect(alone('create index concurrently a on inventory.thing (n)')).toBe(1);
  expect(alone('create index concurrently if not exists a on thing (n)')).toBe(1);
  expect(alone('insert into inventory.thing values (1)')).toBe(1);
});
