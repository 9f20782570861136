import type { Caller, ReadScope } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { refusalKeptSeconds, type Explanation, type Refusal } from '@sentral/contracts/inventory/refusal';
import { seesAsMuch } from './rules.js';

export interface RefusalRow {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
  readonly principalId: string;
  readonly principalType: Refusal['principal']['type'];
  readonly readScope: ReadScope;
  readonly problem: Refusal['problem'];
  readonly explanation: Explanation;
  readonly createdAt: Date;
}

/** Under their names in code, and only while they are kept: a day's partition holds some longer. */
export const selectRefusal = `select f.id, f.tenant_id as "tenantId", f.project_id as "projectId", f.scope_id as "scopeId",
  f.principal_id as "principalId", f.principal_type as "principalType", f.read_scope as "readScope", f.problem, f.explanation,
  f.created_at as "createdAt" from refusal f`;
export const isKept = `f.created_at > now() - interval '${refusalKeptSeconds} seconds'`;

/** A row as this caller may see it: what was told to one who sees more is not told on. */
export function toRefusal({ readScope }: Pick<Caller, 'readScope'>, row: RefusalRow): Refusal {
  const whole = seesAsMuch(readScope, row.readScope, row);
  const { code, status, title } = row.problem;
  return {
    id: encodeId('rfs', row.id),
    type: 'refusal',
    tenantId: encodeId('tnt', row.tenantId),
    ...(row.projectId === null ? {} : { projectId: encodeId('prj', row.projectId) }),
    environmentId: encodeId('env', row.scopeId),
    principal: { id: row.principalId, type: row.principalType },
    problem: whole ? row.problem : { code, status, title },
    ...(whole ? { explanation: row.explanation } : {}),
    createdAt: row.createdAt.toISOString(),
    expiresAt: new Date(row.createdAt.getTime() + refusalKeptSeconds * 1_000).toISOString(),
  };
}
