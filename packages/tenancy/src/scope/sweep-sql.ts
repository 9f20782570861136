// Reads only: what is found is looked at again under its lock. Times are the database's.
import type { ScopeKind } from '@sentral/contracts/contract';
import type { Database } from '@sentral/kernel/database';

export interface Due {
  readonly id: string;
  readonly kind: ScopeKind;
}

const few = 50;

/** Left in deletion by a process that went away, or by a context that did not answer. */
export async function listUnfinished(db: Database): Promise<readonly Due[]> {
  return db.sql<Due & object>`
    select id, kind from tenancy.scope where state = 'deleting' and updated_at < now() - interval '10 seconds' order by updated_at limit ${few}`;
}

/** Ephemeral and over. One that something lives in is tried again after ten minutes. */
export async function listExpired(db: Database): Promise<readonly Due[]> {
  return db.sql<Due & object>`
    select id, kind from tenancy.scope
    where class = 'ephemeral' and state in ('active', 'suspended') and not protected and expires_at <= now()
      and (updated_at < expires_at or updated_at < now() - interval '10 minutes')
    order by expires_at limit ${few}`;
}

/** Deleted for so long that nobody brings it back; what lies below goes first. */
export async function listPurgeable(db: Database): Promise<readonly Due[]> {
  return db.sql<Due & object>`
    select s.id, s.kind from tenancy.scope s
    where s.state = 'deleted' and s.purge_at <= now() and not exists (select from tenancy.scope c where c.parent_id = s.id)
    order by s.purge_at limit ${few}`;
}
