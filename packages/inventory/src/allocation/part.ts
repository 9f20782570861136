import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { expectActive, lockScopePaths, type ScopeViewRow } from '@sentral/kernel/scopes/view';
import { schemaName } from '../change.js';
import { findByConsumer } from './consumer-sql.js';
import type { Scope } from './end.js';
import type { Locked } from './lock.js';
import { inOperation, type Operation, type Reserve } from './operation.js';
import { seesAllocation } from '../reading.js';
import { toAllocation } from './resource.js';
import { findNow } from './policy-sql.js';
import { expectNotStoodOn } from '../platform-resource/stood-on.js';
import { expectUnbound, judgeStep } from './rules.js';
import { findAllocation, findByRequest, findFence, listItems, type AllocationRow, type ItemRow } from './sql.js';
import { expectWindow, judgeWindow, type Window } from './window.js';

/** One operation with what it was found to be about. */
export interface Part {
  readonly operation: Operation;
  /** Its place in a batch; undefined alone. */
  readonly index: number | undefined;
  readonly scope: Scope;
  readonly path: readonly ScopeViewRow[];
  /** The allocation that it changes, or that its consumer holds, as it was seen before the locks. */
  readonly target: AllocationRow | undefined;
  /** The answer to the same request, given earlier. */
  readonly answer?: Allocation;
  /** When it wants its things, by the clock of the transaction. */
  readonly window?: Window;
  /** Of what is healed: what became of it. */
  readonly flags?: AllocationRow['flags'];
}

const live: readonly AllocationRow['state'][] = ['booked', 'held', 'active', 'releasing'];
const changeable: readonly AllocationRow['state'][] = ['booked', 'held', 'active'];

/**
 * Looks up what each operation is about; scopes of whoever takes are locked.
 * @throws Problem reference-not-found | scope-not-active | not-found | already-exists | validation-failed
 */
export async function partsOf(tx: Tx, caller: Caller, operations: readonly Operation[]): Promise<readonly Part[]> {
  const looked: {
    operation: Operation;
    index: number | undefined;
    target: AllocationRow | undefined;
    scopeId: string;
  }[] = [];
  for (const [at, operation] of operations.entries()) {
    const index = operations.length === 1 ? undefined : at;
    if (operation.op === 'create') {
      looked.push({ operation, index, target: undefined, scopeId: decodeId('env', operation.command.environmentId) });
      continue;
    }
    const target = await findAllocation(tx, operation.id);
    await inOperation(index, () => {
      if (target === undefined || !seesAllocation(caller, target))
        throw problem('not-found', { resourceType: 'allocation' });
    });
    looked.push({ operation, index, target, scopeId: target?.scopeId ?? '' });
  }
  const taking = looked.filter(({ operation }) => operation.op !== 'release');
  const scopeIds = [...new Set(taking.map((each) => each.scopeId))];
  const paths: ReadonlyMap<string, readonly ScopeViewRow[]> =
    scopeIds.length === 0 ? new Map() : await lockScopePaths(tx, schemaName, scopeIds);
  const parts: Part[] = [];
  for (const { scopeId, ...each } of looked)
    parts.push(
      await inOperation(each.index, () => partOf(tx, caller, { ...each, scopeId, path: paths.get(scopeId) ?? [] })),
    );
  return parts;
}

async function partOf(
  tx: Tx,
  caller: Caller,
  each: Pick<Part, 'operation' | 'index' | 'target' | 'path'> & { scopeId: string },
): Promise<Part> {
  const { scopeId, ...part } = each;
  const { operation, target, path } = part;
  if (operation.op === 'release' && target !== undefined) return { ...part, scope: target };
  if (operation.op === 'replace' && operation.heals === true && target !== undefined) return { ...part, scope: target };
  const scope = scopeOf(caller, path, scopeId);
  if (operation.op !== 'create') return { ...part, scope };
  const earlier =
    operation.command.requestId === undefined
      ? undefined
      : await findByRequest(tx, scope.tenantId, operation.requestId);
  if (earlier !== undefined)
    return { ...part, scope, answer: await sameRequest(tx, caller, { earlier, command: operation.command }) };
  const window =
    operation.window === undefined ? {} : { window: expectWindow(judgeWindow(operation.window, await findNow(tx))) };
  return { ...part, scope, ...window, target: await findByConsumer(tx, scope.tenantId, operation.command.consumer) };
}

