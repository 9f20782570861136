CREATE TABLE "tenancy"."deny_rule" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope_id" uuid NOT NULL,
	"scope_kind" text NOT NULL,
	"tenant_id" uuid,
	"permissions" text[] NOT NULL,
	"subjects" jsonb,
	"exceptions" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "deny_rule_scope_kind" CHECK (scope_kind in ('platform', 'tenant')),
	CONSTRAINT "deny_rule_names_something" CHECK (cardinality(permissions) > 0),
	CONSTRAINT "deny_rule_subjects" CHECK ((subjects is null or jsonb_typeof(subjects) = 'array') and jsonb_typeof(exceptions) = 'array'),
	CONSTRAINT "deny_rule_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."role_binding" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope_id" uuid NOT NULL,
	"scope_kind" text NOT NULL,
	"tenant_id" uuid,
	"role" text NOT NULL,
	"principal_id" uuid,
	"group_issuer" text,
	"group_name" text,
	"created_by" text NOT NULL,
	"expires_at" timestamp with time zone,
	"reason" text,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "role_binding_one_subject" CHECK ((principal_id is null) = (group_name is not null) and (group_name is null) = (group_issuer is null)),
	CONSTRAINT "role_binding_where_the_role_goes" CHECK (case
        when role in ('platform-admin', 'platform-operator', 'platform-viewer') then scope_kind = 'platform'
        when role = 'break-glass' then scope_kind = 'tenant'
        when role = 'owner' then scope_kind in ('tenant', 'project')
        when role in ('admin', 'editor', 'allocator', 'viewer', 'auditor') then scope_kind in ('tenant', 'project', 'environment')
        else false end),
	CONSTRAINT "role_binding_break_glass_is_short" CHECK (role <> 'break-glass' or (coalesce(expires_at <= created_at + interval '4 hours', false) and reason is not null)),
	CONSTRAINT "role_binding_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."hold" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope_id" uuid NOT NULL,
	"tenant_id" uuid,
	"resource_id" text,
	"origin" text NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" timestamp with time zone,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "hold_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."policy" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope_id" uuid NOT NULL,
	"tenant_id" uuid,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "policy_once_per_scope" UNIQUE("scope_id"),
	CONSTRAINT "policy_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."policy_binding" (
	"id" uuid PRIMARY KEY NOT NULL,
	"policy_id" uuid NOT NULL,
	"scope_id" uuid NOT NULL,
	"tenant_id" uuid,
	"key" text NOT NULL,
	"value" jsonb NOT NULL,
	"lock" text NOT NULL,
	"mode" text NOT NULL,
	CONSTRAINT "policy_binding_key_once" UNIQUE("scope_id","key"),
	CONSTRAINT "policy_binding_lock" CHECK (lock in ('default', 'override')),
	CONSTRAINT "policy_binding_mode" CHECK (mode in ('enforce', 'audit'))
);
--> statement-breakpoint
CREATE TABLE "tenancy"."policy_exemption" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope_id" uuid NOT NULL,
	"tenant_id" uuid,
	"key" text NOT NULL,
	"reason" text NOT NULL,
	"approved_by" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "policy_exemption_once" UNIQUE("scope_id","key"),
	CONSTRAINT "policy_exemption_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."installation" (
	"one" boolean DEFAULT true NOT NULL,
	"access_epoch" bigint DEFAULT 0 NOT NULL,
	"policy_version" bigint DEFAULT 0 NOT NULL,
	"overridden_at" timestamp with time zone,
	"production_since" timestamp with time zone,
	CONSTRAINT "installation_once" PRIMARY KEY("one"),
	CONSTRAINT "installation_one_row" CHECK (one)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."principal" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"scope_id" uuid,
	"tenant_id" uuid,
	"name" text,
	"display_name" text,
	"state" text DEFAULT 'active' NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "principal_kind" CHECK (kind in ('user', 'service')),
	CONSTRAINT "principal_state" CHECK (state in ('active', 'disabled', 'removed') and (kind = 'service' or state <> 'removed')),
	CONSTRAINT "principal_service_fields" CHECK ((kind = 'service') = (scope_id is not null) and (kind = 'service') = (name is not null) and (kind = 'service' or tenant_id is null)),
	CONSTRAINT "principal_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."token" (
	"id" uuid PRIMARY KEY NOT NULL,
	"service_account_id" uuid NOT NULL,
	"tenant_id" uuid,
	"name" text NOT NULL,
	"permissions" text[],
	"scope_id" uuid,
	"created_by" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"revoked_at" timestamp with time zone,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "token_lives_a_year_at_most" CHECK (expires_at <= created_at + interval '365 days 1 minute'),
	CONSTRAINT "token_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."token_secret" (
	"token_id" uuid PRIMARY KEY NOT NULL,
	"sha256" "bytea" NOT NULL,
	CONSTRAINT "token_secret_length" CHECK (octet_length(sha256) = 32)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."token_use" (
	"token_id" uuid PRIMARY KEY NOT NULL,
	"used_at" timestamp with time zone NOT NULL,
	"address" text
);
--> statement-breakpoint
CREATE TABLE "tenancy"."quota_limit" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope_id" uuid NOT NULL,
	"scope_kind" text NOT NULL,
	"tenant_id" uuid,
	"dimension" text NOT NULL,
	"bound" bigint NOT NULL,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "quota_limit_once" UNIQUE("scope_id","dimension"),
	CONSTRAINT "quota_limit_counts" CHECK (bound >= 0),
	CONSTRAINT "quota_limit_version" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."quota_use" (
	"scope_id" uuid NOT NULL,
	"dimension" text NOT NULL,
	"used" bigint DEFAULT 0 NOT NULL,
	"cap" bigint,
	"over_by" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "quota_use_once" PRIMARY KEY("scope_id","dimension"),
	CONSTRAINT "quota_use_counts" CHECK (used >= 0 and over_by >= 0),
	CONSTRAINT "quota_use_within_cap" CHECK (used <= cap + over_by)
);
--> statement-breakpoint
CREATE TABLE "tenancy"."scope_key" (
	"source" text NOT NULL,
	"external_id" text NOT NULL,
	"scope_id" uuid NOT NULL,
	CONSTRAINT "scope_key_once_per_source" PRIMARY KEY("source","external_id")
);
--> statement-breakpoint
ALTER TABLE "tenancy"."scope" ADD COLUMN "reverts_to" text;--> statement-breakpoint
ALTER TABLE "tenancy"."scope" ADD COLUMN "policy_version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tenancy"."deny_rule" ADD CONSTRAINT "deny_rule_scope_exists" FOREIGN KEY ("scope_id","scope_kind") REFERENCES "tenancy"."scope"("id","kind") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."role_binding" ADD CONSTRAINT "role_binding_scope_exists" FOREIGN KEY ("scope_id","scope_kind") REFERENCES "tenancy"."scope"("id","kind") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."role_binding" ADD CONSTRAINT "role_binding_principal_exists" FOREIGN KEY ("principal_id") REFERENCES "tenancy"."principal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."hold" ADD CONSTRAINT "hold_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."policy" ADD CONSTRAINT "policy_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."policy_binding" ADD CONSTRAINT "policy_binding_of_its_policy" FOREIGN KEY ("policy_id") REFERENCES "tenancy"."policy"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."policy_exemption" ADD CONSTRAINT "policy_exemption_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."principal" ADD CONSTRAINT "principal_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."token" ADD CONSTRAINT "token_account_exists" FOREIGN KEY ("service_account_id") REFERENCES "tenancy"."principal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."token" ADD CONSTRAINT "token_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."token_secret" ADD CONSTRAINT "token_secret_of_its_token" FOREIGN KEY ("token_id") REFERENCES "tenancy"."token"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."token_use" ADD CONSTRAINT "token_use_of_its_token" FOREIGN KEY ("token_id") REFERENCES "tenancy"."token"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."quota_limit" ADD CONSTRAINT "quota_limit_scope_exists" FOREIGN KEY ("scope_id","scope_kind") REFERENCES "tenancy"."scope"("id","kind") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."quota_use" ADD CONSTRAINT "quota_use_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tenancy"."scope_key" ADD CONSTRAINT "scope_key_scope_exists" FOREIGN KEY ("scope_id") REFERENCES "tenancy"."scope"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "deny_rule_by_scope" ON "tenancy"."deny_rule" USING btree ("scope_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "role_binding_once_per_principal" ON "tenancy"."role_binding" USING btree ("scope_id","role","principal_id") WHERE principal_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "role_binding_once_per_group" ON "tenancy"."role_binding" USING btree ("scope_id","role","group_issuer","group_name") WHERE principal_id is null;--> statement-breakpoint
CREATE INDEX "role_binding_by_principal" ON "tenancy"."role_binding" USING btree ("principal_id");--> statement-breakpoint
CREATE INDEX "role_binding_by_group" ON "tenancy"."role_binding" USING btree ("group_issuer","group_name");--> statement-breakpoint
CREATE INDEX "role_binding_by_scope" ON "tenancy"."role_binding" USING btree ("scope_id","id");--> statement-breakpoint
CREATE INDEX "hold_by_scope" ON "tenancy"."hold" USING btree ("scope_id","id");--> statement-breakpoint
CREATE INDEX "policy_exemption_by_expiry" ON "tenancy"."policy_exemption" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "principal_once_per_issuer" ON "tenancy"."principal" USING btree ("issuer","subject");--> statement-breakpoint
CREATE UNIQUE INDEX "principal_name_once_in_scope" ON "tenancy"."principal" USING btree ("scope_id","name") WHERE kind = 'service' and state <> 'removed';--> statement-breakpoint
CREATE INDEX "token_by_account" ON "tenancy"."token" USING btree ("service_account_id","id");--> statement-breakpoint
CREATE INDEX "quota_limit_by_scope" ON "tenancy"."quota_limit" USING btree ("scope_id","id");--> statement-breakpoint
-- lock: a handful of scopes exist before the first release with verbs that make them
ALTER TABLE "tenancy"."scope" ADD CONSTRAINT "scope_deleting_can_revert" CHECK ((state = 'deleting') = (reverts_to is not null) and reverts_to in ('active', 'suspended'));