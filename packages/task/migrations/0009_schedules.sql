-- lock: no release yet stores schedules
DROP INDEX "task"."schedule_due";--> statement-breakpoint
-- lock: no release yet stores schedules
ALTER TABLE "task"."schedule" DROP COLUMN "next_at";--> statement-breakpoint
-- lock: no release yet stores schedules
ALTER TABLE "task"."schedule" DROP COLUMN "last_task_id";--> statement-breakpoint
CREATE TABLE "task"."schedule_run" (
	"schedule_id" uuid PRIMARY KEY NOT NULL,
	"next_at" timestamp with time zone,
	"last_at" timestamp with time zone,
	"last_outcome" text,
	"last_task_id" uuid,
	"last_problem" jsonb,
	CONSTRAINT "schedule_run_outcome_known" CHECK (last_outcome in ('started', 'skipped', 'refused'))
);
--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "project_id" uuid;--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "environment_id" uuid;--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "name" text NOT NULL;--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "held" jsonb;--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "owner" jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "created_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "task"."schedule" ADD COLUMN "updated_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "task"."finding" ADD COLUMN "decided_by" jsonb;--> statement-breakpoint
ALTER TABLE "task"."schedule_run" ADD CONSTRAINT "schedule_run_schedule_exists" FOREIGN KEY ("schedule_id") REFERENCES "task"."schedule"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "schedule_run_due" ON "task"."schedule_run" USING btree ("next_at") WHERE next_at is not null;--> statement-breakpoint
-- lock: no release yet stores schedules
CREATE UNIQUE INDEX "schedule_name_once_a_scope" ON "task"."schedule" USING btree ("tenant_id",coalesce(environment_id, project_id, tenant_id),"name");--> statement-breakpoint
-- lock: no release yet stores schedules
ALTER TABLE "task"."schedule" ADD CONSTRAINT "schedule_held_is_stopped" CHECK (held is null or not enabled);
--> statement-breakpoint
-- A tenant principal reads its schedules with their runs.
alter table task.schedule_run enable row level security;
--> statement-breakpoint
create policy schedule_run_app_all on task.schedule_run for all to task_app using (true) with check (true);
--> statement-breakpoint
create policy schedule_run_platform_reads_all on task.schedule_run for select to task_platform using (true);
--> statement-breakpoint
-- The policy of the schedule holds inside: what is not the tenant's is not there.
create policy schedule_run_read_own_tenant on task.schedule_run for select to task_read
  using (exists (select from task.schedule s where s.id = schedule_id));
