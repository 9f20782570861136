ALTER TABLE "inventory"."import" ADD COLUMN "may_make_tenants" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."import" ADD COLUMN "tries" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- lock: there is no release yet that uses it
ALTER TABLE "inventory"."address" DROP COLUMN "external_tenant";--> statement-breakpoint
-- lock: there is no release yet that uses it
ALTER TABLE "inventory"."address_block" DROP COLUMN "external_tenant";--> statement-breakpoint
-- lock: there is no release yet that uses it
ALTER TABLE "inventory"."address_range" DROP COLUMN "external_tenant";--> statement-breakpoint
-- lock: there is no release yet that uses it
ALTER TABLE "inventory"."address_space" DROP COLUMN "external_tenant";--> statement-breakpoint
-- lock: there is no release yet that uses it
ALTER TABLE "inventory"."node" DROP COLUMN "external_tenant";--> statement-breakpoint
-- lock: there is no release yet that uses it
ALTER TABLE "inventory"."number" DROP COLUMN "external_tenant";--> statement-breakpoint
-- A tenant of a source is a tenant of tenancy; where a node of the kind was imported, the kind stays with it.
delete from inventory.kind k where k.key = 'external-tenant' and not exists (select from inventory.node n where n.kind = k.key);
