CREATE TABLE "audit"."completeness" (
	"context" text PRIMARY KEY NOT NULL,
	"cursor" text,
	"finished_at" timestamp with time zone,
	"checked" bigint DEFAULT 0 NOT NULL,
	"found" bigint DEFAULT 0 NOT NULL,
	"missing" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."leaf" (
	"log_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "leaf_key" PRIMARY KEY("log_id","seq")
);
--> statement-breakpoint
CREATE TABLE "audit"."legal_hold" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"tenant_id" uuid,
	"project_id" uuid,
	"environment_id" uuid,
	"resource_kind" text,
	"resource_id" uuid,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"end_reason" text,
	CONSTRAINT "legal_hold_lies_in_a_tenant" CHECK ("audit"."legal_hold"."tenant_id" is not null or ("audit"."legal_hold"."project_id" is null and "audit"."legal_hold"."environment_id" is null)),
	CONSTRAINT "legal_hold_names_a_thing" CHECK (("audit"."legal_hold"."resource_kind" is null) = ("audit"."legal_hold"."resource_id" is null)),
	CONSTRAINT "legal_hold_ends_with_a_reason" CHECK (("audit"."legal_hold"."ended_at" is null) = ("audit"."legal_hold"."end_reason" is null))
);
--> statement-breakpoint
CREATE TABLE "audit"."resource_floor" (
	"resource_type" text NOT NULL,
	"resource_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"changes" bigint NOT NULL,
	CONSTRAINT "resource_floor_key" PRIMARY KEY("resource_type","resource_id")
);
--> statement-breakpoint
ALTER TABLE "audit"."log" ADD COLUMN "floor" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "legal_hold_live" ON "audit"."legal_hold" USING btree ("tenant_id","id") WHERE "audit"."legal_hold"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "audit"."log" ADD CONSTRAINT "log_floor_counts" CHECK ("audit"."log"."floor" between 0 and "audit"."log"."size");
--> statement-breakpoint
create or replace function "audit".feed_version_rule_id() returns trigger
language plpgsql set search_path = "audit", pg_temp as $rule$
begin
  if new.version is distinct from old.version + 1 or new."id" is distinct from old."id" then
    raise exception using errcode = '23514', constraint = 'version_moves_by_one', schema = 'audit', table = tg_table_name,
      message = format('%s %s: version %s cannot follow %s', tg_table_name, old."id", new.version, old.version);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
revoke execute on function "audit".feed_version_rule_id() from public;
--> statement-breakpoint
create or replace function "audit".feed_guard_id() returns trigger
language plpgsql security definer set search_path = "audit", pg_temp set plan_cache_mode = 'force_custom_plan' as $guard$
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
    select from "audit".feed
    where recorded_at = recorded and resource_id = changed_id and resource_version = changed_version and xid = pg_current_xact_id()
  ) then
    raise exception using errcode = '23514', constraint = 'change_has_feed_row', schema = 'audit', table = tg_table_name,
      message = format('%s of %s %s v%s has no feed row', lower(tg_op), tg_table_name, changed_id, changed_version);
  end if;
  return null;
end
$guard$;
--> statement-breakpoint
revoke execute on function "audit".feed_guard_id() from public;
--> statement-breakpoint
drop trigger if exists version_moves_by_one on "audit"."legal_hold";
--> statement-breakpoint
create trigger version_moves_by_one before update on "audit"."legal_hold" for each row execute function "audit".feed_version_rule_id();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on "audit"."legal_hold";
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "audit"."legal_hold" deferrable initially deferred
  for each row execute function "audit".feed_guard_id();