/** The environment as it may be used: known, and active up to the root. */
export function scopeOf(caller: Caller, path: readonly ScopeViewRow[], scopeId: string): Scope {
  const environment = path.at(-1);
  if (environment === undefined || !mayUse(caller, environment) || environment.tenantId === null)
    throw problem('reference-not-found', { pointer: '/environmentId', resourceType: 'environment' });
  expectActive(path);
  return { scopeId, tenantId: environment.tenantId, projectId: environment.parentId };
}

// The environment that the caller was let into, or one that it reads: another's is not there.
function mayUse(caller: Caller, { kind, tenantId, parentId, id }: ScopeViewRow): boolean {
  if (kind !== 'environment' || tenantId === null) return false;
  const wireId = encodeId('env', id);
  return (
    caller.scopes.some((scope) => scope.id === wireId) ||
    seesAllocation(caller, { tenantId, projectId: parentId, scopeId: id })
  );
}

/** The same requestId again: the same answer, if it is the same holder's; else it is somebody's mistake. */
export async function sameRequest(
  tx: Tx,
  caller: Caller,
  { earlier, command }: { earlier: AllocationRow; command: Reserve },
): Promise<Allocation> {
  const seen = seesAllocation(caller, earlier);
  const same =
    seen &&
    earlier.consumerService === command.consumer.service &&
    earlier.consumerKind === command.consumer.kind &&
    earlier.consumerId === command.consumer.id;
  if (!same) {
    const conflict = seen ? { conflictingId: encodeId('alc', earlier.id) } : {};
    throw problem('already-exists', { field: 'requestId', ...conflict });
  }
  return toAllocation(earlier, await listItems(tx, [earlier.id]));
}

/**
 * The allocation as it is under its lock, held to the version and the state that the operation wants.
 * @throws Problem not-found | version-mismatch | lease-expired | state-conflict | fence-stale | has-dependents
 */
export async function targetUnderLock(
  tx: Tx,
  { operation, target }: Pick<Part, 'operation' | 'target'>,
  { locked, caller }: { locked: Pick<Locked, 'rows' | 'items'>; caller: Caller },
): Promise<{ row: AllocationRow; items: readonly ItemRow[] }> {
  const row = locked.rows.get(target?.id ?? '');
  if (row === undefined || operation.op === 'create') throw problem('not-found', { resourceType: 'allocation' });
  expectVersion(row, operation.version);
  expectUnbound(caller, row);
  await expectNotStoodOn(tx, caller, row);
  const over = !live.includes(row.state) || row.overdue;
  if (operation.op === 'release') {
    if (over) throw problem('not-found', { resourceType: 'allocation' });
    const currentFence = operation.fence === undefined ? 0 : await findFence(tx, row.id);
    if (operation.fence !== undefined && operation.fence < currentFence)
      throw problem('fence-stale', { providedFence: operation.fence, currentFence });
  } else {
    const verdict = judgeStep(row, changeable);
    if (verdict === 'lease-expired')
      throw problem('lease-expired', {
        allocationId: encodeId('alc', row.id),
        expiredAt: (row.expiresAt ?? row.endedAt)?.toISOString(),
      });
    if (verdict === 'state-conflict') throw problem('state-conflict', { state: row.state, allowedStates: changeable });
  }
  return { row, items: (locked.items.get(row.id) ?? []).filter((item) => item.endedAt === null) };
}

/** @throws Problem version-mismatch */
export function expectVersion(row: AllocationRow, provided: number | undefined): void {
  if (provided === undefined || provided === row.version) return;
  throw problem(
    'version-mismatch',
    { resourceId: encodeId('alc', row.id), currentVersion: row.version, providedVersion: provided },
    'Read it again, then decide.',
  );
}

/**
 * One live allocation a consumer: a new one wants that it holds nothing, or nothing that this transaction leaves it.
 * @throws Problem version-mismatch
 */
export function expectNoHolder(caller: Caller, command: Reserve, holder: AllocationRow | undefined): void {
  if (holder !== undefined)
    throw problem(
      'version-mismatch',
      seesAllocation(caller, holder) ? { resourceId: encodeId('alc', holder.id), currentVersion: holder.version } : {},
      'This consumer holds an allocation already. Read it again, then decide.',
    );
  if (command.version !== undefined && command.version !== 0)
    throw problem(
      'version-mismatch',
      { currentVersion: 0, providedVersion: command.version },
      'This consumer holds nothing.',
    );
}
