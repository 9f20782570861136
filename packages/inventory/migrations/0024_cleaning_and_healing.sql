ALTER TABLE "inventory"."allocation" ADD COLUMN "flags" text[] DEFAULT '{}'::text[] NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD COLUMN "cleaning_seconds" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."kind" ADD COLUMN "cleaning_seconds" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."kind" ADD COLUMN "scrubs" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."node" ADD COLUMN "cleaning_seconds" integer;--> statement-breakpoint
ALTER TABLE "inventory"."node" ADD COLUMN "scrubs" boolean;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_past" ADD COLUMN "flags" text[] DEFAULT '{}'::text[] NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."node_past" ADD COLUMN "cleaning_seconds" integer;--> statement-breakpoint
ALTER TABLE "inventory"."node_past" ADD COLUMN "scrubs" boolean;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_by_scrubbing" ON "inventory"."node" USING btree ("id") WHERE "inventory"."node"."state" = 'scrubbing';--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_by_failure" ON "inventory"."node" USING btree ("id") WHERE "inventory"."node"."state" = 'failed' or "inventory"."node"."intent" = 'expunged';--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation" ADD CONSTRAINT "allocation_flags_known" CHECK ("inventory"."allocation"."flags" <@ array['resourcesChanged', 'missingResources']);--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_cleaning_in_bounds" CHECK ("inventory"."allocation_item"."cleaning_seconds" between 0 and 31536000);--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."kind" ADD CONSTRAINT "kind_cleaning_in_bounds" CHECK ("inventory"."kind"."cleaning_seconds" between 0 and 2592000);--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."node" ADD CONSTRAINT "node_cleaning_in_bounds" CHECK ("inventory"."node"."cleaning_seconds" between 0 and 2592000);--> statement-breakpoint
-- A thing and its cleaning: nobody else has it before that is over. Seconds are the same in every time zone, so it never changes its answer.
create function inventory.occupied(during tstzrange, cleaning_seconds integer) returns tstzrange
language sql immutable parallel safe as $span$
  select case when cleaning_seconds = 0 or isempty(during) then during
    else tstzrange(lower(during), upper(during) + make_interval(secs => cleaning_seconds)) end
$span$;
--> statement-breakpoint
grant execute on function inventory.occupied(tstzrange, integer) to inventory_app, inventory_read, inventory_platform;
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
alter table inventory.allocation_item drop constraint allocation_item_node_held_once;
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
alter table inventory.allocation_item add constraint allocation_item_node_held_once
  exclude using gist (node_id with =, inventory.occupied(during, cleaning_seconds) with &&) where (what = 'node' and (ended_at is null or cleaning_seconds > 0));
--> statement-breakpoint
-- What was given out whole is cleaned whole: nobody has a part of it before that is over.
create or replace function inventory.refuse_whole_and_parts(items uuid[]) returns void
language plpgsql set search_path = inventory, pg_temp as $rule$
declare
  clash uuid;
begin
  select o.node_id into clash
  from allocation_item m
  join node n on n.id = m.node_id
  join kind k on k.key = n.kind and (k.category = 'component' or k.alloc_mode = 'exclusive')
  cross join lateral (
    select w.id, 'node' as what from wholes_of(m.node_id) w (id)
    union all
    select m.node_id, case m.what when 'node' then 'capacity' else 'node' end
    union all
    select p.id, t.what from parts_of(m.node_id) p (id), unnest(array['node', 'capacity']) t (what) where m.what = 'node'
  ) near
  cross join lateral (
    select i.node_id from allocation_item i
    where i.node_id = near.id and i.what = near.what and i.ended_at is null and occupied(i.during, i.cleaning_seconds) && occupied(m.during, m.cleaning_seconds)
    union all
    select i.node_id from allocation_item i
    where i.node_id = near.id and near.what = 'node' and i.what = 'node' and i.ended_at is not null and i.cleaning_seconds > 0
      and occupied(i.during, i.cleaning_seconds) && occupied(m.during, m.cleaning_seconds)
  ) o
  where m.id = any(items) and m.what in ('node', 'capacity') and m.ended_at is null
  limit 1;
  if found then
    raise exception using errcode = '23P01', constraint = 'allocation_item_whole_or_in_parts', schema = 'inventory', table = 'allocation_item',
      message = format('node %s is given out already, whole or in parts', clash);
  end if;
end
$rule$;
--> statement-breakpoint
-- The past of what is new.
create or replace function inventory.keep_node_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into node_past (until_at, id, kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state, cleaning_seconds, scrubs, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.kind, w.name, w.name_exclusive, w.parent_id, w.tenant_id, w.attributes, w.traits, w.labels, w.intent, w.state, w.cleaning_seconds, w.scrubs, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into node_past (until_at, id, kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state, cleaning_seconds, scrubs, version, created_at, updated_at)
  select b.updated_at, w.id, w.kind, w.name, w.name_exclusive, w.parent_id, w.tenant_id, w.attributes, w.traits, w.labels, w.intent, w.state, w.cleaning_seconds, w.scrubs, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update node_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
create or replace function inventory.keep_allocation_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  insert into allocation_past (allocation_id, until_at, tenant_id, state, bound_task_id, ttl_seconds, max_ttl_seconds, on_expiry, starts_at, expires_at, ended_at, notice_seconds, notice_at, noticed_at, failure, flags, labels, policy_version, version, updated_at)
  select w.id, b.updated_at, w.tenant_id, w.state, w.bound_task_id, w.ttl_seconds, w.max_ttl_seconds, w.on_expiry, w.starts_at, w.expires_at, w.ended_at, w.notice_seconds, w.notice_at, w.noticed_at, w.failure, w.flags, w.labels, w.policy_version, w.version, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update allocation_past p set until_at = b.updated_at from becomes b where p.allocation_id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
