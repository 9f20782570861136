CREATE TABLE "inventory"."platform_resource" (
	"node_id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"tenant_id" uuid NOT NULL,
	"project_id" uuid,
	"scope_id" uuid NOT NULL,
	"task_id" uuid NOT NULL,
	"allocation_id" uuid NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "platform_resource_kind_known" CHECK ("inventory"."platform_resource"."kind" in ('network', 'machine', 'cluster', 'bucket'))
);
--> statement-breakpoint
ALTER TABLE "inventory"."platform_resource" ADD CONSTRAINT "platform_resource_of_its_node" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."platform_resource" ADD CONSTRAINT "platform_resource_allocation_exists" FOREIGN KEY ("allocation_id") REFERENCES "inventory"."allocation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "platform_resource_name_once" ON "inventory"."platform_resource" USING btree ("scope_id","kind","name") WHERE "inventory"."platform_resource"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "platform_resource_by_scope" ON "inventory"."platform_resource" USING btree ("scope_id","node_id") WHERE "inventory"."platform_resource"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "platform_resource_by_project" ON "inventory"."platform_resource" USING btree ("project_id","node_id") WHERE "inventory"."platform_resource"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "platform_resource_by_tenant" ON "inventory"."platform_resource" USING btree ("tenant_id","node_id") WHERE "inventory"."platform_resource"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "platform_resource_by_allocation" ON "inventory"."platform_resource" USING btree ("allocation_id") WHERE "inventory"."platform_resource"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "platform_resource_by_task" ON "inventory"."platform_resource" USING btree ("task_id") WHERE "inventory"."platform_resource"."ended_at" is null;