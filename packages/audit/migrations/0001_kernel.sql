-- The generated feed is a plain table; an empty one is made anew, partitioned by the day of recorded_at (UTC).
do $feed$
begin
  if (select relkind from pg_class where oid = '"audit".feed'::regclass) = 'p' then return; end if;
  if exists (select from "audit".feed) then raise exception 'feed holds rows: move them by hand before it is partitioned'; end if;
  drop table "audit".feed;
  create table "audit".feed (
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
  create index feed_unnumbered on "audit".feed (xid, seq) where pos is null;
  -- A net for a day whose partition nobody made in time: an insert never fails for want of a partition.
  create table "audit".feed_default partition of "audit".feed default;
  create unique index feed_default_change_once on "audit".feed_default (resource_id, resource_version, resource_type);
  create unique index feed_default_pos_once on "audit".feed_default (pos);
  if to_regrole('audit_read') is not null then execute format('revoke all on "audit".%I from audit_read', 'feed_default'); end if;
end
$feed$;
--> statement-breakpoint
create or replace function "audit".feed_make_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = "audit", pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $make$
declare
  made integer := 0;
  day date;
  part text;
begin
  if days_ahead not between 0 and 30 then raise exception 'days_ahead must be 0 to 30'; end if;
  perform pg_advisory_xact_lock(hashtext('audit'), hashtext('feed.partition'));
  for day in select current_date + n from generate_series(0, days_ahead) n loop
    part := 'feed_p' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('"audit".' || part) is not null;
    execute format('create table "audit".%I (like "audit".feed including defaults including constraints including storage)', part);
    execute format('with moved as (delete from "audit".feed_default where recorded_at >= %L and recorded_at < %L returning *) insert into "audit".%I select * from moved', day::timestamptz, (day + 1)::timestamptz, part);
    execute format('alter table "audit".feed attach partition "audit".%I for values from (%L) to (%L)', part, day::timestamptz, (day + 1)::timestamptz);
    execute format('create unique index %I on "audit".%I (resource_id, resource_version, resource_type)', part || '_change_once', part);
    execute format('create unique index %I on "audit".%I (pos)', part || '_pos_once', part);
    if to_regrole('audit_read') is not null then execute format('revoke all on "audit".%I from audit_read', part); end if;
    made := made + 1;
  end loop;
  return made;
end
$make$;
--> statement-breakpoint
revoke execute on function "audit".feed_make_partitions(integer) from public;
--> statement-breakpoint
do $grant$
begin
  if to_regrole('audit_app') is null then return; end if;
  execute 'grant select, insert, update, delete on "audit".feed to audit_app';
  execute 'grant execute on function "audit".feed_make_partitions(integer) to audit_app';
end
$grant$;
--> statement-breakpoint
select "audit".feed_make_partitions(3);
