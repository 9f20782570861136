import { platformScopeId } from '@sentral/contracts/contract';
import { encodeId, parseId } from '@sentral/contracts/ids';
import { effectivePolicy, violation, type EffectivePolicy, type Violation } from '@sentral/contracts/policy';
import { problem } from '@sentral/contracts/problem';
import type { Database, Tx } from '@sentral/kernel/database';
import type { Command } from '../command.js';
import type { ScopeViewRow } from '@sentral/kernel/scopes/view';
import type { Wanted } from './rules.js';
import { findNow, listPlaces, type Place } from './policy-sql.js';

/** What an allocation was judged by, and what only audit would have refused. */
export interface Judgement {
  readonly policyVersion: number;
  readonly auditOnly: readonly Violation['facts'][];
}

export type Reserve = Pick<Command<'allocation', 'reserve'>, 'labels' | 'ttlSeconds' | 'maxTtlSeconds'> & {
  /** How long a window is. */
  readonly windowSeconds?: number;
};

/**
 * Holds a new allocation to the policies on its path, as this context knows them in this transaction.
 * @throws Problem policy-violation
 */
export async function judgeReserve(
  tx: Tx,
  path: readonly ScopeViewRow[],
  { command, wanted }: { command: Reserve; wanted: readonly Wanted[] },
): Promise<Judgement> {
  return judged(tx, path, async (effective) => violationsOf(effective, command, await placesOf(tx, wanted)));
}

/** Where the nodes of a request lie. */
export async function placesOf(tx: Tx, wanted: readonly Wanted[]): Promise<readonly Place[]> {
  const nodes = wanted
    .filter((item) => item.what === 'node' || item.what === 'capacity')
    .map((item) => item.providerId);
  return nodes.length === 0 ? [] : listPlaces(tx, nodes);
}

/** What of a request each policy would not have, enforced or only audited. */
export function violationsOf(
  effective: EffectivePolicy,
  { labels, ttlSeconds, maxTtlSeconds, windowSeconds }: Reserve,
  places: readonly Place[],
): readonly (Violation | undefined)[] {
  const lease = windowSeconds ?? Math.max(ttlSeconds ?? Infinity, maxTtlSeconds ?? 0);
  return [
    violation(effective, 'inventory.allowedLocations', (allowed) =>
      places.every(({ ancestors }) => liesIn(ancestors, allowed)),
    ),
    violation(effective, 'inventory.leaseSecondsMax', (max) => max === null || lease <= max),
    violation(effective, 'inventory.requiredLabels', (keys) => keys.every((key) => Object.hasOwn(labels, key))),
  ];
}

/** The policies of a path as they hold in this transaction. */
export const effectiveOn = async (
  on: Pick<Tx | Database, 'sql'>,
  path: readonly ScopeViewRow[],
): Promise<EffectivePolicy> => effectivePolicy(policiesOf(path), await findNow(on));

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
  const { value } = (await effectiveOn(on, path)).values['inventory.allowedLocations'];
  return value === null ? null : value.map((id) => parseId(id).uuid);
}

async function judged(
  tx: Tx,
  path: readonly ScopeViewRow[],
  judge: (effective: EffectivePolicy) => Promise<readonly (Violation | undefined)[]>,
): Promise<Judgement> {
  const policyVersion = Math.max(0, ...path.map((scope) => scope.policyVersion));
  if (path.every((scope) => scope.policyBindings.length === 0)) return { policyVersion, auditOnly: [] };
  const violations = (await judge(await effectiveOn(tx, path))).filter((each) => each !== undefined);
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
