-- lock: there is no release yet whose tables would be large
DROP INDEX "task"."feed_unnumbered";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "feed_unnumbered" ON "task"."feed" USING btree ("seq") WHERE "task"."feed"."pos" is null;