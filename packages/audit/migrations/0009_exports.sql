CREATE TABLE "audit"."export_file" (
	"export_id" uuid NOT NULL,
	"name" text NOT NULL,
	"lines" bigint NOT NULL,
	"sha256" text NOT NULL,
	"content" "bytea" NOT NULL,
	CONSTRAINT "export_file_key" PRIMARY KEY("export_id","name"),
	CONSTRAINT "export_file_bounded" CHECK (length("audit"."export_file"."content") <= 67108864)
);
--> statement-breakpoint
CREATE TABLE "audit"."export_progress" (
	"export_id" uuid PRIMARY KEY NOT NULL,
	"log_id" uuid NOT NULL,
	"signed" jsonb NOT NULL,
	"next_seq" bigint NOT NULL,
	"first_seq" bigint,
	"last_seq" bigint,
	"parts" bigint DEFAULT 0 NOT NULL,
	"records" bigint DEFAULT 0 NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."export" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"tenant_id" uuid NOT NULL,
	"project_id" uuid,
	"environment_id" uuid,
	"state" text DEFAULT 'waiting' NOT NULL,
	"filter" jsonb NOT NULL,
	"format" text NOT NULL,
	"personal" boolean NOT NULL,
	"created_by" text NOT NULL,
	"records" bigint DEFAULT 0 NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "export_state_known" CHECK ("audit"."export"."state" in ('waiting', 'ready', 'cancelled', 'expired', 'deleted')),
	CONSTRAINT "export_format_known" CHECK ("audit"."export"."format" in ('ndjson', 'ocsf'))
);
--> statement-breakpoint
CREATE TABLE "audit"."publication" (
	"log_id" uuid PRIMARY KEY NOT NULL,
	"next_seq" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audit"."export_file" ADD CONSTRAINT "export_file_of" FOREIGN KEY ("export_id") REFERENCES "audit"."export"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit"."export_progress" ADD CONSTRAINT "export_progress_of" FOREIGN KEY ("export_id") REFERENCES "audit"."export"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "export_by_tenant" ON "audit"."export" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "export_due" ON "audit"."export" USING btree ("expires_at") WHERE "audit"."export"."state" in ('waiting', 'ready');--> statement-breakpoint
create trigger version_moves_by_one before update on "audit"."export" for each row execute function "audit".feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "audit"."export" deferrable initially deferred
  for each row execute function "audit".feed_guard_id();
--> statement-breakpoint
-- Packed already: a piece of it is read without the rest.
alter table audit.export_file alter column content set storage external;
--> statement-breakpoint
grant insert, update on audit.export, audit.export_progress to audit_app;
--> statement-breakpoint
grant insert on audit.export_file to audit_app;
--> statement-breakpoint
grant delete on audit.export_progress, audit.export_file to audit_app;
--> statement-breakpoint
-- Files are given by who has looked at the export first, and told as the audit reader that he is.
revoke select on audit.export_file from audit_read;
--> statement-breakpoint
alter table audit.export enable row level security;
--> statement-breakpoint
create policy export_app_all on audit.export for all to audit_app using (true) with check (true);
--> statement-breakpoint
create policy export_platform_reads_all on audit.export for select to audit_platform using (true);
--> statement-breakpoint
create policy export_read_own_tenant on audit.export for select to audit_read using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table audit.export_progress enable row level security;
--> statement-breakpoint
create policy export_progress_app_all on audit.export_progress for all to audit_app using (true) with check (true);
--> statement-breakpoint
create policy export_progress_platform_reads_all on audit.export_progress for select to audit_platform using (true);
--> statement-breakpoint
create policy export_progress_read_own_tenant on audit.export_progress for select to audit_read using (export_id in (select id from audit.export));
--> statement-breakpoint
grant insert, update on audit.publication to audit_app;
--> statement-breakpoint
revoke select on audit.publication from audit_read;
--> statement-breakpoint
-- What was on record before there was anything to hear it is read at audit.
insert into audit.publication (log_id, next_seq) select id, size from audit.log where kind <> 'heads';
