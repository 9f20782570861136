-- lock: there is no release yet whose tables would be large
DROP INDEX "tenancy"."feed_unnumbered";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "feed_unnumbered" ON "tenancy"."feed" USING btree ("seq") WHERE "tenancy"."feed"."pos" is null;