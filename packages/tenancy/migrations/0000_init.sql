CREATE SCHEMA "tenancy";
--> statement-breakpoint
CREATE TABLE "tenancy"."feed" (
	"id" uuid NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "tenancy"."feed_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pos" bigint,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	"type" text NOT NULL,
	"resource_type" text NOT NULL,
	"resource_id" uuid NOT NULL,
	"resource_version" bigint NOT NULL,
	"tenant_id" uuid,
	"project_id" uuid,
	"environment_id" uuid,
	"event" jsonb,
	"audit" jsonb,
	"traceparent" text,
	"causation" text,
	"dead_reason" text,
	CONSTRAINT "feed_key" PRIMARY KEY("id","recorded_at"),
	CONSTRAINT "feed_version_counts" CHECK ("tenancy"."feed"."resource_version" > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."idempotency" (
	"scope" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"minted_id" uuid,
	"result" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone DEFAULT now() + interval '24 hours' NOT NULL,
	CONSTRAINT "idempotency_key_once" PRIMARY KEY("scope","key")
);
--> statement-breakpoint
CREATE TABLE "tenancy"."inbox" (
	"consumer" text NOT NULL,
	"message_id" text NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_message_once" PRIMARY KEY("consumer","message_id")
);
--> statement-breakpoint
CREATE TABLE "tenancy"."lease" (
	"name" text PRIMARY KEY NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"until" timestamp with time zone DEFAULT now() NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "lease_counts_up" CHECK ("tenancy"."lease"."epoch" >= 0 and "tenancy"."lease"."position" >= 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."operation" (
	"op" uuid PRIMARY KEY NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"undo_attempt" integer DEFAULT 0 NOT NULL,
	"state" text NOT NULL,
	"tombstone" boolean DEFAULT false NOT NULL,
	"want_undo" boolean DEFAULT false NOT NULL,
	"input" jsonb,
	"result" jsonb,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "operation_state_known" CHECK ("tenancy"."operation"."state" in ('doing', 'done', 'failed', 'undoing', 'undone')),
	CONSTRAINT "operation_undo_leaves_tombstone" CHECK ("tenancy"."operation"."state" not in ('undoing', 'undone') or "tenancy"."operation"."tombstone")
);
--> statement-breakpoint
CREATE TABLE "tenancy"."outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tenancy"."outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"lane" smallint NOT NULL,
	"aggregate" text NOT NULL,
	"operation" text,
	"subject" text NOT NULL,
	"message_id" text NOT NULL,
	"headers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"body" jsonb NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"not_before" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "outbox_lane_known" CHECK ("tenancy"."outbox"."lane" between 0 and 7)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."scope" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"parent_id" uuid,
	"parent_kind" text,
	"tenant_id" uuid,
	"project_id" uuid,
	"parent_tenant_id" uuid GENERATED ALWAYS AS (case when kind in ('project', 'environment') then tenant_id end) STORED,
	"name" text NOT NULL,
	"display_name" text,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"annotations" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"state" text DEFAULT 'active' NOT NULL,
	"class" text,
	"expires_at" timestamp with time zone,
	"protected" boolean DEFAULT false NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	"purge_at" timestamp with time zone,
	CONSTRAINT "scope_id_kind" UNIQUE("id","kind"),
	CONSTRAINT "scope_id_tenant" UNIQUE("id","tenant_id"),
	CONSTRAINT "scope_name_unique_under_parent" UNIQUE("parent_id","name"),
	CONSTRAINT "scope_kind" CHECK (kind in ('platform', 'tenant', 'project', 'environment')),
	CONSTRAINT "scope_parent_kind" CHECK ((parent_id is null) = (kind = 'platform') and parent_kind is not distinct from
        (case kind when 'tenant' then 'platform' when 'project' then 'tenant' when 'environment' then 'project' end)),
	CONSTRAINT "scope_tenant_is_its_own" CHECK ((kind = 'tenant') = (tenant_id is not distinct from id)),
	CONSTRAINT "scope_platform_has_no_tenant" CHECK ((kind = 'platform') = (tenant_id is null)),
	CONSTRAINT "scope_project_is_right" CHECK (project_id is not distinct from (case kind when 'project' then id when 'environment' then parent_id end)),
	CONSTRAINT "scope_name" CHECK (name ~ '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'),
	CONSTRAINT "scope_state" CHECK (state in ('active', 'suspended', 'deleting', 'deleted')),
	CONSTRAINT "scope_platform_stays" CHECK (kind <> 'platform' or state = 'active'),
	CONSTRAINT "scope_deleted_has_purge" CHECK ((state = 'deleted') = (deleted_at is not null) and (state = 'deleted') = (purge_at is not null)),
	CONSTRAINT "scope_class" CHECK (class in ('production', 'staging', 'development', 'ephemeral')),
	CONSTRAINT "scope_environment_fields" CHECK ((kind = 'environment') = (class is not null)
        and (expires_at is not null) = (class is not distinct from 'ephemeral')
        and (kind = 'environment' or not protected)),
	CONSTRAINT "scope_labels_are_objects" CHECK (jsonb_typeof(labels) = 'object' and jsonb_typeof(annotations) = 'object'),
	CONSTRAINT "scope_version" CHECK (version > 0)
);
--> statement-breakpoint
ALTER TABLE "tenancy"."scope" ADD CONSTRAINT "scope_parent_is_what_it_says" FOREIGN KEY ("parent_id","parent_kind") REFERENCES "tenancy"."scope"("id","kind") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."scope" ADD CONSTRAINT "scope_stays_in_tenant" FOREIGN KEY ("parent_id","parent_tenant_id") REFERENCES "tenancy"."scope"("id","tenant_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "feed_unnumbered" ON "tenancy"."feed" USING btree ("xid","seq") WHERE "tenancy"."feed"."pos" is null;--> statement-breakpoint
CREATE INDEX "idempotency_expiry" ON "tenancy"."idempotency" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "inbox_age" ON "tenancy"."inbox" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "operation_unfinished" ON "tenancy"."operation" USING btree ("updated_at") WHERE "tenancy"."operation"."state" in ('doing', 'undoing');--> statement-breakpoint
CREATE INDEX "outbox_lane_order" ON "tenancy"."outbox" USING btree ("lane","id");--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_operation_once" ON "tenancy"."outbox" USING btree ("operation") WHERE "tenancy"."outbox"."operation" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "scope_one_platform" ON "tenancy"."scope" USING btree ("kind") WHERE kind = 'platform';