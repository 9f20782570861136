import type { NodeResource } from '../change-set.js';
import { nestBlocks } from './block-tree.js';
import { conflicts } from './conflicts.js';
import { blocked, movesHeld, type Held } from './held.js';
import { offersInUse } from './offers.js';
import {
  refusal,
  type BlockParents,
  type Known,
  type Planned,
  type Refusal,
  type Staged,
  type Surroundings,
} from './plan.js';
import { referencesOf } from './references.js';
import { tenantFault, type Tenants } from './tenants.js';
import { canonicalCidr, valueFault } from './values.js';

export interface SetToJudge {
  readonly staged: readonly Staged[];
  readonly known: ReadonlyMap<string, Known>;
  /** Keys to end: deletes of the set, and what a complete set does not name. */
  readonly ends: ReadonlySet<string>;
  readonly surroundings: Surroundings;
  readonly tenants: Tenants;
  readonly held: Held;
  readonly newId: () => string;
}

export interface Judged {
  readonly planned: readonly Planned[];
  readonly refused: ReadonlyMap<number, Refusal>;
  readonly parents: BlockParents;
  /** Ids of rows whose host or number another one occupies. */
  readonly besides: ReadonlySet<string>;
}

/**
 * Judges a set at its end state: every row is held against the others as they will be, not as they are. A row that cannot stand is
 * refused with what depends on it; the rest stands. Refusing one row may let another stand or fall, so it is judged until nothing changes.
 */
export function judge(set: SetToJudge): Judged {
  const refused = new Map<number, Refusal>();
  const byKey = new Map<string, Planned>();
  for (const row of set.staged) {
    if (row.op !== 'upsert' || row.resource === undefined) continue;
    const known = set.known.get(row.key);
    const fault = valueFault(row.resource, set.surroundings);
    const used = offersInUse({ resource: row.resource, known }, set.surroundings);
    const notTheirs = tenantFault(row.resource, known, set.tenants);
    if (fault !== undefined) refused.set(row.line, refusal('validation-failed', fault));
    else if (notTheirs !== undefined) refused.set(row.line, notTheirs);
    else if (known !== undefined && known.type !== row.resource.type)
      refused.set(row.line, refusal('already-exists', `the key names a ${known.type} already`));
    else if (becomesAnother(row.resource, known))
      refused.set(row.line, refusal('state-conflict', `it is a ${known?.kind} and stays one`));
    else if (row.ifMatch !== undefined && row.ifMatch !== (known?.version ?? 0))
      refused.set(row.line, refusal('version-mismatch', `its version is ${known?.version ?? 0}, not ${row.ifMatch}`));
    else if (used !== undefined) refused.set(row.line, used);
    else
      byKey.set(row.key, { line: row.line, key: row.key, id: known?.id ?? set.newId(), resource: row.resource, known });
  }
  for (;;) {
    const before = refused.size;
    refuseDependants(set, byKey, refused);
    const idOf = (key: string): string | undefined => byKey.get(key)?.id ?? set.known.get(key)?.id;
    for (const row of byKey.values()) if (movesHeld(row, set.held, idOf)) refuse(byKey, refused, row, blocked);
    const standing = [...byKey.values()];
    const { parents, repeated } = nestBlocks(blocksAtTheEnd(set, byKey));
    const byId = new Map(standing.map((row) => [row.id, row]));
    for (const [id, holder] of repeated) {
      const row = byId.get(id);
      if (row !== undefined)
        refuse(
          byKey,
          refused,
          row,
          refusal(
            'allocation-conflict',
            `the prefix is ${byId.get(holder.id)?.key ?? 'a block that was there before'} already`,
          ),
        );
    }
    const { refusals, besides } = conflicts(set, byKey);
    for (const [row, reason] of refusals) refuse(byKey, refused, row, reason);
    if (refused.size === before) return { planned: inOrder(set, byKey), refused, parents, besides };
  }
}

function refuse(byKey: Map<string, Planned>, refused: Map<number, Refusal>, row: Planned, reason: Refusal): void {
  refused.set(row.line, reason);
  byKey.delete(row.key);
}

