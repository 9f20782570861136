import { platformScopeId } from '@sentral/contracts/contract';
import { encodeId, parseId } from '@sentral/contracts/ids';
import { effectivePolicy, violation, type EffectivePolicy, type Violation } from '@sentral/contracts/policy';
import { problem } from '@sentral/contracts/problem';
import type { Database, Tx } from '@sentral/kernel/database';
import type { Command } from '../command.js';
import type { ScopeViewRow } from '../projection/sql.js';
import type { Wanted } from './rules.js';
import { findNow, listPlaces } from './policy-sql.js';

/** What an allocation was judged by, and what only audit would have refused. */
export interface Judgement {
  readonly policyVersion: number;
  readonly auditOnly: readonly Violation['facts'][];
}

type Reserve = Pick<Command<'allocation', 'reserve'>, 'labels' | 'ttlSeconds' | 'maxTtlSeconds'>;

/**
 * Holds a new allocation to the policies on its path, as this context knows them in this transaction.
 * @throws Problem policy-violation
 */
export async function judgeReserve(
  tx: Tx,
  path: readonly ScopeViewRow[],
  { command, wanted }: { command: Reserve; wanted: readonly Wanted[] },
): Promise<Judgement> {
  const nodes = wanted
    .filter((item) => item.what === 'node' || item.what === 'capacity')
    .map((item) => item.providerId);
  const lease = Math.max(command.ttlSeconds ?? Infinity, command.maxTtlSeconds ?? 0);
  return judged(tx, path, async (effective) => {
    const places = nodes.length === 0 ? [] : await listPlaces(tx, nodes);
    return [
      violation(effective, 'inventory.allowedLocations', (allowed) =>
        places.every(({ ancestors }) => liesIn(ancestors, allowed)),
      ),
      violation(effective, 'inventory.leaseSecondsMax', (max) => max === null || lease <= max),
      violation(effective, 'inventory.requiredLabels', (keys) =>
        keys.every((key) => Object.hasOwn(command.labels, key)),
      ),
    ];
  });
}

/**
 * Holds a lease that is to last longer, for so many seconds or for good (null), to the policies.
 * @throws Problem policy-violation
 */
export function judgeLease(tx: Tx, path: readonly ScopeViewRow[], ttlSeconds: number | null): Promise<Judgement> {
  return judged(tx, path, async (effective) => [
    violation(effective, 'inventory.leaseSecondsMax', (max) => max === null || (ttlSeconds ?? Infinity) <= max),
  ]);
}

/** Where things may lie, by what is enforced on the path; null is anywhere. Who chooses asks before, `judgeReserve` judges. */
export async function allowedPlaces(
  on: Pick<Tx | Database, 'sql'>,
  path: readonly ScopeViewRow[],
): Promise<readonly string[] | null> {
  if (path.every((scope) => scope.policyBindings.length === 0)) return null;
  const { value } = effectivePolicy(policiesOf(path), await findNow(on)).values['inventory.allowedLocations'];
  return value === null ? null : value.map((id) => parseId(id).uuid);
}

async function judged(
  tx: Tx,
  path: readonly ScopeViewRow[],
  judge: (effective: EffectivePolicy) => Promise<readonly (Violation | undefined)[]>,
): Promise<Judgement> {
  const policyVersion = Math.max(0, ...path.map((scope) => scope.policyVersion));
  if (path.every((scope) => scope.policyBindings.length === 0)) return { policyVersion, auditOnly: [] };
  const violations = (await judge(effectivePolicy(policiesOf(path), await findNow(tx)))).filter(
    (each) => each !== undefined,
  );
  const enforced = violations.find((each) => each.enforced);
  if (enforced !== undefined) throw problem('policy-violation', enforced.facts);
  return { policyVersion, auditOnly: violations.map(({ facts }) => facts) };
}

/** Null allows every place; else one of the node's own ancestors, or the node itself, is named. */
export const liesIn = (ancestors: readonly string[], allowed: readonly string[] | null): boolean =>
  allowed === null || ancestors.some((id) => allowed.includes(encodeId('nod', id)));

const prefixes = { tenant: 'tnt', project: 'prj', environment: 'env' } as const;

function policiesOf(path: readonly ScopeViewRow[]) {
  return path.map((scope) => ({
    id: scope.kind === 'platform' ? platformScopeId : encodeId(prefixes[scope.kind], scope.id),
    policyVersion: scope.policyVersion,
    policyBindings: scope.policyBindings,
    exemptions: scope.exemptions,
  }));
}