--> statement-breakpoint
grant insert, update on audit.legal_hold, audit.completeness to audit_app;
--> statement-breakpoint
revoke select on audit.completeness from audit_read;
--> statement-breakpoint
alter table audit.legal_hold enable row level security;
--> statement-breakpoint
create policy legal_hold_app_all on audit.legal_hold for all to audit_app using (true) with check (true);
--> statement-breakpoint
create policy legal_hold_platform_reads_all on audit.legal_hold for select to audit_platform using (true);
--> statement-breakpoint
create policy legal_hold_read_own_tenant on audit.legal_hold for select to audit_read using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
create trigger stays before update or delete on audit.leaf for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.leaf for each statement execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays before delete on audit.resource_floor for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.resource_floor for each statement execute function audit.refuse_change();
--> statement-breakpoint
revoke select on audit.resource_floor from audit_read;
--> statement-breakpoint
alter table audit.leaf enable row level security;
--> statement-breakpoint
create policy leaf_app_all on audit.leaf for select to audit_app using (true);
--> statement-breakpoint
create policy leaf_platform_reads_all on audit.leaf for select to audit_platform using (true);
--> statement-breakpoint
create policy leaf_read_own_tenant on audit.leaf for select to audit_read using (log_id in (select id from audit.log));
--> statement-breakpoint
create or replace function audit.log_only_grows() returns trigger
language plpgsql set search_path = audit, pg_temp as $grows$
begin
  if new.size < old.size or new.head_size < old.head_size or new.floor < old.floor
    or (new.id, new.kind, new.tenant_id, new.origin) is distinct from (old.id, old.kind, old.tenant_id, old.origin) then
    raise exception using errcode = '42501', schema = 'audit', table = 'log', message = format('log %s only grows', old.id);
  end if;
  return new;
end
$grows$;
--> statement-breakpoint
-- What becomes of a month: after a time the records that are policy-relevant alone are left of it, after seven years nothing. Its table says which.
create function audit.month_table(dropping date, thin boolean) returns regclass
language sql stable set search_path = audit, pg_temp as $name$
  select to_regclass('audit.record_' || case when thin then 'policy_p' else 'p' end || to_char(dropping, 'YYYYMM'))
$name$;
--> statement-breakpoint
create function audit.close_partition(part text) returns void
language plpgsql set search_path = audit, pg_temp as $close$
begin
  execute format('create trigger stays_whole before truncate on audit.%I for each statement execute function audit.refuse_change()', part);
  execute format('revoke all on audit.%I from audit_read', part);
end
$close$;
--> statement-breakpoint
-- What is on record of a month, log by log: an export must say the same before the month may go. `going` counts what does not outlive it.
create function audit.month_contents(part regclass, keeps boolean) returns table (log_id uuid, records bigint, first bigint, last bigint, going bigint)
language plpgsql stable set search_path = audit, pg_temp as $contents$
begin
  return query execute format('select r.log_id, count(*), min(r.seq), max(r.seq), count(*) filter (where not (r.policy_relevant and $1)) from %s r group by r.log_id', part) using keeps;
end
$contents$;
--> statement-breakpoint
-- Drops a month that was exported, of which no live hold wants a record, and which is old enough: 90 days whatever the settings say. Leaves stay, so every
-- head and every proof of before stands; what is policy-relevant stays for seven years, in a partition in its place. Locks: the month against records that
-- come late, then the holds against new ones, then the whole table for the moment of the drop.
create function audit.drop_month(dropping date, dropped_id uuid, exported jsonb) returns bigint
language plpgsql security definer set search_path = audit, pg_temp set lock_timeout = '3s' set timezone = 'UTC' as $drop$
declare
  begins uuid := audit.uuid7_floor(dropping::timestamptz);
  ends uuid := audit.uuid7_floor((dropping + interval '1 month')::timestamptz);
  keeps boolean := dropping + interval '1 month' > now() - interval '7 years';
  thin boolean := audit.month_table(dropping, false) is null;
  part regclass := coalesce(audit.month_table(dropping, false), audit.month_table(dropping, true));
  going text := case when keeps then 'not r.policy_relevant' else 'true' end;
  kept text := 'record_policy_p' || to_char(dropping, 'YYYYMM');
  told jsonb;
  holding uuid;
  gone bigint;
