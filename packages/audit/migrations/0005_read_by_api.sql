ALTER TABLE "audit"."record" ADD COLUMN "request_id" uuid;
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "record_by_project" ON "audit"."record" USING btree ("project_id","id") WHERE "audit"."record"."project_id" is not null;
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "record_by_environment" ON "audit"."record" USING btree ("environment_id","id") WHERE "audit"."record"."environment_id" is not null;
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "record_by_request" ON "audit"."record" USING btree ("request_id","id") WHERE "audit"."record"."request_id" is not null;