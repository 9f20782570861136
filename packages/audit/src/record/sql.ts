// What is read of records; `audit.redact` alone locks and writes, the one record. Every page walks an index from where it begins: each scope that the caller sees is walked
// on its own, since an OR over scopes has no order; so a page costs as many steps as it has rows, times the scopes.
import type { AuditRecord } from '@sentral/contracts/audit/record';
import type { Tx } from '@sentral/kernel/database';
import type { Query } from '@sentral/kernel/page';
import type { On, Visible } from '../reading.js';

export interface RecordRow {
  readonly id: string;
  readonly logId: string;
  readonly seq: number;
  readonly record: AuditRecord;
  /** Null where nothing was sealed, or it was redacted. */
  readonly sealed: readonly Box[] | null;
}

/** Personal fields as they rest: salt and fields, encrypted under the key of the subject and bound to the digest in the record. */
export interface Box {
  readonly of: 'actor' | 'resource';
  readonly subject: string;
  readonly box: string;
}

const columns = 'r.id, r.log_id as "logId", r.seq, r.record, r.sealed';

/** A page of what the conditions of `q` hold for, as far as it is visible. */
export async function listVisible(
  on: On,
  q: Query,
  { visible, order, limit }: { visible: Visible; order: `${'id' | 'seq'}${'' | ' desc'}`; limit: number },
): Promise<readonly RecordRow[]> {
  const walk = (scope: string): string =>
    `select r.id, r.seq from audit.record r ${q.where()} ${scope} order by r.${order} limit ${limit}`;
  // Who sees one scope is by far the most who ask: no union to sort, and no second look at the rows.
  const only = visible === 'all' ? undefined : onlyScope(visible);
  if (only !== undefined) q.and(`r.${only.column} = ${q.value(only.id)}::uuid`);
  if (visible === 'all' || only !== undefined) {
    const text = `select ${columns} from audit.record r ${q.where()} order by r.${order} limit ${limit}`;
    return (await on.unsafe(text, q.params)) as unknown as readonly RecordRow[];
  }
  const more = q.where() === '' ? 'where' : 'and';
  const each = (column: string, ids: readonly string[]): string[] =>
    ids.length === 0
      ? []
      : [
          `select w.id, w.seq from unnest(${q.value(ids)}::uuid[]) s(id) cross join lateral (${walk(`${more} r.${column} = s.id`)}) w`,
        ];
  const walks = [
    ...each('tenant_id', visible.tenantIds),
    ...each('project_id', visible.projectIds),
    ...each('environment_id', visible.environmentIds),
    ...(visible.platform ? [`(${walk(`${more} r.tenant_id is null`)})`] : []),
  ];
  if (walks.length === 0) return [];
  // A record of a project lies in its tenant too, and comes once.
  const text = `with found as materialized (select distinct id, seq from (${walks.join(' union all ')}) f order by ${order} limit ${limit})
    select ${columns} from found f join audit.record r on r.id = f.id order by f.${order}`;
  return (await on.unsafe(text, q.params)) as unknown as readonly RecordRow[];
}

function onlyScope({ tenantIds, projectIds, environmentIds, platform }: Exclude<Visible, 'all'>) {
  const scopes = [
    ...tenantIds.map((id) => ({ column: 'tenant_id', id })),
    ...projectIds.map((id) => ({ column: 'project_id', id })),
    ...environmentIds.map((id) => ({ column: 'environment_id', id })),
  ];
  return platform || scopes.length > 1 ? undefined : scopes[0];
}

export async function findRecord(on: On, id: string, visible: Visible): Promise<RecordRow | undefined> {
  const rows = (await on.unsafe(
    `select ${columns} from audit.record r where r.id = $1 and ($2 or r.tenant_id = any($3::uuid[]) or r.project_id = any($4::uuid[])
       or r.environment_id = any($5::uuid[]) or ($6 and r.tenant_id is null))`,
    [id, ...visibleParams(visible)],
  )) as unknown as readonly RecordRow[];
  return rows[0];
}

function visibleParams(visible: Visible): readonly unknown[] {
  if (visible === 'all') return [true, [], [], [], false];
  const { tenantIds, projectIds, environmentIds, platform } = visible;
  return [false, tenantIds, projectIds, environmentIds, platform];
}

/** Takes away what is sealed beside a record; the function refuses where this transaction does not say so in the feed. */
export async function redactRecord(tx: Tx, id: string): Promise<void> {
  await tx.unsafe('select audit.redact($1)', [id]);
}
