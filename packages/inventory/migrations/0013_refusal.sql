CREATE TABLE "inventory"."refusal" (
	"id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"project_id" uuid,
	"scope_id" uuid NOT NULL,
	"principal_id" text NOT NULL,
	"principal_type" text NOT NULL,
	"read_scope" jsonb NOT NULL,
	"problem" jsonb NOT NULL,
	"explanation" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "refusal_key" PRIMARY KEY("id","created_at"),
	CONSTRAINT "refusal_principal_type_known" CHECK ("inventory"."refusal"."principal_type" in ('user', 'service', 'system'))
) PARTITION BY RANGE ("created_at");
--> statement-breakpoint
CREATE INDEX "refusal_by_principal" ON "inventory"."refusal" USING btree ("principal_id","created_at");--> statement-breakpoint
CREATE INDEX "refusal_by_tenant" ON "inventory"."refusal" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "refusal_by_project" ON "inventory"."refusal" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "refusal_by_scope" ON "inventory"."refusal" USING btree ("scope_id","id");
--> statement-breakpoint
alter table inventory.refusal enable row level security;
--> statement-breakpoint
create policy refusal_app_all on inventory.refusal for all to inventory_app using (true) with check (true);
--> statement-breakpoint
create policy refusal_platform_reads_all on inventory.refusal for select to inventory_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy refusal_read_own_tenant on inventory.refusal for select to inventory_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
-- A refusal is written once and goes with its day.
revoke update, delete on inventory.refusal from inventory_app;
--> statement-breakpoint
-- Makes the days to come and drops those that ended a day ago. There is no default partition: a refusal that finds no day is not kept,
-- and nobody waits for it. A partition has privileges of its own: row-level security of the parent would not hold for who reads it directly.
create function inventory.refusal_keep_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = inventory, pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $keep$
declare
  changed integer := 0;
  day date;
  part text;
begin
  if days_ahead not between 0 and 30 then raise exception 'days_ahead must be 0 to 30'; end if;
  perform pg_advisory_xact_lock(hashtext('inventory'), hashtext('refusal.partition'));
  for day in select current_date + n from generate_series(0, days_ahead) n loop
    part := 'refusal_p' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('inventory.' || part) is not null;
    execute format('create table inventory.%I (like inventory.refusal including defaults including constraints including storage)', part);
    execute format('revoke all on inventory.%I from inventory_read, inventory_app', part);
    execute format('alter table inventory.refusal attach partition inventory.%I for values from (%L) to (%L)', part, day::timestamptz, (day + 1)::timestamptz);
    changed := changed + 1;
  end loop;
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'inventory.refusal'::regclass
      -- A plan may ask this of every relation there is before it looks whose child it is.
      and case when c.relname ~ '^refusal_p[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - 1 else false end
  loop
    execute format('drop table inventory.%I', part);
    changed := changed + 1;
  end loop;
  return changed;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.refusal_keep_partitions(integer) from public;
--> statement-breakpoint
grant execute on function inventory.refusal_keep_partitions(integer) to inventory_app;
--> statement-breakpoint
select inventory.refusal_keep_partitions(7);
