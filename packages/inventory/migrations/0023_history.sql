CREATE TABLE "inventory"."address_block_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"space_id" uuid NOT NULL,
	"parent_id" uuid,
	"parent_cidr" "cidr",
	"cidr" "cidr" NOT NULL,
	"is_pool" boolean DEFAULT false NOT NULL,
	"mark_utilized" boolean DEFAULT false NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"ended_at" timestamp with time zone,
	"reusable_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_block_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."address_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"space_id" uuid NOT NULL,
	"host" "inet" NOT NULL,
	"prefix_length" integer NOT NULL,
	"occupies" boolean DEFAULT true NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."address_space_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"name" text NOT NULL,
	"name_exclusive" boolean DEFAULT false NOT NULL,
	"cool_down_seconds" integer DEFAULT 0 NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"tenant_id" uuid,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_space_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."allocation_item_past" (
	"item_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"fence" bigint NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	CONSTRAINT "allocation_item_past_once_a_fence" PRIMARY KEY("item_id","fence")
);
--> statement-breakpoint
CREATE TABLE "inventory"."allocation_past" (
	"allocation_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"state" text NOT NULL,
	"bound_task_id" uuid,
	"ttl_seconds" integer,
	"max_ttl_seconds" integer,
	"on_expiry" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"notice_seconds" integer,
	"notice_at" timestamp with time zone,
	"noticed_at" timestamp with time zone,
	"failure" jsonb,
	"labels" jsonb NOT NULL,
	"policy_version" integer,
	"version" integer NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "allocation_past_once_a_version" PRIMARY KEY("allocation_id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."edge_end_past" (
	"edge_id" uuid NOT NULL,
	"edge_type" text NOT NULL,
	"side" text NOT NULL,
	"ordinal" integer NOT NULL,
	"node_id" uuid NOT NULL,
	"since" timestamp with time zone NOT NULL,
	"until_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "inventory"."edge_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"edge_type" text NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"live" boolean DEFAULT true NOT NULL,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "edge_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."external_id_past" (
	"source" text NOT NULL,
	"external_id" text NOT NULL,
	"resource_type" text NOT NULL,
	"resource_id" uuid NOT NULL,
	"since" timestamp with time zone NOT NULL,
	"until_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "inventory"."node_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"kind" text NOT NULL,
	"name" text,
	"name_exclusive" boolean DEFAULT false NOT NULL,
	"parent_id" uuid,
	"tenant_id" uuid,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"traits" text[] DEFAULT '{}'::text[] NOT NULL,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"intent" text DEFAULT 'in_service' NOT NULL,
	"state" text DEFAULT 'available' NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "node_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."number_domain_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"name" text NOT NULL,
	"name_exclusive" boolean DEFAULT false NOT NULL,
	"kind" text NOT NULL,
	"pooled" boolean DEFAULT true NOT NULL,
	"cool_down_seconds" integer DEFAULT 0 NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "number_domain_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."number_past" (
	"id" uuid NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"domain_id" uuid NOT NULL,
	"domain_kind" text NOT NULL,
	"value" bigint NOT NULL,
	"name" text,
	"occupies" boolean DEFAULT true NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "number_past_once_a_version" PRIMARY KEY("id","version")
);
--> statement-breakpoint
CREATE TABLE "inventory"."past_begins" (
	"at" timestamp with time zone PRIMARY KEY DEFAULT now() NOT NULL
);
--> statement-breakpoint
-- Of what was taken before, it is not known when; it was before the past begins.
ALTER TABLE "inventory"."allocation_item" ADD COLUMN "taken_at" timestamp with time zone DEFAULT '-infinity' NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ALTER COLUMN "taken_at" SET DEFAULT now();--> statement-breakpoint
ALTER TABLE "inventory"."edge_end" ADD COLUMN "since" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."external_id" ADD COLUMN "since" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "address_block_past_by_parent" ON "inventory"."address_block_past" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "address_block_past_by_home" ON "inventory"."address_block_past" USING btree ("space_id",coalesce(parent_id, space_id));--> statement-breakpoint
CREATE INDEX "address_block_past_in_order" ON "inventory"."address_block_past" USING btree ("space_id","cidr","id");--> statement-breakpoint
CREATE INDEX "address_block_past_by_tenant" ON "inventory"."address_block_past" USING btree ("tenant_id") WHERE "inventory"."address_block_past"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "address_block_past_by_node" ON "inventory"."address_block_past" USING btree ("node_id") WHERE "inventory"."address_block_past"."node_id" is not null;--> statement-breakpoint
CREATE INDEX "address_past_by_host" ON "inventory"."address_past" USING btree ("space_id","host","id");--> statement-breakpoint
CREATE INDEX "address_past_by_tenant" ON "inventory"."address_past" USING btree ("tenant_id") WHERE "inventory"."address_past"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "address_past_by_node" ON "inventory"."address_past" USING btree ("node_id") WHERE "inventory"."address_past"."node_id" is not null;--> statement-breakpoint
CREATE INDEX "address_space_past_by_tenant" ON "inventory"."address_space_past" USING btree ("tenant_id") WHERE "inventory"."address_space_past"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "edge_end_past_by_edge" ON "inventory"."edge_end_past" USING btree ("edge_id","until_at");--> statement-breakpoint
CREATE INDEX "edge_end_past_by_node" ON "inventory"."edge_end_past" USING btree ("node_id","until_at");--> statement-breakpoint
CREATE INDEX "external_id_past_by_resource" ON "inventory"."external_id_past" USING btree ("resource_id","until_at");--> statement-breakpoint
CREATE INDEX "external_id_past_by_key" ON "inventory"."external_id_past" USING btree ("source","external_id");--> statement-breakpoint
CREATE INDEX "node_past_by_parent" ON "inventory"."node_past" USING btree ("parent_id","id");--> statement-breakpoint
CREATE INDEX "node_past_by_tenant" ON "inventory"."node_past" USING btree ("tenant_id") WHERE "inventory"."node_past"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "node_past_by_name" ON "inventory"."node_past" USING btree (coalesce(name, '') collate "C","id");--> statement-breakpoint
CREATE INDEX "number_domain_past_by_node" ON "inventory"."number_domain_past" USING btree ("node_id") WHERE "inventory"."number_domain_past"."node_id" is not null;--> statement-breakpoint
CREATE INDEX "number_past_by_value" ON "inventory"."number_past" USING btree ("domain_id","value","id");--> statement-breakpoint
CREATE INDEX "number_past_by_tenant" ON "inventory"."number_past" USING btree ("tenant_id") WHERE "inventory"."number_past"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "number_past_by_node" ON "inventory"."number_past" USING btree ("node_id") WHERE "inventory"."number_past"."node_id" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "finding_by_end" ON "inventory"."finding" USING btree ("resolved_at") WHERE "inventory"."finding"."state" = 'resolved';--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_ended_by_node" ON "inventory"."allocation_item" USING btree ("node_id","ended_at") WHERE "inventory"."allocation_item"."node_id" is not null and "inventory"."allocation_item"."ended_at" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_by_number" ON "inventory"."allocation_item" USING btree ("domain_id","number") WHERE "inventory"."allocation_item"."number" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_by_address" ON "inventory"."allocation_item" USING btree ("space_id","address") WHERE "inventory"."allocation_item"."address" is not null;
--> statement-breakpoint
insert into inventory.past_begins default values;
--> statement-breakpoint
-- A version counts from its updated_at, so that is the instant of its transaction, whoever writes the row.
create function inventory.bears_its_instant() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  new.updated_at := now();
  return new;
end
$rule$;
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.node for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.edge for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.address_space for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.address_block for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.address for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.number_domain for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.number for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
create trigger bears_its_instant before update on inventory.allocation for each row when (new.updated_at is distinct from now())
  execute function inventory.bears_its_instant();
--> statement-breakpoint
-- SECURITY DEFINER: nobody who changes a thing can write its past in another way. Statement by statement, so an import pays once a chunk.
-- What one transaction changed twice was never seen between. A transaction that waited for a younger one comes after it with an
-- earlier instant: what it replaced was never the newest of any instant, and what that had replaced ends earlier.
create function inventory.keep_node_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into node_past (until_at, id, kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.kind, w.name, w.name_exclusive, w.parent_id, w.tenant_id, w.attributes, w.traits, w.labels, w.intent, w.state, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into node_past (until_at, id, kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state, version, created_at, updated_at)
  select b.updated_at, w.id, w.kind, w.name, w.name_exclusive, w.parent_id, w.tenant_id, w.attributes, w.traits, w.labels, w.intent, w.state, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update node_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_node_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.node referencing old table as was new table as becomes
  for each statement execute function inventory.keep_node_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.node referencing old table as was
  for each statement execute function inventory.keep_node_past();
--> statement-breakpoint
create function inventory.keep_edge_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into edge_past (until_at, id, edge_type, attributes, live, ended_at, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.edge_type, w.attributes, w.live, w.ended_at, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into edge_past (until_at, id, edge_type, attributes, live, ended_at, version, created_at, updated_at)
  select b.updated_at, w.id, w.edge_type, w.attributes, w.live, w.ended_at, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update edge_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_edge_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.edge referencing old table as was new table as becomes
  for each statement execute function inventory.keep_edge_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.edge referencing old table as was
  for each statement execute function inventory.keep_edge_past();
--> statement-breakpoint
create function inventory.keep_address_space_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into address_space_past (until_at, id, name, name_exclusive, cool_down_seconds, attributes, tenant_id, ended_at, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.name, w.name_exclusive, w.cool_down_seconds, w.attributes, w.tenant_id, w.ended_at, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into address_space_past (until_at, id, name, name_exclusive, cool_down_seconds, attributes, tenant_id, ended_at, version, created_at, updated_at)
  select b.updated_at, w.id, w.name, w.name_exclusive, w.cool_down_seconds, w.attributes, w.tenant_id, w.ended_at, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update address_space_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_address_space_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.address_space referencing old table as was new table as becomes
  for each statement execute function inventory.keep_address_space_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.address_space referencing old table as was
  for each statement execute function inventory.keep_address_space_past();
--> statement-breakpoint
create function inventory.keep_address_block_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into address_block_past (until_at, id, space_id, parent_id, parent_cidr, cidr, is_pool, mark_utilized, status, attributes, node_id, tenant_id, ended_at, reusable_at, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.space_id, w.parent_id, w.parent_cidr, w.cidr, w.is_pool, w.mark_utilized, w.status, w.attributes, w.node_id, w.tenant_id, w.ended_at, w.reusable_at, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into address_block_past (until_at, id, space_id, parent_id, parent_cidr, cidr, is_pool, mark_utilized, status, attributes, node_id, tenant_id, ended_at, reusable_at, version, created_at, updated_at)
  select b.updated_at, w.id, w.space_id, w.parent_id, w.parent_cidr, w.cidr, w.is_pool, w.mark_utilized, w.status, w.attributes, w.node_id, w.tenant_id, w.ended_at, w.reusable_at, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update address_block_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_address_block_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.address_block referencing old table as was new table as becomes
  for each statement execute function inventory.keep_address_block_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.address_block referencing old table as was
  for each statement execute function inventory.keep_address_block_past();
--> statement-breakpoint
create function inventory.keep_address_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into address_past (until_at, id, space_id, host, prefix_length, occupies, attributes, node_id, tenant_id, ended_at, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.space_id, w.host, w.prefix_length, w.occupies, w.attributes, w.node_id, w.tenant_id, w.ended_at, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into address_past (until_at, id, space_id, host, prefix_length, occupies, attributes, node_id, tenant_id, ended_at, version, created_at, updated_at)
  select b.updated_at, w.id, w.space_id, w.host, w.prefix_length, w.occupies, w.attributes, w.node_id, w.tenant_id, w.ended_at, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update address_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_address_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.address referencing old table as was new table as becomes
  for each statement execute function inventory.keep_address_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.address referencing old table as was
  for each statement execute function inventory.keep_address_past();
--> statement-breakpoint
create function inventory.keep_number_domain_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into number_domain_past (until_at, id, name, name_exclusive, kind, pooled, cool_down_seconds, attributes, node_id, ended_at, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.name, w.name_exclusive, w.kind, w.pooled, w.cool_down_seconds, w.attributes, w.node_id, w.ended_at, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into number_domain_past (until_at, id, name, name_exclusive, kind, pooled, cool_down_seconds, attributes, node_id, ended_at, version, created_at, updated_at)
  select b.updated_at, w.id, w.name, w.name_exclusive, w.kind, w.pooled, w.cool_down_seconds, w.attributes, w.node_id, w.ended_at, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update number_domain_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_number_domain_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.number_domain referencing old table as was new table as becomes
  for each statement execute function inventory.keep_number_domain_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.number_domain referencing old table as was
  for each statement execute function inventory.keep_number_domain_past();
--> statement-breakpoint
create function inventory.keep_number_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into number_past (until_at, id, domain_id, domain_kind, value, name, occupies, attributes, node_id, tenant_id, ended_at, version, created_at, updated_at)
    select greatest(now(), w.updated_at), w.id, w.domain_id, w.domain_kind, w.value, w.name, w.occupies, w.attributes, w.node_id, w.tenant_id, w.ended_at, w.version, w.created_at, w.updated_at from was w;
    return null;
  end if;
  insert into number_past (until_at, id, domain_id, domain_kind, value, name, occupies, attributes, node_id, tenant_id, ended_at, version, created_at, updated_at)
  select b.updated_at, w.id, w.domain_id, w.domain_kind, w.value, w.name, w.occupies, w.attributes, w.node_id, w.tenant_id, w.ended_at, w.version, w.created_at, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update number_past p set until_at = b.updated_at from becomes b where p.id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_number_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.number referencing old table as was new table as becomes
  for each statement execute function inventory.keep_number_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.number referencing old table as was
  for each statement execute function inventory.keep_number_past();
--> statement-breakpoint
-- Taking writes nothing here: an allocation that has not changed since is its own past.
create function inventory.keep_allocation_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  insert into allocation_past (allocation_id, until_at, tenant_id, state, bound_task_id, ttl_seconds, max_ttl_seconds, on_expiry, starts_at, expires_at, ended_at, notice_seconds, notice_at, noticed_at, failure, labels, policy_version, version, updated_at)
  select w.id, b.updated_at, w.tenant_id, w.state, w.bound_task_id, w.ttl_seconds, w.max_ttl_seconds, w.on_expiry, w.starts_at, w.expires_at, w.ended_at, w.notice_seconds, w.notice_at, w.noticed_at, w.failure, w.labels, w.policy_version, w.version, w.updated_at from was w join becomes b on b.id = w.id where b.updated_at > w.updated_at;
  if exists (select from was w join becomes b on b.id = w.id where b.updated_at < w.updated_at) then
    update allocation_past p set until_at = b.updated_at from becomes b where p.allocation_id = b.id and p.until_at > b.updated_at;
  end if;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_allocation_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update on inventory.allocation referencing old table as was new table as becomes
  for each statement execute function inventory.keep_allocation_past();
--> statement-breakpoint
create function inventory.keep_item_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  insert into allocation_item_past (item_id, tenant_id, fence, until_at) values (old.id, old.tenant_id, old.fence, now());
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_item_past() from public;
--> statement-breakpoint
create trigger keeps_its_past after update of fence on inventory.allocation_item for each row when (old.fence <> new.fence)
  execute function inventory.keep_item_past();
--> statement-breakpoint
-- A part without a version: what it was counts from since to now, and what it is from now.
create function inventory.keep_edge_end_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into edge_end_past (until_at, edge_id, edge_type, side, ordinal, node_id, since) select now(), w.edge_id, w.edge_type, w.side, w.ordinal, w.node_id, w.since from was w where w.since < now();
    return null;
  end if;
  if old.since < now() then
    insert into edge_end_past (until_at, edge_id, edge_type, side, ordinal, node_id, since) values (now(), old.edge_id, old.edge_type, old.side, old.ordinal, old.node_id, old.since);
  end if;
  new.since := now();
  return new;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_edge_end_past() from public;
--> statement-breakpoint
create trigger keeps_its_past before update on inventory.edge_end for each row when ((old.edge_id, old.side, old.ordinal, old.node_id) is distinct from (new.edge_id, new.side, new.ordinal, new.node_id))
  execute function inventory.keep_edge_end_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.edge_end referencing old table as was
  for each statement execute function inventory.keep_edge_end_past();
--> statement-breakpoint
-- A part without a version: what it was counts from since to now, and what it is from now.
create function inventory.keep_external_id_past() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
begin
  if tg_op = 'DELETE' then
    insert into external_id_past (until_at, source, external_id, resource_type, resource_id, since) select now(), w.source, w.external_id, w.resource_type, w.resource_id, w.since from was w where w.since < now();
    return null;
  end if;
  if old.since < now() then
    insert into external_id_past (until_at, source, external_id, resource_type, resource_id, since) values (now(), old.source, old.external_id, old.resource_type, old.resource_id, old.since);
  end if;
  new.since := now();
  return new;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_external_id_past() from public;
--> statement-breakpoint
create trigger keeps_its_past before update on inventory.external_id for each row when ((old.source, old.external_id, old.resource_id) is distinct from (new.source, new.external_id, new.resource_id))
  execute function inventory.keep_external_id_past();
--> statement-breakpoint
create trigger keeps_its_past_when_gone after delete on inventory.external_id referencing old table as was
  for each statement execute function inventory.keep_external_id_past();
--> statement-breakpoint
revoke insert, update, delete on inventory.node_past, inventory.edge_past, inventory.edge_end_past, inventory.address_space_past,
  inventory.address_block_past, inventory.address_past, inventory.number_domain_past, inventory.number_past, inventory.external_id_past,
  inventory.allocation_past, inventory.allocation_item_past, inventory.past_begins from inventory_app;
--> statement-breakpoint
-- What of it a tenant may see is decided by the verb, with what it sees now.
revoke select on inventory.node_past, inventory.edge_past, inventory.edge_end_past, inventory.address_space_past, inventory.address_block_past,
  inventory.address_past, inventory.number_domain_past, inventory.number_past, inventory.external_id_past from inventory_read;
--> statement-breakpoint
alter table inventory.allocation_past enable row level security;
--> statement-breakpoint
create policy allocation_past_app_all on inventory.allocation_past for all to inventory_app using (true) with check (true);
--> statement-breakpoint
create policy allocation_past_platform_reads_all on inventory.allocation_past for select to inventory_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy allocation_past_read_own_tenant on inventory.allocation_past for select to inventory_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table inventory.allocation_item_past enable row level security;
--> statement-breakpoint
create policy allocation_item_past_app_all on inventory.allocation_item_past for all to inventory_app using (true) with check (true);
--> statement-breakpoint
create policy allocation_item_past_platform_reads_all on inventory.allocation_item_past for select to inventory_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy allocation_item_past_read_own_tenant on inventory.allocation_item_past for select to inventory_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
