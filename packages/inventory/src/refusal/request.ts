import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import type { ScopeViewRow } from '@sentral/kernel/scopes/view';
import type { Scope } from '../allocation/end.js';
import type { Operation } from '../allocation/operation.js';
import type { Reserve } from '../allocation/policy.js';
import type { WantedPlace } from '../allocation/place.js';
import { exchange } from '../allocation/replace-rules.js';
import type { Wanted } from '../allocation/rules.js';
import { findAllocation, listItems, type ItemRow } from '../allocation/sql.js';
import { listScopePath } from '../projection/sql.js';
import { seesAllocation } from '../reading.js';

/** One operation of a refused request: where it acts, what it takes and what it gives back. */
export interface Move {
  readonly at: number;
  readonly operationIndex?: number;
  readonly scope: Scope;
  readonly path: readonly ScopeViewRow[];
  readonly command: Reserve;
  readonly fresh: readonly Wanted[];
  /** What it describes in place of naming it. */
  readonly places: readonly WantedPlace[];
  readonly gone: readonly ItemRow[];
}

/** Looks up again what a refused request was about, without a lock; undefined where there is nothing to explain. */
export async function movesOf(
  tx: Tx,
  caller: Caller,
  operations: readonly Operation[],
): Promise<readonly Move[] | undefined> {
  const moves: Move[] = [];
  for (const [at, operation] of operations.entries()) {
    const seen = operation.op === 'create' ? await created(tx, operation) : await changed(tx, caller, operation);
    if (seen === undefined) return undefined;
    moves.push({ at, ...(operations.length === 1 ? {} : { operationIndex: at }), ...seen });
  }
  return moves;
}

type Seen = Omit<Move, 'at' | 'operationIndex'>;

async function created(tx: Tx, { command, wanted, places }: Operation & { op: 'create' }): Promise<Seen | undefined> {
  const path = await listScopePath(tx, decodeId('env', command.environmentId));
  const environment = path.at(-1);
  if (environment?.kind !== 'environment' || environment.tenantId === null) return undefined;
  const scope = { scopeId: environment.id, tenantId: environment.tenantId, projectId: environment.parentId };
  return { scope, path, command, fresh: wanted, places, gone: [] };
}

async function changed(
  tx: Tx,
  caller: Caller,
  operation: Exclude<Operation, { op: 'create' }>,
): Promise<Seen | undefined> {
  const target = await findAllocation(tx, operation.id);
  if (target === undefined || target.endedAt !== null || !seesAllocation(caller, target)) return undefined;
  const items = (await listItems(tx, [target.id])).filter((item) => item.endedAt === null);
  const { labels, ttlSeconds, maxTtlSeconds } = target;
  const command = { labels, ttlSeconds: ttlSeconds ?? undefined, maxTtlSeconds: maxTtlSeconds ?? undefined };
  const path = await listScopePath(tx, target.scopeId);
  if (operation.op === 'release') return { scope: target, path, command, fresh: [], places: [], gone: items };
  const { gone, fresh } = exchange(items, operation.wanted);
  return { scope: target, path, command, fresh, places: [], gone };
}
