import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Database } from '@sentral/kernel/database';
import type { Query } from '@sentral/kernel/page';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';

type Place = {
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly environmentId: string | null;
};

/**
 * Runs a read with the walls that fit the caller: who sees one whole tenant and nothing else reads as `task_read`, where the
 * policies hold too; every other caller reads across tenants, and the read scope in the statement alone decides.
 */
export async function readingAs<T>(
  deps: Deps,
  { readScope }: Caller,
  work: (on: Pick<Database, 'unsafe'>) => Promise<T>,
): Promise<T> {
  if ('all' in readScope) return work(deps.db.platform);
  const [tenant, ...others] = readScope.tenantIds;
  const more = others.length + readScope.projectIds.length + readScope.environmentIds.length > 0;
  if (tenant === undefined || readScope.platform === true || more) return work(deps.db.platform);
  const settings = { 'sentral.tenant': decodeId('tnt', tenant) };
  return inTransaction(deps.db.read, (tx) => work(tx), { settings });
}

/** The condition under which a task, or a schedule, is seen. Only what is named takes part: an OR over empty lists would cost the index of the others. */
export function taskSeen(q: Pick<Query, 'value'>, { readScope }: Caller, of = 't'): string {
  if ('all' in readScope) return 'true';
  const terms = [
    [`${of}.tenant_id`, readScope.tenantIds.map((id) => decodeId('tnt', id))],
    [`${of}.project_id`, readScope.projectIds.map((id) => decodeId('prj', id))],
    [`${of}.environment_id`, readScope.environmentIds.map((id) => decodeId('env', id))],
  ] as const;
  const named = terms
    .filter(([, ids]) => ids.length > 0)
    .map(([column, ids]) => `${column} = any(${q.value(ids)}::uuid[])`);
  return named.length === 0 ? 'false' : `(${named.join(' or ')})`;
}

function sees({ readScope }: Caller, { tenantId, projectId, environmentId }: Place): boolean {
  if ('all' in readScope) return true;
  return (
    readScope.tenantIds.includes(encodeId('tnt', tenantId)) ||
    (projectId !== null && readScope.projectIds.includes(encodeId('prj', projectId))) ||
    (environmentId !== null && readScope.environmentIds.includes(encodeId('env', environmentId)))
  );
}

/**
 * What is not there and what is not the caller's are refused alike.
 * @throws Problem not-found
 */
export function expectSeen<T extends Place>(caller: Caller, found: T | undefined, resourceType = 'task'): T {
  if (found === undefined || !sees(caller, found)) throw problem('not-found', { resourceType });
  return found;
}
