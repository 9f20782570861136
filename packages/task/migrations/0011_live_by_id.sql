-- lock: there is no release yet whose tables would be large
DROP INDEX "task"."task_live";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "task_live" ON "task"."task" USING btree ("state","id") WHERE finished_at is null;