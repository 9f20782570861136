ALTER TABLE "inventory"."allocation" ADD COLUMN "notice_seconds" integer;--> statement-breakpoint
ALTER TABLE "inventory"."allocation" ADD COLUMN "notice_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "inventory"."allocation" ADD COLUMN "noticed_at" timestamp with time zone;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_notice" ON "inventory"."allocation" USING btree ("notice_at") WHERE "inventory"."allocation"."notice_at" is not null and "inventory"."allocation"."noticed_at" is null and "inventory"."allocation"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation" ADD CONSTRAINT "allocation_notice_in_its_window" CHECK ("inventory"."allocation"."notice_at" between "inventory"."allocation"."starts_at" and "inventory"."allocation"."expires_at");