CREATE TABLE "inventory"."quota_use" (
	"scope_id" uuid NOT NULL,
	"dimension" text NOT NULL,
	"used" bigint DEFAULT 0 NOT NULL,
	"cap" bigint,
	"over_by" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "quota_use_once" PRIMARY KEY("scope_id","dimension"),
	CONSTRAINT "quota_use_counts" CHECK ("inventory"."quota_use"."used" >= 0 and "inventory"."quota_use"."over_by" >= 0),
	CONSTRAINT "quota_use_within_cap" CHECK ("inventory"."quota_use"."used" <= "inventory"."quota_use"."cap" + "inventory"."quota_use"."over_by")
);
--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD COLUMN "dimension" text;--> statement-breakpoint
ALTER TABLE "inventory"."scope_view" ADD COLUMN "exemptions" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."scope_view" ADD COLUMN "limits" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."scope_view" ADD COLUMN "policy_version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_project" ON "inventory"."allocation" USING btree ("project_id","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_by_tenant_end" ON "inventory"."allocation_item" USING btree ("tenant_id","ended_at");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_view_with_holds" ON "inventory"."scope_view" USING btree ("id") WHERE holds <> '[]'::jsonb;