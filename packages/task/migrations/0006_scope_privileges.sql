-- Bookkeeping, of every tenant: a tenant principal's reads never need it.
revoke select on task.scope_view from task_read;
