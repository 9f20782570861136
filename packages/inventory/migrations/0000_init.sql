CREATE SCHEMA "inventory";
--> statement-breakpoint
CREATE SEQUENCE "inventory"."allocation_fence" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "inventory"."address" (
	"id" uuid PRIMARY KEY NOT NULL,
	"space_id" uuid NOT NULL,
	"host" "inet" NOT NULL,
	"prefix_length" integer NOT NULL,
	"occupies" boolean DEFAULT true NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"external_tenant" jsonb,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_host_without_mask" CHECK (masklen("inventory"."address"."host") = masklen(host("inventory"."address"."host")::inet)),
	CONSTRAINT "address_prefix_length_in_bounds" CHECK ("inventory"."address"."prefix_length" between 0 and masklen("inventory"."address"."host"))
);
--> statement-breakpoint
CREATE TABLE "inventory"."address_block" (
	"id" uuid PRIMARY KEY NOT NULL,
	"space_id" uuid NOT NULL,
	"parent_id" uuid,
	"parent_cidr" "cidr",
	"cidr" "cidr" NOT NULL,
	"is_pool" boolean DEFAULT false NOT NULL,
	"mark_utilized" boolean DEFAULT false NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"external_tenant" jsonb,
	"ended_at" timestamp with time zone,
	"reusable_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_block_as_its_children_see_it" UNIQUE("space_id","id","cidr"),
	CONSTRAINT "address_block_parent_is_complete" CHECK (("inventory"."address_block"."parent_id" is null) = ("inventory"."address_block"."parent_cidr" is null)),
	CONSTRAINT "address_block_inside_its_parent" CHECK ("inventory"."address_block"."cidr" << "inventory"."address_block"."parent_cidr"),
	CONSTRAINT "address_block_status_named" CHECK ("inventory"."address_block"."status" ~ '^[a-z][a-z0-9_-]{0,62}$')
);
--> statement-breakpoint
CREATE TABLE "inventory"."address_hold" (
	"space_id" uuid NOT NULL,
	"host" "inet" NOT NULL,
	"address_id" uuid,
	"item_id" uuid,
	"free_at" timestamp with time zone DEFAULT 'infinity'::timestamptz NOT NULL,
	CONSTRAINT "address_held_once" PRIMARY KEY("space_id","host"),
	CONSTRAINT "address_hold_without_mask" CHECK (masklen("inventory"."address_hold"."host") = masklen(host("inventory"."address_hold"."host")::inet)),
	CONSTRAINT "address_hold_has_one_holder" CHECK (num_nonnulls("inventory"."address_hold"."address_id", "inventory"."address_hold"."item_id") <= 1)
);
--> statement-breakpoint
CREATE TABLE "inventory"."address_range" (
	"id" uuid PRIMARY KEY NOT NULL,
	"space_id" uuid NOT NULL,
	"first_host" "inet" NOT NULL,
	"last_host" "inet" NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"external_tenant" jsonb,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_range_runs_upwards" CHECK (family("inventory"."address_range"."first_host") = family("inventory"."address_range"."last_host") and "inventory"."address_range"."first_host" <= "inventory"."address_range"."last_host" and masklen("inventory"."address_range"."first_host") = masklen(host("inventory"."address_range"."first_host")::inet) and masklen("inventory"."address_range"."last_host") = masklen(host("inventory"."address_range"."last_host")::inet))
);
--> statement-breakpoint
CREATE TABLE "inventory"."address_space" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"name_exclusive" boolean DEFAULT false NOT NULL,
	"cool_down_seconds" integer DEFAULT 0 NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"tenant_id" uuid,
	"external_tenant" jsonb,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "address_space_cool_down_in_bounds" CHECK ("inventory"."address_space"."cool_down_seconds" between 0 and 31536000)
);
--> statement-breakpoint
CREATE TABLE "inventory"."allocation" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"project_id" uuid,
	"scope_id" uuid NOT NULL,
	"request_id" text NOT NULL,
	"consumer_service" text NOT NULL,
	"consumer_kind" text NOT NULL,
	"consumer_id" text NOT NULL,
	"state" text NOT NULL,
	"bound_task_id" uuid,
	"ttl_seconds" integer,
	"max_ttl_seconds" integer,
	"on_expiry" text DEFAULT 'release' NOT NULL,
	"starts_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"policy_version" integer,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "allocation_request_once_per_tenant" UNIQUE("tenant_id","request_id"),
	CONSTRAINT "allocation_state_known" CHECK ("inventory"."allocation"."state" in ('held', 'active', 'releasing', 'released', 'expired', 'failed')),
	CONSTRAINT "allocation_ends_with_its_state" CHECK (("inventory"."allocation"."ended_at" is null) = ("inventory"."allocation"."state" in ('held', 'active', 'releasing'))),
	CONSTRAINT "allocation_on_expiry_known" CHECK ("inventory"."allocation"."on_expiry" in ('release', 'quarantine', 'notify')),
	CONSTRAINT "allocation_ttl_in_bounds" CHECK ("inventory"."allocation"."ttl_seconds" between 1 and 31536000 and "inventory"."allocation"."max_ttl_seconds" >= "inventory"."allocation"."ttl_seconds"),
	CONSTRAINT "allocation_expires_after_it_starts" CHECK ("inventory"."allocation"."expires_at" > "inventory"."allocation"."starts_at")
);
--> statement-breakpoint
CREATE TABLE "inventory"."allocation_item" (
	"id" uuid PRIMARY KEY NOT NULL,
	"allocation_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"what" text NOT NULL,
	"node_id" uuid,
	"domain_id" uuid,
	"number" bigint,
	"space_id" uuid,
	"block_id" uuid,
	"address" "inet",
	"taken_block_id" uuid,
	"rack_id" uuid,
	"half_units" "int4range",
	"face" text,
	"during" "tstzrange" NOT NULL,
	"fence" bigint NOT NULL,
	"released_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "allocation_item_ordinal_once" UNIQUE("allocation_id","ordinal"),
	CONSTRAINT "allocation_item_what_known" CHECK ("inventory"."allocation_item"."what" in ('node', 'number', 'block', 'address', 'rack_units')),
	CONSTRAINT "allocation_item_names_its_thing" CHECK (case "inventory"."allocation_item"."what"
        when 'node' then "inventory"."allocation_item"."node_id" is not null
        when 'number' then "inventory"."allocation_item"."domain_id" is not null and "inventory"."allocation_item"."number" is not null
        when 'block' then "inventory"."allocation_item"."taken_block_id" is not null
        when 'address' then "inventory"."allocation_item"."space_id" is not null and "inventory"."allocation_item"."address" is not null
        when 'rack_units' then "inventory"."allocation_item"."rack_id" is not null and "inventory"."allocation_item"."half_units" is not null and "inventory"."allocation_item"."face" is not null
      end)
);
--> statement-breakpoint
CREATE TABLE "inventory"."device_type" (
	"id" uuid PRIMARY KEY NOT NULL,
	"manufacturer" text NOT NULL,
	"model" text NOT NULL,
	"slug" text NOT NULL,
	"height_half_units" integer NOT NULL,
	"full_depth" boolean DEFAULT true NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"components" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "device_type_slug_once_per_manufacturer" UNIQUE("manufacturer","slug"),
	CONSTRAINT "device_type_height_in_bounds" CHECK ("inventory"."device_type"."height_half_units" between 0 and 400)
);
--> statement-breakpoint
CREATE TABLE "inventory"."edge" (
	"id" uuid PRIMARY KEY NOT NULL,
	"edge_type" text NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"live" boolean DEFAULT true NOT NULL,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "edge_as_its_ends_see_it" UNIQUE("id","edge_type","live"),
	CONSTRAINT "edge_type_known" CHECK ("inventory"."edge"."edge_type" in ('connects', 'depends', 'memberOf', 'backedBy')),
	CONSTRAINT "edge_lives_until_it_ends" CHECK ("inventory"."edge"."live" = ("inventory"."edge"."ended_at" is null))
);
--> statement-breakpoint
CREATE TABLE "inventory"."edge_end" (
	"edge_id" uuid NOT NULL,
	"edge_type" text NOT NULL,
	"live" boolean DEFAULT true NOT NULL,
	"side" text NOT NULL,
	"ordinal" integer NOT NULL,
	"node_id" uuid NOT NULL,
	CONSTRAINT "edge_end_node_once_per_edge" PRIMARY KEY("edge_id","node_id"),
	CONSTRAINT "edge_end_side_known" CHECK ("inventory"."edge_end"."side" in ('a', 'b'))
);
--> statement-breakpoint
CREATE TABLE "inventory"."import_chunk" (
	"import_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"content" text NOT NULL,
	CONSTRAINT "import_chunk_once" PRIMARY KEY("import_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "inventory"."import" (
	"id" uuid PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"format" text NOT NULL,
	"atomic" text DEFAULT 'batch' NOT NULL,
	"dry_run" boolean DEFAULT false NOT NULL,
	"state" text DEFAULT 'staging' NOT NULL,
	"chunks" integer DEFAULT 0 NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"rows_total" integer DEFAULT 0 NOT NULL,
	"rows_done" integer DEFAULT 0 NOT NULL,
	"counts" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"problem" jsonb,
	"principal_id" text NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"claimed_until" timestamp with time zone,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "import_format_known" CHECK ("inventory"."import"."format" in ('changeset', 'netbox', 'devicetypes', 'prefixplan')),
	CONSTRAINT "import_atomic_known" CHECK ("inventory"."import"."atomic" in ('set', 'batch')),
	CONSTRAINT "import_state_known" CHECK ("inventory"."import"."state" in ('staging', 'queued', 'running', 'succeeded', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "inventory"."import_row" (
	"import_id" uuid NOT NULL,
	"line" integer NOT NULL,
	"op" text NOT NULL,
	"external_id" text NOT NULL,
	"resource_type" text,
	"if_match" integer,
	"resource" jsonb,
	"outcome" text,
	"resource_id" uuid,
	"problem" jsonb,
	CONSTRAINT "import_row_once" PRIMARY KEY("import_id","line"),
	CONSTRAINT "import_row_op_known" CHECK ("inventory"."import_row"."op" in ('upsert', 'delete', 'skip')),
	CONSTRAINT "import_row_outcome_known" CHECK ("inventory"."import_row"."outcome" in ('created', 'updated', 'unchanged', 'deleted', 'skipped', 'refused'))
);
--> statement-breakpoint
CREATE TABLE "inventory"."feed" (
	"id" uuid NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "inventory"."feed_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
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
	CONSTRAINT "feed_version_counts" CHECK ("inventory"."feed"."resource_version" > 0)
);
--> statement-breakpoint
CREATE TABLE "inventory"."idempotency" (
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
CREATE TABLE "inventory"."inbox" (
	"consumer" text NOT NULL,
	"message_id" text NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_message_once" PRIMARY KEY("consumer","message_id")
);
--> statement-breakpoint
CREATE TABLE "inventory"."lease" (
	"name" text PRIMARY KEY NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"until" timestamp with time zone DEFAULT now() NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "lease_counts_up" CHECK ("inventory"."lease"."epoch" >= 0 and "inventory"."lease"."position" >= 0)
);
--> statement-breakpoint
CREATE TABLE "inventory"."operation" (
	"op" uuid PRIMARY KEY NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"undo_attempt" integer DEFAULT 0 NOT NULL,
	"state" text NOT NULL,
	"tombstone" boolean DEFAULT false NOT NULL,
	"want_undo" boolean DEFAULT false NOT NULL,
	"input" jsonb,
	"result" jsonb,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "operation_state_known" CHECK ("inventory"."operation"."state" in ('doing', 'done', 'failed', 'undoing', 'undone')),
	CONSTRAINT "operation_undo_leaves_tombstone" CHECK ("inventory"."operation"."state" not in ('undoing', 'undone') or "inventory"."operation"."tombstone")
);
--> statement-breakpoint
CREATE TABLE "inventory"."outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "inventory"."outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
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
	CONSTRAINT "outbox_lane_known" CHECK ("inventory"."outbox"."lane" between 0 and 7)
);
--> statement-breakpoint
CREATE TABLE "inventory"."kind" (
	"key" text PRIMARY KEY NOT NULL,
	"title" text NOT NULL,
	"category" text NOT NULL,
	"attribute_schema" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"attribute_version" integer DEFAULT 1 NOT NULL,
	"allowed_parents" text[],
	"alloc_mode" text DEFAULT 'none' NOT NULL,
	"is_failure_domain" boolean DEFAULT false NOT NULL,
	"is_connectable" boolean DEFAULT false NOT NULL,
	"allowed_traits" text[] DEFAULT '{}'::text[] NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "kind_key_is_kebab_case" CHECK ("inventory"."kind"."key" ~ '^[a-z][a-z0-9-]{0,62}$'),
	CONSTRAINT "kind_category_known" CHECK ("inventory"."kind"."category" in ('location', 'device', 'component', 'logical')),
	CONSTRAINT "kind_alloc_mode_known" CHECK ("inventory"."kind"."alloc_mode" in ('none', 'exclusive', 'shared'))
);
--> statement-breakpoint
CREATE TABLE "inventory"."external_id" (
	"source" text NOT NULL,
	"external_id" text NOT NULL,
	"resource_type" text NOT NULL,
	"resource_id" uuid NOT NULL,
	CONSTRAINT "external_id_once_per_source" PRIMARY KEY("source","external_id"),
	CONSTRAINT "external_id_type_known" CHECK ("inventory"."external_id"."resource_type" in ('node', 'edge', 'addressSpace', 'addressBlock', 'addressRange', 'address', 'numberDomain', 'numberRange', 'number', 'rackReservation', 'deviceType'))
);
--> statement-breakpoint
CREATE TABLE "inventory"."node" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text,
	"name_exclusive" boolean DEFAULT false NOT NULL,
	"parent_id" uuid,
	"tenant_id" uuid,
	"external_tenant" jsonb,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"traits" text[] DEFAULT '{}'::text[] NOT NULL,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"intent" text DEFAULT 'in_service' NOT NULL,
	"state" text DEFAULT 'available' NOT NULL,
	"observed_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "node_not_its_own_parent" CHECK ("inventory"."node"."parent_id" <> "inventory"."node"."id"),
	CONSTRAINT "node_intent_known" CHECK ("inventory"."node"."intent" in ('in_service', 'no_provision', 'drain', 'expunged')),
	CONSTRAINT "node_state_known" CHECK ("inventory"."node"."state" in ('planned', 'staged', 'available', 'allocated', 'releasing', 'scrubbing', 'quarantined', 'failed', 'retired', 'provisioning', 'removing')),
	CONSTRAINT "node_labels_are_an_object" CHECK (jsonb_typeof("inventory"."node"."labels") = 'object'),
	CONSTRAINT "node_attributes_are_an_object" CHECK (jsonb_typeof("inventory"."node"."attributes") = 'object')
);
--> statement-breakpoint
CREATE TABLE "inventory"."provider_use" (
	"provider_id" uuid PRIMARY KEY NOT NULL,
	"fence" bigint DEFAULT 0 NOT NULL,
	"use_version" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "inventory"."number" (
	"id" uuid PRIMARY KEY NOT NULL,
	"domain_id" uuid NOT NULL,
	"domain_kind" text NOT NULL,
	"value" bigint NOT NULL,
	"name" text,
	"occupies" boolean DEFAULT true NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"external_tenant" jsonb,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "number_in_bounds" CHECK ("inventory"."number"."value" between 0 and 4294967295),
	CONSTRAINT "number_vlan_in_bounds" CHECK ("inventory"."number"."domain_kind" <> 'vlan' or "inventory"."number"."value" between 1 and 4094)
);
--> statement-breakpoint
CREATE TABLE "inventory"."number_domain" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"name_exclusive" boolean DEFAULT false NOT NULL,
	"kind" text NOT NULL,
	"pooled" boolean DEFAULT true NOT NULL,
	"cool_down_seconds" integer DEFAULT 0 NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"node_id" uuid,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "number_domain_as_its_numbers_see_it" UNIQUE("id","kind"),
	CONSTRAINT "number_domain_kind_named" CHECK ("inventory"."number_domain"."kind" ~ '^[a-z][a-z0-9-]{0,62}$'),
	CONSTRAINT "number_domain_cool_down_in_bounds" CHECK ("inventory"."number_domain"."cool_down_seconds" between 0 and 31536000)
);
--> statement-breakpoint
CREATE TABLE "inventory"."number_hold" (
	"domain_id" uuid NOT NULL,
	"domain_kind" text NOT NULL,
	"value" bigint NOT NULL,
	"number_id" uuid,
	"item_id" uuid,
	"free_at" timestamp with time zone DEFAULT 'infinity'::timestamptz NOT NULL,
	CONSTRAINT "number_held_once" PRIMARY KEY("domain_id","value"),
	CONSTRAINT "number_hold_vlan_in_bounds" CHECK ("inventory"."number_hold"."domain_kind" <> 'vlan' or "inventory"."number_hold"."value" between 1 and 4094),
	CONSTRAINT "number_hold_has_one_holder" CHECK (num_nonnulls("inventory"."number_hold"."number_id", "inventory"."number_hold"."item_id") <= 1)
);
--> statement-breakpoint
CREATE TABLE "inventory"."number_range" (
	"id" uuid PRIMARY KEY NOT NULL,
	"domain_id" uuid NOT NULL,
	"domain_kind" text NOT NULL,
	"numbers" "int8range" NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "number_range_not_empty" CHECK (not isempty("inventory"."number_range"."numbers") and lower("inventory"."number_range"."numbers") >= 0 and upper("inventory"."number_range"."numbers") <= 4294967296),
	CONSTRAINT "number_range_vlan_in_bounds" CHECK ("inventory"."number_range"."domain_kind" <> 'vlan' or "inventory"."number_range"."numbers" <@ int8range(1, 4095))
);
--> statement-breakpoint
CREATE TABLE "inventory"."rack" (
	"node_id" uuid PRIMARY KEY NOT NULL,
	"height_half_units" integer NOT NULL,
	"starting_unit" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "rack_as_its_claims_see_it" UNIQUE("node_id","height_half_units"),
	CONSTRAINT "rack_height_in_bounds" CHECK ("inventory"."rack"."height_half_units" between 1 and 400)
);
--> statement-breakpoint
CREATE TABLE "inventory"."rack_claim" (
	"id" uuid PRIMARY KEY NOT NULL,
	"rack_id" uuid NOT NULL,
	"rack_height_half_units" integer NOT NULL,
	"layer" text NOT NULL,
	"face" text NOT NULL,
	"mounted" boolean DEFAULT true NOT NULL,
	"half_units" "int4range" NOT NULL,
	"node_id" uuid,
	"reservation_id" uuid,
	"item_id" uuid,
	CONSTRAINT "rack_claim_layer_known" CHECK ("inventory"."rack_claim"."layer" in ('device', 'reservation')),
	CONSTRAINT "rack_claim_face_known" CHECK ("inventory"."rack_claim"."face" in ('front', 'rear')),
	CONSTRAINT "rack_claim_has_one_holder" CHECK (num_nonnulls("inventory"."rack_claim"."node_id", "inventory"."rack_claim"."reservation_id", "inventory"."rack_claim"."item_id") = 1),
	CONSTRAINT "rack_claim_inside_its_rack" CHECK (not isempty("inventory"."rack_claim"."half_units") and lower("inventory"."rack_claim"."half_units") >= 0 and upper("inventory"."rack_claim"."half_units") <= "inventory"."rack_claim"."rack_height_half_units")
);
--> statement-breakpoint
CREATE TABLE "inventory"."rack_reservation" (
	"id" uuid PRIMARY KEY NOT NULL,
	"rack_id" uuid NOT NULL,
	"units" integer[] NOT NULL,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"ended_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rack_reservation_names_units" CHECK (cardinality("inventory"."rack_reservation"."units") > 0)
);
--> statement-breakpoint
CREATE TABLE "inventory"."scope_view" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"parent_id" uuid,
	"tenant_id" uuid,
	"state" text NOT NULL,
	"version" integer NOT NULL,
	"policy_bindings" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"holds" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scope_view_kind_known" CHECK ("inventory"."scope_view"."kind" in ('platform', 'tenant', 'project', 'environment')),
	CONSTRAINT "scope_view_state_known" CHECK ("inventory"."scope_view"."state" in ('active', 'suspended', 'deleting', 'deleted'))
);
--> statement-breakpoint
ALTER TABLE "inventory"."address" ADD CONSTRAINT "address_space_exists" FOREIGN KEY ("space_id") REFERENCES "inventory"."address_space"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."address" ADD CONSTRAINT "address_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."address_block" ADD CONSTRAINT "address_block_space_exists" FOREIGN KEY ("space_id") REFERENCES "inventory"."address_space"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."address_block" ADD CONSTRAINT "address_block_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."address_hold" ADD CONSTRAINT "address_hold_space_exists" FOREIGN KEY ("space_id") REFERENCES "inventory"."address_space"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."address_hold" ADD CONSTRAINT "address_hold_address_exists" FOREIGN KEY ("address_id") REFERENCES "inventory"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."address_range" ADD CONSTRAINT "address_range_space_exists" FOREIGN KEY ("space_id") REFERENCES "inventory"."address_space"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_of_its_allocation" FOREIGN KEY ("allocation_id") REFERENCES "inventory"."allocation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_domain_exists" FOREIGN KEY ("domain_id") REFERENCES "inventory"."number_domain"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_space_exists" FOREIGN KEY ("space_id") REFERENCES "inventory"."address_space"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_block_exists" FOREIGN KEY ("block_id") REFERENCES "inventory"."address_block"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_taken_block_exists" FOREIGN KEY ("taken_block_id") REFERENCES "inventory"."address_block"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_rack_exists" FOREIGN KEY ("rack_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."edge_end" ADD CONSTRAINT "edge_end_of_its_edge" FOREIGN KEY ("edge_id","edge_type","live") REFERENCES "inventory"."edge"("id","edge_type","live") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "inventory"."edge_end" ADD CONSTRAINT "edge_end_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."import_chunk" ADD CONSTRAINT "import_chunk_of_its_import" FOREIGN KEY ("import_id") REFERENCES "inventory"."import"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."import_row" ADD CONSTRAINT "import_row_of_its_import" FOREIGN KEY ("import_id") REFERENCES "inventory"."import"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."node" ADD CONSTRAINT "node_kind_exists" FOREIGN KEY ("kind") REFERENCES "inventory"."kind"("key") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."node" ADD CONSTRAINT "node_parent_exists" FOREIGN KEY ("parent_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."number" ADD CONSTRAINT "number_of_its_domain" FOREIGN KEY ("domain_id","domain_kind") REFERENCES "inventory"."number_domain"("id","kind") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "inventory"."number" ADD CONSTRAINT "number_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."number_domain" ADD CONSTRAINT "number_domain_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."number_hold" ADD CONSTRAINT "number_hold_of_its_domain" FOREIGN KEY ("domain_id","domain_kind") REFERENCES "inventory"."number_domain"("id","kind") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "inventory"."number_hold" ADD CONSTRAINT "number_hold_number_exists" FOREIGN KEY ("number_id") REFERENCES "inventory"."number"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."number_range" ADD CONSTRAINT "number_range_of_its_domain" FOREIGN KEY ("domain_id","domain_kind") REFERENCES "inventory"."number_domain"("id","kind") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "inventory"."rack" ADD CONSTRAINT "rack_is_a_node" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."rack_claim" ADD CONSTRAINT "rack_claim_of_its_rack" FOREIGN KEY ("rack_id","rack_height_half_units") REFERENCES "inventory"."rack"("node_id","height_half_units") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "inventory"."rack_claim" ADD CONSTRAINT "rack_claim_device_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."rack_claim" ADD CONSTRAINT "rack_claim_reservation_exists" FOREIGN KEY ("reservation_id") REFERENCES "inventory"."rack_reservation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."rack_reservation" ADD CONSTRAINT "rack_reservation_rack_exists" FOREIGN KEY ("rack_id") REFERENCES "inventory"."rack"("node_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "address_by_host" ON "inventory"."address" USING btree ("space_id","host","id") WHERE "inventory"."address"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "address_by_node" ON "inventory"."address" USING btree ("node_id") WHERE "inventory"."address"."node_id" is not null and "inventory"."address"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "address_block_by_parent" ON "inventory"."address_block" USING btree ("parent_id") WHERE "inventory"."address_block"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "address_block_by_space" ON "inventory"."address_block" USING btree ("space_id","id") WHERE "inventory"."address_block"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "address_block_by_node" ON "inventory"."address_block" USING btree ("node_id") WHERE "inventory"."address_block"."node_id" is not null and "inventory"."address_block"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "address_hold_by_address" ON "inventory"."address_hold" USING btree ("address_id") WHERE "inventory"."address_hold"."address_id" is not null;--> statement-breakpoint
CREATE INDEX "address_hold_by_item" ON "inventory"."address_hold" USING btree ("item_id") WHERE "inventory"."address_hold"."item_id" is not null;--> statement-breakpoint
CREATE INDEX "address_range_by_space" ON "inventory"."address_range" USING btree ("space_id","first_host") WHERE "inventory"."address_range"."ended_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "address_space_name_once" ON "inventory"."address_space" USING btree ("name") WHERE "inventory"."address_space"."name_exclusive" and "inventory"."address_space"."ended_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "allocation_consumer_holds_once" ON "inventory"."allocation" USING btree ("tenant_id","consumer_service","consumer_kind","consumer_id") WHERE "inventory"."allocation"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "allocation_by_scope" ON "inventory"."allocation" USING btree ("scope_id","id");--> statement-breakpoint
CREATE INDEX "allocation_by_tenant" ON "inventory"."allocation" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "allocation_by_expiry" ON "inventory"."allocation" USING btree ("expires_at") WHERE "inventory"."allocation"."ended_at" is null and "inventory"."allocation"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX "allocation_item_by_node" ON "inventory"."allocation_item" USING btree ("node_id") WHERE "inventory"."allocation_item"."node_id" is not null and "inventory"."allocation_item"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "allocation_item_by_block" ON "inventory"."allocation_item" USING btree ("block_id") WHERE "inventory"."allocation_item"."block_id" is not null and "inventory"."allocation_item"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "allocation_item_by_taken_block" ON "inventory"."allocation_item" USING btree ("taken_block_id") WHERE "inventory"."allocation_item"."taken_block_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "edge_end_port_cabled_once" ON "inventory"."edge_end" USING btree ("node_id") WHERE "inventory"."edge_end"."edge_type" = 'connects' and "inventory"."edge_end"."live";--> statement-breakpoint
CREATE INDEX "edge_end_by_node" ON "inventory"."edge_end" USING btree ("node_id","edge_type") WHERE "inventory"."edge_end"."live";--> statement-breakpoint
CREATE INDEX "import_to_do" ON "inventory"."import" USING btree ("id") WHERE "inventory"."import"."state" in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "import_row_by_key" ON "inventory"."import_row" USING btree ("import_id","external_id");--> statement-breakpoint
CREATE INDEX "feed_unnumbered" ON "inventory"."feed" USING btree ("xid","seq") WHERE "inventory"."feed"."pos" is null;--> statement-breakpoint
CREATE INDEX "idempotency_expiry" ON "inventory"."idempotency" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "inbox_age" ON "inventory"."inbox" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "operation_unfinished" ON "inventory"."operation" USING btree ("updated_at") WHERE "inventory"."operation"."state" in ('doing', 'undoing');--> statement-breakpoint
CREATE INDEX "outbox_lane_order" ON "inventory"."outbox" USING btree ("lane","id");--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_operation_once" ON "inventory"."outbox" USING btree ("operation") WHERE "inventory"."outbox"."operation" is not null;--> statement-breakpoint
CREATE INDEX "external_id_by_resource" ON "inventory"."external_id" USING btree ("resource_id");--> statement-breakpoint
CREATE INDEX "node_by_parent" ON "inventory"."node" USING btree ("parent_id","id");--> statement-breakpoint
CREATE INDEX "node_by_kind" ON "inventory"."node" USING btree ("kind","id");--> statement-breakpoint
CREATE INDEX "node_by_name" ON "inventory"."node" USING btree ("name" text_pattern_ops,"id");--> statement-breakpoint
CREATE INDEX "node_by_labels" ON "inventory"."node" USING gin ("labels" jsonb_path_ops);--> statement-breakpoint
CREATE UNIQUE INDEX "node_name_once_among_siblings" ON "inventory"."node" USING btree (coalesce("parent_id", '00000000-0000-0000-0000-000000000000'::uuid),"kind","name") WHERE "inventory"."node"."name_exclusive" and "inventory"."node"."state" <> 'retired';--> statement-breakpoint
CREATE INDEX "number_by_value" ON "inventory"."number" USING btree ("domain_id","value","id") WHERE "inventory"."number"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "number_by_node" ON "inventory"."number" USING btree ("node_id") WHERE "inventory"."number"."node_id" is not null and "inventory"."number"."ended_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "number_domain_name_once" ON "inventory"."number_domain" USING btree ("name") WHERE "inventory"."number_domain"."name_exclusive" and "inventory"."number_domain"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "number_domain_by_node" ON "inventory"."number_domain" USING btree ("node_id") WHERE "inventory"."number_domain"."node_id" is not null and "inventory"."number_domain"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "number_hold_by_number" ON "inventory"."number_hold" USING btree ("number_id") WHERE "inventory"."number_hold"."number_id" is not null;--> statement-breakpoint
CREATE INDEX "number_hold_by_item" ON "inventory"."number_hold" USING btree ("item_id") WHERE "inventory"."number_hold"."item_id" is not null;--> statement-breakpoint
CREATE INDEX "number_range_by_domain" ON "inventory"."number_range" USING btree ("domain_id","id") WHERE "inventory"."number_range"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "rack_claim_by_device" ON "inventory"."rack_claim" USING btree ("node_id") WHERE "inventory"."rack_claim"."node_id" is not null;--> statement-breakpoint
CREATE INDEX "rack_claim_by_reservation" ON "inventory"."rack_claim" USING btree ("reservation_id") WHERE "inventory"."rack_claim"."reservation_id" is not null;--> statement-breakpoint
CREATE INDEX "rack_reservation_by_rack" ON "inventory"."rack_reservation" USING btree ("rack_id") WHERE "inventory"."rack_reservation"."ended_at" is null;