// What groups of requests have in common: each member's verdict, its key, and what becomes of all when the transaction breaks.
import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { isProblem, type Problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { isCommitUnknown } from '@sentral/kernel/errors';
import { lookUpKeys, storedResult, storeResults, type IdempotencyKey } from '@sentral/kernel/idempotency';
import { judged, schemaName } from '../change.js';
import type { Deps } from '../deps.js';

export type Verdict = { readonly seen: Allocation } | { readonly refused: Problem };

interface Keyed {
  readonly caller: Caller;
}

/**
 * Judges all in one transaction. What breaks it harms nobody else: each runs alone then.
 * @returns an answer each, once the group is committed; those that take longer keep nobody waiting
 * @throws Problem overloaded | dependency-unavailable: nothing was tried
 */
export async function judgedTogether<M extends Keyed>(
  deps: Deps,
  members: readonly M[],
  how: {
    readonly together: () => Promise<ReadonlyMap<M, Verdict>>;
    readonly told: (member: M, verdict: Verdict) => Promise<Allocation>;
    readonly alone: (member: M) => Promise<Allocation>;
  },
): Promise<readonly Promise<Allocation>[]> {
  try {
    const verdicts = await how.together();
    return members.map(async (member) => {
      const verdict = verdicts.get(member);
      if (verdict === undefined) throw new Error('a member of a group was not judged');
      return how.told(member, verdict);
    });
  } catch (error) {
    if (isProblem(error, 'overloaded') || isProblem(error, 'dependency-unavailable')) throw error;
    if (isCommitUnknown(error)) return members.map(({ caller }) => byKey(deps, caller.idempotency, error as Error));
    deps.telemetry.log('info', 'a group of allocations is judged one by one', { members: members.length, error });
    return members.map(how.alone);
  }
}

/** What was stored is what was committed. */
async function byKey(deps: Deps, key: IdempotencyKey | undefined, unknown: Error): Promise<Allocation> {
  const stored = key === undefined ? undefined : await judged(storedResult(deps.db.app, schemaName, key));
  return stored === undefined ? judged(Promise.reject(unknown)) : (stored.result as Allocation);
}

/** A refusal is the verdict of one; anything else breaks the group. */
export const judging =
  <M>(verdicts: Map<M, Verdict>) =>
  async (member: M, work: () => void | Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isProblem(error)) throw error;
      verdicts.set(member, { refused: error });
    }
  };

/** Keys are locked and looked up at once; what has been answered is answered again. */
export async function answerRepeated<M extends Keyed>(
  tx: Tx,
  members: readonly M[],
  verdicts: Map<M, Verdict>,
): Promise<void> {
  const keyed = members.flatMap((member) => {
    const key = member.caller.idempotency;
    return key === undefined ? [] : [{ member, key }];
  });
  if (keyed.length === 0) return;
  const found = await lookUpKeys(
    tx,
    schemaName,
    keyed.map(({ key }) => key),
  );
  for (const [at, { member }] of keyed.entries()) {
    const verdict = found[at];
    if (verdict?.state === 'refused') verdicts.set(member, { refused: verdict.problem });
    if (verdict?.state === 'done')
      verdicts.set(member, { seen: { ...(verdict.result as Allocation), replayed: true as const } });
  }
}

/** The primary key of the idempotency table judges last: a key that got its answer meanwhile breaks the group. */
export async function storeAnswers(tx: Tx, verdicts: ReadonlyMap<Keyed, Verdict>): Promise<void> {
  const fresh = [...verdicts].flatMap(([{ caller }, verdict]) =>
    caller.idempotency === undefined || !('seen' in verdict) || verdict.seen.replayed === true
      ? []
      : [{ ...caller.idempotency, result: verdict.seen }],
  );
  if (fresh.length > 0) await storeResults(tx, schemaName, fresh);
}
