CREATE TABLE "task"."scope_view" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"parent_id" uuid,
	"tenant_id" uuid,
	"state" text NOT NULL,
	"version" integer NOT NULL,
	"policy_bindings" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"holds" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"exemptions" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"limits" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"policy_version" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scope_view_kind_known" CHECK ("task"."scope_view"."kind" in ('platform', 'tenant', 'project', 'environment')),
	CONSTRAINT "scope_view_state_known" CHECK ("task"."scope_view"."state" in ('active', 'suspended', 'deleting', 'deleted'))
);
--> statement-breakpoint
CREATE INDEX "scope_view_by_held" ON "task"."scope_view" USING gin ("holds" jsonb_path_ops) WHERE holds <> '[]'::jsonb;--> statement-breakpoint
CREATE INDEX "scope_view_by_parent" ON "task"."scope_view" USING btree ("parent_id","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "task_living" ON "task"."task" USING btree ("tenant_id","environment_id","project_id") WHERE finished_at is null;