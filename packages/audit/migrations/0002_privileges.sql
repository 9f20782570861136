-- audit_app gets SELECT by default (audit.md 7): what it may change are its bookkeeping tables, by name.
grant insert, update, delete on audit.outbox, audit.inbox, audit.idempotency, audit.operation, audit.lease to audit_app;
--> statement-breakpoint
-- A tenant principal's reads never need the kernel's tables, and these have no policies: rows of all tenants would be open to them.
revoke select on audit.feed, audit.outbox, audit.inbox, audit.idempotency, audit.operation, audit.lease from audit_read;
