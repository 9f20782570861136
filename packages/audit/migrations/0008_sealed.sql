CREATE TABLE "audit"."feed_stop" (
	"context" text PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."subject_key" (
	"subject_id" uuid PRIMARY KEY NOT NULL,
	"key_id" text,
	"wrapped" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"erased_at" timestamp with time zone,
	CONSTRAINT "subject_key_erased_is_gone" CHECK (("audit"."subject_key"."erased_at" is null) = ("audit"."subject_key"."wrapped" is not null) and ("audit"."subject_key"."wrapped" is null) = ("audit"."subject_key"."key_id" is null))
);
--> statement-breakpoint
ALTER TABLE "audit"."record" ADD COLUMN "sealed" jsonb;--> statement-breakpoint
CREATE INDEX "subject_key_by_wrapping" ON "audit"."subject_key" USING btree ("key_id");
--> statement-breakpoint
grant insert, update on audit.subject_key to audit_app;
--> statement-breakpoint
grant insert, update, delete on audit.feed_stop to audit_app;
--> statement-breakpoint
-- Keys are read where something is sealed or shown, by the app alone.
revoke select on audit.subject_key from audit_read, audit_platform;
--> statement-breakpoint
revoke select on audit.feed_stop from audit_read;
--> statement-breakpoint
create function audit.erased_stays_erased() returns trigger
language plpgsql set search_path = audit, pg_temp as $erased$
begin
  if tg_op = 'UPDATE' and old.erased_at is null and new.subject_id = old.subject_id then return new; end if;
  raise exception using errcode = '42501', schema = 'audit', table = 'subject_key',
    message = format('%s of subject_key %s: a subject keeps its row, and who was erased gets no key again', lower(tg_op), old.subject_id);
end
$erased$;
--> statement-breakpoint
create trigger erased_stays before update or delete on audit.subject_key for each row execute function audit.erased_stays_erased();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.subject_key for each statement execute function audit.refuse_change();
--> statement-breakpoint
-- The one change of what is on record: `redact` takes away what is sealed beside it. Whoever forges the setting can do no more than that either.
create function audit.record_stays() returns trigger
language plpgsql set search_path = audit, pg_temp as $stays$
begin
  if tg_op = 'UPDATE' and current_setting('audit.redacting', true) = old.id::text and new.sealed is null
    and to_jsonb(new) - 'sealed' = to_jsonb(old) - 'sealed' then return new; end if;
  raise exception using errcode = '42501', schema = 'audit', table = tg_table_name,
    message = format('%s of %s: what is on record stays as it is', lower(tg_op), tg_table_name);
end
$stays$;
--> statement-breakpoint
drop trigger stays on audit.record;
--> statement-breakpoint
create trigger stays before update or delete on audit.record for each row execute function audit.record_stays();
--> statement-breakpoint
create function audit.redact(redacted uuid) returns void
language plpgsql security definer set search_path = audit, pg_temp as $redact$
begin
  if not exists (select from audit.feed where recorded_at = now() and resource_type = 'audit.record' and resource_id = redacted
    and xid = pg_current_xact_id() and type = 'audit.record.redacted') then
    raise exception using errcode = '23514', constraint = 'redaction_is_on_record', schema = 'audit',
      message = format('the redaction of %s has no feed row', redacted);
  end if;
  perform set_config('audit.redacting', redacted::text, true);
  update audit.record set sealed = null where id = redacted and sealed is not null;
  perform set_config('audit.redacting', '', true);
end
$redact$;
--> statement-breakpoint
revoke execute on function audit.erased_stays_erased(), audit.record_stays(), audit.redact(uuid) from public;
--> statement-breakpoint
grant execute on function audit.redact(uuid) to audit_app;
