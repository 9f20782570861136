-- lock: there is no release yet whose tables would be large
DROP INDEX "task"."task_queue";--> statement-breakpoint
ALTER TABLE "task"."task" ADD COLUMN "parent_place" text;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "task_by_parent_step" ON "task"."task" USING btree ("parent_step_id") WHERE parent_step_id is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "task_queue" ON "task"."task" USING btree ("tenant_id",(parent_task_id is null),"priority" DESC NULLS LAST,"id") WHERE state = 'queued' and hold is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "task"."task" ADD CONSTRAINT "task_child_has_place" CHECK ((parent_task_id is null) = (parent_place is null) and (parent_step_id is null) = (parent_place is null));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "task"."task" ADD CONSTRAINT "task_child_place" CHECK (parent_place ~ '^(do|undo):[0-9]+:[0-9]+$');
