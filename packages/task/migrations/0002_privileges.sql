-- A tenant principal's reads never need the kernel's tables, and these have no policies: rows of all tenants would be open to them.
revoke select on task.feed, task.outbox, task.inbox, task.idempotency, task.operation, task.lease from task_read;
