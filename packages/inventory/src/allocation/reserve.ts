import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordAllocation } from './events.js';
import { end } from './end.js';
import { findDomainsOfRanges } from './number-sql.js';
import { inChange } from '../change.js';
import { toAllocation } from './resource.js';
import { readItems, takingOrder, type Wanted } from './rules.js';
import { expectActive } from '../projection/active.js';
import { bringForward } from '../projection/bring.js';
import { findTenantOf, lockScopePath, type ScopeViewRow } from '../projection/sql.js';
import { moveQuota, type Held } from '../quota/move.js';
import { untilRoom } from '../quota/room.js';
import { seesAllocation, takingSight, type Sight } from '../reading.js';
import { judgeReserve } from './policy.js';
import {
  findByConsumer,
  findByRequest,
  insertAllocation,
  listItems,
  lockOverdue,
  lockProviders,
  type AllocationRow,
} from './sql.js';
import { nodesToTake, take } from './take.js';

type Reserve = Command<'allocation', 'reserve'>;

/**
 * Takes all items or none, in one transaction: held for ttlSeconds, active at once without one.
 * @throws Problem reference-not-found | scope-not-active | version-mismatch | already-exists | allocation-conflict | capacity-exhausted | state-conflict |
 *   quota-exceeded | policy-violation
 */
export async function reserveAllocation(deps: Deps, caller: Caller, command: Reserve) {
  await bringForward(deps, caller.scopes);
  const wanted = await wantedOf(deps, caller, command);
  const id = deps.newId();
  const requestId = command.requestId ?? encodeId('req', deps.newId());
  return untilRoom(deps, () =>
    inChange(deps, caller, (tx) => reserveIn(tx, { deps, caller, command, wanted, id, requestId })),
  );
}

interface Attempt {
  readonly deps: Deps;
  readonly caller: Caller;
  readonly command: Reserve;
  readonly wanted: readonly Wanted[];
  readonly id: string;
  readonly requestId: string;
}

async function wantedOf(deps: Deps, caller: Caller, command: Reserve): Promise<readonly Wanted[]> {
  const rangeIds = command.items.flatMap((item) =>
    item.what === 'number' && item.rangeId !== undefined ? [decodeId('rng', item.rangeId)] : [],
  );
  const domains =
    rangeIds.length === 0
      ? new Map<string, string>()
      : await findDomainsOfRanges(deps.db.app, await sightBefore(deps, caller, command), rangeIds);
  const read = readItems(command.items, (rangeId) => domains.get(rangeId));
  if ('faults' in read) throw problem('validation-failed', { errors: read.faults });
  return read.wanted;
}

// What may be given to the environment, as far as it is known before the transaction that decides.
async function sightBefore(deps: Deps, caller: Caller, { environmentId }: Reserve): Promise<Sight> {
  return takingSight(caller, await findTenantOf(deps.db.app, decodeId('env', environmentId)));
}

async function reserveIn(tx: Tx, attempt: Attempt) {
  const { caller, command, wanted, deps } = attempt;
  const { path, ...scope } = await scopeOf(tx, caller, command.environmentId);
  const earlier = await findByRequest(tx, scope.tenantId, attempt.requestId);
  if (earlier !== undefined) return sameRequest(tx, caller, { earlier, command });

  const providerIds = [...new Set(wanted.map((item) => item.providerId))].toSorted();
  await lockProviders(tx, providerIds);
  const holder = await findByConsumer(tx, scope.tenantId, command.consumer);
  const overdue = await lockOverdue(tx, { providerIds, consumerOf: holder?.id ?? null });
  const given: Held[] = [];
  for (const id of overdue)
    given.push(...(await end(tx, id, { state: 'expired', traceparent: caller.traceparent })).gives);
  const held = holder !== undefined && !overdue.includes(holder.id) ? holder : undefined;
  if (held !== undefined) {
    throw problem(
      'version-mismatch',
      seesAllocation(caller, held) ? { resourceId: encodeId('alc', held.id), currentVersion: held.version } : {},
      'This consumer holds an allocation already. Read it again, then decide.',
    );
  }
  if (command.version !== undefined && command.version !== 0) {
    throw problem(
      'version-mismatch',
      { currentVersion: 0, providedVersion: command.version },
      'This consumer holds nothing.',
    );
  }

  const judgement = await judgeReserve(tx, path, { command, wanted });
  const row = await insertAllocation(tx, {
    id: attempt.id,
    ...scope,
    requestId: attempt.requestId,
    consumerService: command.consumer.service,
    consumerKind: command.consumer.kind,
    consumerId: command.consumer.id,
    ttlSeconds: command.ttlSeconds ?? null,
    maxTtlSeconds: command.ttlSeconds === undefined ? null : Math.max(command.maxTtlSeconds ?? 0, command.ttlSeconds),
    onExpiry: command.onExpiry,
    labels: command.labels,
    policyVersion: judgement.policyVersion,
  });
  const sight = takingSight(caller, scope.tenantId);
  const nodes = await nodesToTake(tx, sight, wanted);
  const taker = {
    tx,
    caller,
    sight,
    allocationId: row.id,
    tenantId: scope.tenantId,
    newId: deps.newId,
    traceparent: caller.traceparent,
  };
  const taken: Held[] = [];
  for (const item of takingOrder(wanted)) taken.push({ ...scope, dimension: await take(taker, item, nodes), delta: 1 });
  const seen = await recordAllocation(tx, row, {
    event: row.state === 'held' ? 'held' : 'confirmed',
    traceparent: caller.traceparent,
    auditOnly: judgement.auditOnly,
  });
  await moveQuota(tx, [...taken, ...given]);
  return seen;
}

/** The environment as it may be used now: known, and active up to the root. */
async function scopeOf(tx: Tx, caller: Caller, environmentId: Reserve['environmentId']) {
  const scopeId = decodeId('env', environmentId);
  const path = await lockScopePath(tx, scopeId);
  const environment = path.at(-1);
  if (environment === undefined || !mayUse(caller, environmentId, environment) || environment.tenantId === null) {
    throw problem('reference-not-found', { pointer: '/environmentId', resourceType: 'environment' });
  }
  expectActive(path);
  return { path, scopeId, tenantId: environment.tenantId, projectId: environment.parentId };
}

// The environment that the caller was let into, or one that it reads: another's is not there.
function mayUse(caller: Caller, id: string, { kind, tenantId, parentId, id: scopeId }: ScopeViewRow): boolean {
  if (kind !== 'environment' || tenantId === null) return false;
  return caller.scopes.at(-1)?.id === id || seesAllocation(caller, { tenantId, projectId: parentId, scopeId });
}

/** The same requestId again: the same answer, if it is the same holder's; else it is somebody's mistake. */
async function sameRequest(tx: Tx, caller: Caller, { earlier, command }: { earlier: AllocationRow; command: Reserve }) {
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
