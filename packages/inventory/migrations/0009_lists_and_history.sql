CREATE TABLE "inventory"."node_history" (
	"node_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"type" text NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	"principal_id" text,
	"principal_type" text,
	"state" jsonb,
	CONSTRAINT "node_history_once_a_version" PRIMARY KEY("node_id","version")
);
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."node_by_name";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_block_resting" ON "inventory"."address_block" USING btree ("parent_id") WHERE "inventory"."address_block"."reusable_at" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_space_by_name" ON "inventory"."address_space" USING btree (name collate "C","id") WHERE "inventory"."address_space"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_created" ON "inventory"."allocation" USING btree ("created_at","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_by_created" ON "inventory"."node" USING btree ("created_at","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "number_domain_by_name" ON "inventory"."number_domain" USING btree (name collate "C","id") WHERE "inventory"."number_domain"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_by_name" ON "inventory"."node" USING btree (coalesce(name, '') collate "C","id");