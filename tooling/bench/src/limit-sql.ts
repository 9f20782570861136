import type { Stand } from './stand.js';

/** Tables that an allocation writes, copied column by column with their checks and indexes, but no trigger and no foreign key. */
const tables = ['capacity', 'allocation', 'allocation_item', 'feed', 'idempotency', 'quota_use'];

/**
 * The limit of taking: the rows that Sentral writes for one allocation, as one stored function on tables of the same shape. Their
 * contents are those of an allocation that Sentral has made just before.
 */
export async function prepareLimit(stand: Stand, pools: readonly LimitPool[]): Promise<void> {
  const { admin } = stand;
  await admin.unsafe(`create schema if not exists bench`);
  for (const table of tables) {
    await admin.unsafe(`drop table if exists bench.${table}, bench.model_${table} cascade`);
    await admin.unsafe(`create table bench.${table} (like inventory.${table} including all excluding identity)`);
  }
  await admin.unsafe(`alter table bench.capacity set (fillfactor = 50)`);
  await admin.unsafe(`alter table bench.feed alter column seq set default 1`);
  const [row] = await admin.unsafe(`select id from inventory.allocation order by id desc limit 1`);
  const id = String(row?.['id']);
  const model = (table: string, where: string) =>
    admin.unsafe(`create table bench.model_${table} as select * from inventory.${table} where ${where} limit 1`);
  await model('allocation', `id = '${id}'`);
  await model('allocation_item', `allocation_id = '${id}'`);
  await model('feed', `resource_id = '${id}' and resource_version = 1`);
  await model(
    'idempotency',
    `result ->> 'id' is not null and result ->> 'type' = 'allocation' order by created_at desc`,
  );
  const json = JSON.stringify(pools).replaceAll("'", "''");
  await admin.unsafe(
    `insert into bench.capacity (node_id, class, total, max_unit, cap) select (p ->> 'nodeId')::uuid, 'vcpu', 1000000000, 1000000000, 1000000000 from jsonb_array_elements('${json}') p`,
  );
  await admin.unsafe(`create table if not exists bench.pool (node_id uuid primary key, scopes uuid[] not null)`);
  await admin.unsafe(`truncate bench.pool`);
  await admin.unsafe(
    `insert into bench.pool select (p ->> 'nodeId')::uuid, array(select jsonb_array_elements_text(p -> 'scopes'))::uuid[] from jsonb_array_elements('${json}') p`,
  );
  await admin.unsafe(
    `insert into bench.quota_use (scope_id, dimension) select distinct unnest(scopes), 'inventory.vcpu' from bench.pool`,
  );
  await admin.unsafe(takeFunction);
  await admin.unsafe(giveFunction);
  await admin.unsafe('analyze');
}

export interface LimitPool {
  readonly nodeId: string;
  /** Tenant, project and environment, as uuids. */
  readonly scopes: readonly string[];
}

const takeFunction = `
create or replace function bench.take(of uuid) returns uuid language plpgsql as $take$
declare
  made uuid := gen_random_uuid();
  keyed text := gen_random_uuid()::text;
  under uuid[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended(keyed, 0)) then raise 'in progress'; end if;
  perform from bench.idempotency i join bench.model_idempotency m on i.scope = m.scope where i.key = keyed;
  update bench.capacity c set used = used + 1, use_version = use_version + 1 where node_id = of and class = 'vcpu' and used + 1 <= cap;
  if not found then return null; end if;
  insert into bench.allocation select (jsonb_populate_record(m, jsonb_build_object('id', made, 'request_id', made, 'consumer_id', made))).* from bench.model_allocation m;
  insert into bench.allocation_item select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'allocation_id', made, 'node_id', of))).* from bench.model_allocation_item m;
  insert into bench.feed select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'resource_id', made, 'pos', null, 'recorded_at', now()))).* from bench.model_feed m;
  select scopes into under from bench.pool where node_id = of;
  update bench.quota_use set used = used + 1 where scope_id = under[1] and dimension = 'inventory.vcpu';
  update bench.quota_use set used = used + 1 where scope_id = under[2] and dimension = 'inventory.vcpu';
  update bench.quota_use set used = used + 1 where scope_id = under[3] and dimension = 'inventory.vcpu';
  insert into bench.idempotency select (jsonb_populate_record(m, jsonb_build_object('key', keyed))).* from bench.model_idempotency m;
  return made;
end
$take$`;

const giveFunction = `
create or replace function bench.give(of uuid, taken uuid) returns uuid language plpgsql as $give$
declare
  under uuid[];
begin
  update bench.capacity c set used = used - 1, use_version = use_version + 1 where node_id = of and class = 'vcpu';
  update bench.allocation set state = 'released', ended_at = now(), version = version + 1, updated_at = now() where id = taken;
  update bench.allocation_item set released_at = now(), ended_at = now() where allocation_id = taken;
  insert into bench.feed select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'resource_id', taken, 'resource_version', 2, 'pos', null, 'recorded_at', now()))).* from bench.model_feed m;
  select scopes into under from bench.pool where node_id = of;
  update bench.quota_use set used = used - 1 where scope_id = under[1] and dimension = 'inventory.vcpu';
  update bench.quota_use set used = used - 1 where scope_id = under[2] and dimension = 'inventory.vcpu';
  update bench.quota_use set used = used - 1 where scope_id = under[3] and dimension = 'inventory.vcpu';
  return taken;
end
$give$`;

export const takeRound = ['select bench.take($1) as given'];
export const pairRound = [...takeRound, 'select bench.give($1, $2) as given'];
