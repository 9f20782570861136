CREATE TABLE "inventory"."trait" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"title" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "trait_key_once" UNIQUE("key"),
	CONSTRAINT "trait_key_is_kebab_case" CHECK ("inventory"."trait"."key" ~ '^[a-z][a-z0-9-]{0,62}$')
);
--> statement-breakpoint
CREATE TABLE "inventory"."node_trait" (
	"trait" text NOT NULL,
	"node_id" uuid NOT NULL,
	CONSTRAINT "node_trait_once" PRIMARY KEY("trait","node_id")
);
--> statement-breakpoint
CREATE TABLE "inventory"."pool" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"tenant_id" uuid,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "pool_labels_are_an_object" CHECK (jsonb_typeof("inventory"."pool"."labels") = 'object')
);
--> statement-breakpoint
CREATE TABLE "inventory"."pool_member" (
	"pool_id" uuid NOT NULL,
	"node_id" uuid NOT NULL,
	"shares" boolean DEFAULT false NOT NULL,
	CONSTRAINT "pool_member_once" PRIMARY KEY("pool_id","node_id")
);
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."resource_class" ADD COLUMN "id" uuid DEFAULT gen_random_uuid() NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."node_trait" ADD CONSTRAINT "node_trait_is_registered" FOREIGN KEY ("trait") REFERENCES "inventory"."trait"("key") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."node_trait" ADD CONSTRAINT "node_trait_of_its_node" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."pool_member" ADD CONSTRAINT "pool_member_of_its_pool" FOREIGN KEY ("pool_id") REFERENCES "inventory"."pool"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."pool_member" ADD CONSTRAINT "pool_member_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "node_trait_by_node" ON "inventory"."node_trait" USING btree ("node_id");--> statement-breakpoint
CREATE INDEX "pool_by_tenant" ON "inventory"."pool" USING btree ("tenant_id") WHERE "inventory"."pool"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "pool_by_name" ON "inventory"."pool" USING btree (name collate "C","id") WHERE "inventory"."pool"."ended_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "pool_name_once" ON "inventory"."pool" USING btree (coalesce("tenant_id", '00000000-0000-0000-0000-000000000000'::uuid),"name") WHERE "inventory"."pool"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "pool_member_by_node" ON "inventory"."pool_member" USING btree ("node_id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "capacity_by_class" ON "inventory"."capacity" USING btree ("class","node_id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."resource_class" ADD CONSTRAINT "resource_class_id_once" UNIQUE("id");