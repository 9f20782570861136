-- lock: there is no release yet whose tables would be large
DROP INDEX "audit"."feed_unnumbered";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "feed_unnumbered" ON "audit"."feed" USING btree ("seq") WHERE "audit"."feed"."pos" is null;