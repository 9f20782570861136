// Legal holds. Locks: one row by its id, and nothing else; `drop_month` locks the table against new ones for its last moment.
import type { LegalHold } from '@sentral/contracts/audit/legal-hold';
import { encodeId, type Prefix } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { problem } from '@sentral/contracts/problem';
import type { On, Visible } from '../reading.js';

export interface LegalHoldRow {
  readonly id: string;
  readonly version: number;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly resourceKind: Prefix | null;
  readonly resourceId: string | null;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
  readonly endReason: string | null;
}

const columns = `h.id, h.version, h.tenant_id as "tenantId", h.project_id as "projectId", h.environment_id as "environmentId", h.resource_kind as "resourceKind",
  h.resource_id as "resourceId", h.reason, h.created_by as "createdBy", h.created_at as "createdAt", h.updated_at as "updatedAt", h.ended_at as "endedAt", h.end_reason as "endReason"`;

/** A hold is seen where its own scope is. */
const visibleHold = `($1 or h.tenant_id = any($2::uuid[]) or h.project_id = any($3::uuid[]) or h.environment_id = any($4::uuid[]) or ($5 and h.tenant_id is null))`;

const visibleParams = (visible: Visible): readonly unknown[] =>
  visible === 'all'
    ? [true, [], [], [], false]
    : [false, visible.tenantIds, visible.projectIds, visible.environmentIds, visible.platform];

export async function findLegalHold(on: On, id: string, visible: Visible): Promise<LegalHoldRow | undefined> {
  const rows = await on.unsafe(`select ${columns} from audit.legal_hold h where ${visibleHold} and h.id = $6`, [
    ...visibleParams(visible),
    id,
  ]);
  return rows[0] as unknown as LegalHoldRow | undefined;
}

export async function listLegalHoldRows(
  on: On,
  { visible, ended, after, limit }: { visible: Visible; ended: boolean; after: string | undefined; limit: number },
): Promise<readonly LegalHoldRow[]> {
  const rows = await on.unsafe(
    `select ${columns} from audit.legal_hold h where ${visibleHold} and (h.ended_at is not null) = $6 and ($7::uuid is null or h.id > $7) order by h.id limit $8`,
    [...visibleParams(visible), ended, after ?? null, limit],
  );
  return rows as unknown as readonly LegalHoldRow[];
}

/**
 * For no key update: it is about to end.
 * @throws Problem not-found
 */
export async function lockLegalHold(tx: Tx, id: string, visible: Visible): Promise<LegalHoldRow> {
  const rows = await tx.unsafe(
    `select ${columns} from audit.legal_hold h where ${visibleHold} and h.id = $6 for no key update`,
    [...visibleParams(visible), id],
  );
  const [row] = rows as unknown as readonly LegalHoldRow[];
  if (row === undefined) throw problem('not-found', { resourceType: 'legalHold' });
  return row;
}

export type NewLegalHold = Pick<
  LegalHoldRow,
  'id' | 'tenantId' | 'projectId' | 'environmentId' | 'resourceKind' | 'resourceId' | 'reason' | 'createdBy'
>;

export async function insertLegalHold(tx: Tx, hold: NewLegalHold): Promise<LegalHoldRow> {
  const rows = await tx.unsafe(
    `insert into audit.legal_hold as h (id, tenant_id, project_id, environment_id, resource_kind, resource_id, reason, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${columns}`,
    [
      hold.id,
      hold.tenantId,
      hold.projectId,
      hold.environmentId,
      hold.resourceKind,
      hold.resourceId,
      hold.reason,
      hold.createdBy,
    ],
  );
  return rows[0] as unknown as LegalHoldRow;
}

export async function endLegalHoldRow(tx: Tx, id: string, reason: string): Promise<LegalHoldRow> {
  const rows = await tx.unsafe(
    `update audit.legal_hold h set ended_at = now(), end_reason = $2, updated_at = now(), version = version + 1 where id = $1 returning ${columns}`,
    [id, reason],
  );
  return rows[0] as unknown as LegalHoldRow;
}

export function toLegalHold(row: LegalHoldRow): Omit<LegalHold, 'replayed'> {
  const { tenantId, projectId, environmentId } = row;
  const tenant = tenantId === null ? undefined : encodeId('tnt', tenantId);
  const within = projectId === null ? tenant : encodeId('prj', projectId);
  return {
    id: encodeId('lgh', row.id),
    type: 'legalHold',
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    scopeId: (environmentId === null ? within : encodeId('env', environmentId)) ?? 'platform',
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(row.resourceKind === null || row.resourceId === null
      ? {}
      : { resourceId: encodeId(row.resourceKind, row.resourceId) }),
    reason: row.reason,
    createdBy: row.createdBy,
    ...(row.endedAt === null || row.endReason === null
      ? {}
      : { endedAt: row.endedAt.toISOString(), endReason: row.endReason }),
  };
}
