-- The generated feed is a plain table; an empty one is made anew, partitioned by the day of recorded_at (UTC).
do $feed$
begin
  if (select relkind from pg_class where oid = '"task".feed'::regclass) = 'p' then return; end if;
  if exists (select from "task".feed) then raise exception 'feed holds rows: move them by hand before it is partitioned'; end if;
  drop table "task".feed;
  create table "task".feed (
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
  create index feed_unnumbered on "task".feed (xid, seq) where pos is null;
  -- A net for a day whose partition nobody made in time: an insert never fails for want of a partition.
  create table "task".feed_default partition of "task".feed default;
  create unique index feed_default_change_once on "task".feed_default (resource_id, resource_version, resource_type);
  create unique index feed_default_pos_once on "task".feed_default (pos);
  if to_regrole('task_read') is not null then execute format('revoke all on "task".%I from task_read', 'feed_default'); end if;
end
$feed$;
--> statement-breakpoint
create or replace function "task".feed_make_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = "task", pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $make$
declare
  made integer := 0;
  day date;
  part text;
begin
  if days_ahead not between 0 and 30 then raise exception 'days_ahead must be 0 to 30'; end if;
  perform pg_advisory_xact_lock(hashtext('task'), hashtext('feed.partition'));
  for day in select current_date + n from generate_series(0, days_ahead) n loop
    part := 'feed_p' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('"task".' || part) is not null;
    execute format('create table "task".%I (like "task".feed including defaults including constraints including storage)', part);
    execute format('with moved as (delete from "task".feed_default where recorded_at >= %L and recorded_at < %L returning *) insert into "task".%I select * from moved', day::timestamptz, (day + 1)::timestamptz, part);
    execute format('alter table "task".feed attach partition "task".%I for values from (%L) to (%L)', part, day::timestamptz, (day + 1)::timestamptz);
    execute format('create unique index %I on "task".%I (resource_id, resource_version, resource_type)', part || '_change_once', part);
    execute format('create unique index %I on "task".%I (pos)', part || '_pos_once', part);
    if to_regrole('task_read') is not null then execute format('revoke all on "task".%I from task_read', part); end if;
    made := made + 1;
  end loop;
  return made;
end
$make$;
--> statement-breakpoint
revoke execute on function "task".feed_make_partitions(integer) from public;
--> statement-breakpoint
do $grant$
begin
  if to_regrole('task_app') is null then return; end if;
  execute 'grant select, insert, update, delete on "task".feed to task_app';
  execute 'grant execute on function "task".feed_make_partitions(integer) to task_app';
end
$grant$;
--> statement-breakpoint
select "task".feed_make_partitions(3);