/** Refuses what names something that will not be there, and what would be its own ancestor. */
function refuseDependants(set: SetToJudge, byKey: Map<string, Planned>, refused: Map<number, Refusal>): void {
  const verdicts = new Map<string, Refusal | null | 'asked'>();
  const verdictOf = (row: Planned): Refusal | null => {
    const seen = verdicts.get(row.key);
    if (seen === 'asked') return refusal('cycle-detected', 'its parents form a cycle');
    if (seen !== undefined) return seen;
    verdicts.set(row.key, 'asked');
    const verdict = faultOfReferences(row);
    verdicts.set(row.key, verdict);
    return verdict;
  };
  const faultOfReferences = (row: Planned): Refusal | null => {
    for (const { key, types, as } of referencesOf(row.resource)) {
      const target = byKey.get(key);
      if (target === undefined) {
        const known = set.known.get(key);
        if (known === undefined || set.ends.has(key))
          return refusal('reference-not-found', `its ${as} ${key} is not there`);
        if (!types.includes(known.type)) return refusal('reference-not-found', `its ${as} ${key} is a ${known.type}`);
      } else {
        if (!types.includes(target.resource.type))
          return refusal('reference-not-found', `its ${as} ${key} is a ${target.resource.type}`);
        const above = verdictOf(target);
        if (above !== null) return refusal('reference-not-found', `its ${as} ${key} was refused: ${above.detail}`);
      }
    }
    return row.resource.type === 'node' ? placementFault(set, byKey, row.resource) : null;
  };
  for (const row of byKey.values()) verdictOf(row);
  const standing = [...byKey.values()];
  for (const row of standing) {
    const verdict = verdicts.get(row.key);
    if (verdict !== null && verdict !== undefined && verdict !== 'asked') refuse(byKey, refused, row, verdict);
  }
}

function placementFault(set: SetToJudge, byKey: ReadonlyMap<string, Planned>, node: NodeResource): Refusal | null {
  if (node.parent === undefined) return null;
  const target = byKey.get(node.parent)?.resource;
  const parentKind = target?.type === 'node' ? target.kind : set.known.get(node.parent)?.kind;
  const allowed = set.surroundings.kinds.get(node.kind)?.allowedParents ?? null;
  if (parentKind === undefined || allowed === null || allowed.includes(parentKind)) return null;
  return refusal('topology-violation', `a ${node.kind} cannot stand in a ${parentKind}`);
}

/** Blocks that live when the set is done: what stays of the database first, so that a holder keeps what it has, then the set. */
function blocksAtTheEnd(
  set: SetToJudge,
  byKey: ReadonlyMap<string, Planned>,
): { id: string; spaceId: string; cidr: string }[] {
  const ending = new Set([...set.ends].map((key) => set.known.get(key)?.id));
  const written = new Set([...byKey.values()].map((row) => row.id));
  const stay = set.surroundings.blocks.filter((block) => !ending.has(block.id) && !written.has(block.id));
  const given: { id: string; spaceId: string; cidr: string }[] = [];
  for (const { id, resource } of byKey.values()) {
    if (resource.type !== 'addressBlock') continue;
    const spaceId = byKey.get(resource.space)?.id ?? set.known.get(resource.space)?.id;
    if (spaceId !== undefined) given.push({ id, spaceId, cidr: canonicalCidr(resource.cidr) });
  }
  return [...stay, ...given];
}

/** Parents before children: the database judges a foreign key at the end of each statement, and a large set takes several. */
function inOrder(set: SetToJudge, byKey: ReadonlyMap<string, Planned>): Planned[] {
  const done = new Set<string>();
  const out: Planned[] = [];
  for (const row of set.staged) {
    const chain: Planned[] = [];
    let at = byKey.get(row.key);
    while (at !== undefined && !done.has(at.key)) {
      done.add(at.key);
      chain.push(at);
      at = at.resource.type === 'node' && at.resource.parent !== undefined ? byKey.get(at.resource.parent) : undefined;
    }
    out.push(...chain.reverse());
  }
  return out;
}

/** What lies in a domain is of its kind, and what stands in a rack stands in no other thing. */
const becomesAnother = (resource: Staged['resource'], known: Known | undefined): boolean =>
  known !== undefined &&
  ((resource?.type === 'numberDomain' && resource.kind !== known.kind) ||
    (resource?.type === 'node' && known.kind === 'rack' && resource.kind !== 'rack'));
