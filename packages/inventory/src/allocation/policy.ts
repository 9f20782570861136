import { encodeId } from '@sentral/contracts/ids';
import { platformScopeId } from '@sentral/contracts/contract';
import { effectivePolicy, type EffectivePolicy, type PolicyKey } from '@sentral/contracts/policy';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Command } from '../command.js';
import type { ScopeViewRow } from '../projection/sql.js';
import type { Wanted } from './rules.js';
import { findNow, listPlaces } from './policy-sql.js';

/** What an allocation was judged by, and what only audit would have refused. */
export interface Judgement {
  readonly policyVersion: number;
  readonly auditOnly: readonly { readonly key: PolicyKey; readonly binding?: string }[];
}

type Check = (value: unknown) => boolean;
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
  const policyVersion = Math.max(0, ...path.map((scope) => scope.policyVersion));
  if (path.every((scope) => scope.policyBindings.length === 0)) return { policyVersion, auditOnly: [] };
  const nodes = wanted.filter((item) => item.what === 'node').map((item) => item.providerId);
  const places = nodes.length === 0 ? [] : await listPlaces(tx, nodes);
  const lease = Math.max(command.ttlSeconds ?? Infinity, command.maxTtlSeconds ?? 0);
  const checks: readonly [PolicyKey, Check][] = [
    ['inventory.allowedLocations', (allowed) => places.every(({ ancestors }) => liesIn(ancestors, allowed))],
    ['inventory.leaseSecondsMax', (max) => max === null || lease <= (max as number)],
    ['inventory.requiredLabels', (keys) => (keys as string[]).every((key) => Object.hasOwn(command.labels, key))],
  ];
  const effective = effectivePolicy(pathOf(path), await findNow(tx));
  return { policyVersion, auditOnly: checks.flatMap(([key, check]) => judgeOne(effective, key, check)) };
}

/**
 * Holds a longer lease to the policies.
 * @throws Problem policy-violation
 */
export async function judgeRenew(tx: Tx, path: readonly ScopeViewRow[], ttlSeconds: number): Promise<Judgement> {
  const policyVersion = Math.max(0, ...path.map((scope) => scope.policyVersion));
  if (path.every((scope) => scope.policyBindings.length === 0)) return { policyVersion, auditOnly: [] };
  const effective = effectivePolicy(pathOf(path), await findNow(tx));
  const check: Check = (max) => max === null || ttlSeconds <= (max as number);
  return { policyVersion, auditOnly: judgeOne(effective, 'inventory.leaseSecondsMax', check) };
}

/** Null allows every place; else one of the node's own ancestors, or the node itself, is named. */
export const liesIn = (ancestors: readonly string[], allowed: unknown): boolean =>
  allowed === null || ancestors.some((id) => (allowed as string[]).includes(encodeId('nod', id)));

const prefixes = { tenant: 'tnt', project: 'prj', environment: 'env' } as const;

function pathOf(path: readonly ScopeViewRow[]) {
  return path.map((scope) => ({
    id: scope.kind === 'platform' ? platformScopeId : encodeId(prefixes[scope.kind], scope.id),
    policyVersion: scope.policyVersion,
    policyBindings: scope.policyBindings,
    exemptions: scope.exemptions,
  }));
}

function judgeOne(effective: EffectivePolicy, key: PolicyKey, check: Check): Judgement['auditOnly'] {
  const { value, audited, contributions, exemptedBy } = effective.values[key];
  // The nearest binding that refuses by itself is the one to name.
  const blame = contributions.findLast((each) => !check(each.value));
  const binding = blame === undefined ? {} : { binding: blame.bindingId };
  if (!check(value)) throw problem('policy-violation', { key, scope: blame?.scopeId, ...binding, allowed: value });
  return exemptedBy !== undefined || check(audited) ? [] : [{ key, ...binding }];
}
