import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import type { ScopeViewRow } from '@sentral/kernel/scopes/view';
import type { Scope } from '../allocation/end.js';
import type { Operation } from '../allocation/operation.js';
import type { Reserve } from '../allocation/policy.js';
import { findNow } from '../allocation/policy-sql.js';
import type { WantedPlace } from '../allocation/place.js';
import { exchange } from '../allocation/replace-rules.js';
import type { Wanted } from '../allocation/rules.js';
import { findAllocation, listItems, type ItemRow } from '../allocation/sql.js';
import { windowOfRow } from '../allocation/take-capacity.js';
import { forGood, judgeWindow, secondsOf, type Window } from '../allocation/window.js';
import type { Search } from '../placement/host-sql.js';
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
  /** Of a replacement: what it has counts as free where it describes. */
  readonly instead?: Search['instead'];
  readonly window: Window;
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

async function created(
  tx: Tx,
  { command, wanted, places, window: asked }: Operation & { op: 'create' },
): Promise<Seen | undefined> {
  const path = await listScopePath(tx, decodeId('env', command.environmentId));
  const environment = path.at(-1);
  if (environment?.kind !== 'environment' || environment.tenantId === null) return undefined;
  const scope = { scopeId: environment.id, tenantId: environment.tenantId, projectId: environment.parentId };
  const now = await findNow(tx);
  const judged = asked === undefined ? forGood : judgeWindow(asked, now);
  if ('pointer' in judged) return undefined;
  const windowSeconds = asked === undefined ? {} : { windowSeconds: secondsOf(judged, now) };
  const seen = { scope, path, command: { ...command, ...windowSeconds }, places, window: judged };
  return { ...seen, fresh: wanted, gone: [] };
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
  const moved = operation.op === 'replace' ? operation.moves : undefined;
  const window: Window = {
    startsAt: moved?.startsAt ?? (target.state === 'booked' ? target.startsAt : null),
    endsAt: moved?.endsAt === undefined ? windowOfRow(target).endsAt : moved.endsAt,
  };
  const start = window.startsAt ?? target.startsAt;
  const windowSeconds =
    window.endsAt === null ? {} : { windowSeconds: secondsOf({ ...window, startsAt: start }, target.startsAt) };
  const command = {
    labels,
    ttlSeconds: ttlSeconds ?? undefined,
    maxTtlSeconds: maxTtlSeconds ?? undefined,
    ...windowSeconds,
  };
  const path = await listScopePath(tx, target.scopeId);
  if (operation.op === 'release') return { scope: target, path, command, fresh: [], places: [], gone: items, window };
  const { gone, kept, fresh } = exchange(items, operation);
  const nodeIds = [...new Set(gone.flatMap(({ nodeId }) => nodeId ?? []))].toSorted();
  const instead = { allocationId: target.id, nodeIds };
  const seen = { scope: target, path, command, places: operation.places, instead, window };
  if (moved === undefined) return { ...seen, fresh, gone };
  // What stays is held to the new window as if it were given back and taken again.
  return { ...seen, fresh: [...kept.flatMap(again), ...fresh], gone: items };
}

function again({ what, nodeId, class: of, amount, ordinal }: ItemRow): Wanted[] {
  if (nodeId === null) return [];
  const named = { providerId: nodeId, ordinal, asked: ordinal };
  if (what === 'node') return [{ what, ...named }];
  return what === 'capacity' && of !== null ? [{ what, ...named, class: of, amount }] : [];
}