begin
  if part is null or dropping <> date_trunc('month', dropping) or dropping + interval '1 month' > now() - interval '90 days' or (thin and keeps) then
    raise exception using errcode = '23514', constraint = 'month_may_go', schema = 'audit', message = format('%s is no month that may go', dropping);
  end if;
  perform pg_advisory_xact_lock(hashtext('audit'), hashtext('record.partition'));
  execute format('lock table %s in share mode', part);
  select coalesce(sum(c.going), 0),
    coalesce(jsonb_agg(jsonb_build_object('log', l.origin, 'records', c.records, 'first', c.first, 'last', c.last) order by l.origin), '[]')
    into gone, told from audit.month_contents(part, keeps) c join audit.log l on l.id = c.log_id;
  if told is distinct from (select coalesce(jsonb_agg(e order by e ->> 'log'), '[]') from jsonb_array_elements(exported) e) then
    raise exception using errcode = '23514', constraint = 'month_as_exported', schema = 'audit', message = format('%s is not what was exported of it', dropping);
  end if;
  execute format('insert into audit.leaf select r.log_id, r.seq, r.leaf from %s r where %s', part, going);
  execute format('insert into audit.resource_floor as f select r.resource_type, r.resource_id, max(r.resource_version), count(*) from %s r
    where %s and r.class = ''change'' and r.outcome = ''success'' and r.resource_id is not null group by 1, 2
    on conflict on constraint resource_floor_key do update set version = greatest(f.version, excluded.version), changes = f.changes + excluded.changes', part, going);
  if keeps then
    execute format('create table audit.%I (like audit.record including defaults including constraints including storage)', kept);
    execute format('insert into audit.%I select * from %s r where r.policy_relevant', kept, part);
  end if;
  lock table audit.legal_hold in share mode;
  execute format('select h.id from audit.legal_hold h where h.ended_at is null and exists (select from %s r
    where case when h.environment_id is not null then r.environment_id = h.environment_id when h.project_id is not null then r.project_id = h.project_id
      when h.tenant_id is not null then r.tenant_id = h.tenant_id else r.tenant_id is null end
    and (h.resource_id is null or r.resource_id = h.resource_id)) order by h.id limit 1', part) into holding;
  if holding is not null then
    raise exception using errcode = '23514', constraint = 'month_under_hold', schema = 'audit', message = format('%s is under the legal hold %s', dropping, holding);
  end if;
  update audit.log l set floor = greatest(l.floor, c.last + 1) from audit.month_contents(part, keeps) c where l.id = c.log_id and c.going > 0;
  insert into audit.feed (id, type, resource_type, resource_id, resource_version, event, audit)
  select dropped_id, 'audit.partition.dropped', 'audit.partition', begins, case when thin then 2 else 1 end, null, jsonb_build_object(
    'principal', jsonb_build_object('id', 'audit', 'type', 'system'), 'before', null, 'after', jsonb_build_object(
      'month', to_char(dropping, 'YYYY-MM'), 'records', coalesce(sum((t.item ->> 'records')::bigint), 0), 'dropped', gone,
      'logs', coalesce(jsonb_agg(t.item || jsonb_build_object('size', l.size, 'root', encode(audit.root_of(l.stack), 'base64')) order by l.origin), '[]')))
  from jsonb_array_elements(told) t(item) left join audit.log l on l.origin = t.item ->> 'log';
  execute format('drop table %s', part);
  if keeps then
    execute format('alter table audit.record attach partition audit.%I for values from (%L) to (%L)', kept, begins, ends);
    perform audit.close_partition(kept);
  end if;
  return gone;
end
$drop$;
--> statement-breakpoint
-- The months that may go by this many days of retention, the oldest first, and those of seven years ago.
create function audit.months_due(retention_days integer) returns table (month date, part text, thin boolean)
language sql stable set search_path = audit, pg_temp set timezone = 'UTC' as $due$
  select m.month, m.part, m.thin from (
    select case when c.relname ~ '^record_(policy_)?p[0-9]{6}$' then to_date(right(c.relname, 6), 'YYYYMM') end as month,
      c.relname::text as part, c.relname like 'record_policy%' as thin
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit.record'::regclass) m
  where m.month + interval '1 month' <= now() - case when m.thin then interval '7 years' else greatest(retention_days, 90) * interval '1 day' end order by 1
$due$;
--> statement-breakpoint
revoke execute on all functions in schema audit from public;
--> statement-breakpoint
grant execute on function audit.drop_month(date, uuid, jsonb) to audit_retention;
--> statement-breakpoint
grant execute on function audit.months_due(integer) to audit_app;
