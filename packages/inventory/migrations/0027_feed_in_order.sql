-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."feed_unnumbered";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "feed_unnumbered" ON "inventory"."feed" USING btree ("seq") WHERE "inventory"."feed"."pos" is null;