-- The generated feed is a plain table; an empty one is made anew, partitioned by the day of recorded_at (UTC).
do $feed$
begin
  if (select relkind from pg_class where oid = '"tenancy".feed'::regclass) = 'p' then return; end if;
  if exists (select from "tenancy".feed) then raise exception 'feed holds rows: move them by hand before it is partitioned'; end if;
  drop table "tenancy".feed;
  create table "tenancy".feed (
    id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    seq bigint not null generated always as identity,
    pos bigint,
    recorded_at timestamptz not null default now(),
    type text not null,
    resource_type text not null,
    resource_id uuid not null,
    resource_version bigint not null,
    tenant_id uuid,
    project_id uuid,
    environment_id uuid,
    event jsonb,
    audit jsonb,
    traceparent text,
    causation text,
    dead_reason text,
    constraint feed_key primary key (id, recorded_at),
    constraint feed_version_counts check (resource_version > 0)
  ) partition by range (recorded_at);
  create index feed_unnumbered on "tenancy".feed (xid, seq) where pos is null;
  -- A net for a day whose partition nobody made in time: an insert never fails for want of a partition.
  create table "tenancy".feed_default partition of "tenancy".feed default;
  create unique index feed_default_change_once on "tenancy".feed_default (resource_id, resource_version, resource_type);
  create unique index feed_default_pos_once on "tenancy".feed_default (pos);
  if to_regrole('tenancy_read') is not null then execute format('revoke all on "tenancy".%I from tenancy_read', 'feed_default'); end if;
end
$feed$;
--> statement-breakpoint
create or replace function "tenancy".feed_make_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = "tenancy", pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $make$
declare
  made integer := 0;
  day date;
  part text;
begin
  if days_ahead not between 0 and 30 then raise exception 'days_ahead must be 0 to 30'; end if;
  perform pg_advisory_xact_lock(hashtext('tenancy'), hashtext('feed.partition'));
  for day in select current_date + n from generate_series(0, days_ahead) n loop
    part := 'feed_p' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('"tenancy".' || part) is not null;
    execute format('create table "tenancy".%I (like "tenancy".feed including defaults including constraints including storage)', part);
    execute format('with moved as (delete from "tenancy".feed_default where recorded_at >= %L and recorded_at < %L returning *) insert into "tenancy".%I select * from moved', day::timestamptz, (day + 1)::timestamptz, part);
    execute format('alter table "tenancy".feed attach partition "tenancy".%I for values from (%L) to (%L)', part, day::timestamptz, (day + 1)::timestamptz);
    execute format('create unique index %I on "tenancy".%I (resource_id, resource_version, resource_type)', part || '_change_once', part);
    execute format('create unique index %I on "tenancy".%I (pos)', part || '_pos_once', part);
    if to_regrole('tenancy_read') is not null then execute format('revoke all on "tenancy".%I from tenancy_read', part); end if;
    made := made + 1;
  end loop;
  return made;
end
$make$;
--> statement-breakpoint
create or replace function "tenancy".feed_version_rule_id() returns trigger
language plpgsql set search_path = "tenancy", pg_temp as $rule$
begin
  if new.version is distinct from old.version + 1 or new."id" is distinct from old."id" then
    raise exception using errcode = '23514', constraint = 'version_moves_by_one', schema = 'tenancy', table = tg_table_name,
      message = format('%s %s: version %s cannot follow %s', tg_table_name, old."id", new.version, old.version);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
revoke execute on function "tenancy".feed_version_rule_id() from public;
--> statement-breakpoint
create or replace function "tenancy".feed_guard_id() returns trigger
language plpgsql security definer set search_path = "tenancy", pg_temp set plan_cache_mode = 'force_custom_plan' as $guard$
declare
  recorded timestamptz := now();
  changed_id uuid;
  changed_version bigint;
begin
  if tg_op = 'DELETE' then
    changed_id := old."id";
    changed_version := old.version + 1;
  else
    changed_id := new."id";
    changed_version := new.version;
  end if;
  if not exists (
    select from "tenancy".feed
    where recorded_at = recorded and resource_id = changed_id and resource_version = changed_version and xid = pg_current_xact_id()
  ) then
    raise exception using errcode = '23514', constraint = 'change_has_feed_row', schema = 'tenancy', table = tg_table_name,
      message = format('%s of %s %s v%s has no feed row', lower(tg_op), tg_table_name, changed_id, changed_version);
  end if;
  return null;
end
$guard$;
--> statement-breakpoint
revoke execute on function "tenancy".feed_guard_id() from public;
--> statement-breakpoint
drop trigger if exists version_moves_by_one on "tenancy"."scope";
--> statement-breakpoint
create trigger version_moves_by_one before update on "tenancy"."scope" for each row execute function "tenancy".feed_version_rule_id();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on "tenancy"."scope";
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "tenancy"."scope" deferrable initially deferred
  for each row execute function "tenancy".feed_guard_id();
--> statement-breakpoint
revoke execute on function "tenancy".feed_make_partitions(integer) from public;
--> statement-breakpoint
do $grant$
begin
  if to_regrole('tenancy_app') is null then return; end if;
  execute 'grant select, insert, update, delete on "tenancy".feed to tenancy_app';
  execute 'grant execute on function "tenancy".feed_make_partitions(integer) to tenancy_app';
end
$grant$;
--> statement-breakpoint
select "tenancy".feed_make_partitions(3);
