import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Task } from '@sentral/contracts/task/task';
import { expectVersion } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { inChange, schemaName } from '../change.js';
import { findLetter, lockOpenLetters, resolveLetter } from '../dead-letter/sql.js';
import { recordLetter } from '../dead-letter/told.js';
import { decide } from '../decide/decide.js';
import { isTerminal } from '../decide/aggregate.js';
import type { Actor, Decision, HumanCommand, Input } from '../decide/decision.js';
import type { Deps } from '../deps.js';
import { expectSeen } from '../reading.js';
import { announce, drawJitter, type Taken } from '../run/take.js';
import { load, type Loaded } from '../store/aggregate.js';
import { lockTask } from '../store/sql.js';
import { writeDecision } from '../store/write.js';
import { toTask } from './resource.js';

export interface Asking {
  readonly id: string;
  /** The version that the question is based on, if the caller cares. */
  readonly version?: number | undefined;
  readonly note?: string | undefined;
}

export const actorOf = ({ principal }: Caller): Actor => ({ type: principal.type, id: principal.id });

/** What a person asks of a task: decided under the lock of its row, with the caller in the record. */
export async function askTask(
  deps: Deps,
  caller: Caller,
  { id, version, inputOf }: Asking & { inputOf: (tx: Tx, loaded: Loaded) => Promise<Input | undefined> | Input },
): Promise<Task> {
  const uuid = decodeId('tsk', id);
  const jitter = drawJitter();
  let taken: Pick<Taken, 'decision' | 'loaded'> | undefined;
  const task = await inChange(deps, caller, async (tx) => {
    const stored = expectSeen(caller, await lockTask(tx, uuid));
    const current = { prefix: 'tsk' as const, id: uuid, version: stored.version };
    await expectVersion(tx, schemaName, { current, provided: version });
    const loaded = await load(tx, stored);
    const input = await inputOf(tx, loaded);
    if (input === undefined) return toTask(stored);
    const context = { now: stored.now.getTime(), jitter, paused: loaded.paused };
    const decided = decide(loaded.aggregate, input, context);
    if (decided.refusal !== undefined) throw refused(loaded, decided.refusal);
    // A signal names nobody by itself; here it was a person, or a service account.
    const { event } = decided;
    const decision = event === undefined ? decided : { ...decided, event: { actor: actorOf(caller), ...event } };
    const after = await writeDecision(tx, deps, { loaded, decision, cause: { caller } });
    if (input.on === 'retry' || input.on === 'waive' || input.on === 'abandon')
      await settleLetters(tx, caller, { taskId: uuid, command: input });
    taken = { decision, loaded: after };
    return toTask(after.stored);
  });
  if (taken !== undefined) announce(deps, taken);
  return task;
}

/** One of the commands that are the same for every task. */
export const commandTask = (deps: Deps, caller: Caller, asking: Asking & { command: HumanCommand }): Promise<Task> =>
  askTask(deps, caller, { ...asking, inputOf: () => asking.command });

export const noted = (note: string | undefined) => (note === undefined ? {} : { note });

async function settleLetters(
  tx: Tx,
  caller: Caller,
  { taskId, command }: { taskId: string; command: Extract<HumanCommand, { on: 'retry' | 'waive' | 'abandon' }> },
): Promise<void> {
  const { actor, note = null } = command;
  const stepId = command.on === 'abandon' ? null : command.stepId;
  const state = command.on === 'retry' ? 'redriven' : 'discarded';
  for (const before of await lockOpenLetters(tx, { taskId, stepId })) {
    await resolveLetter(tx, before.id, { state, actor, note });
    await recordLetter(tx, caller, { before, after: (await findLetter(tx, before.id)) ?? before, state });
  }
}

function refused({ stored, aggregate }: Loaded, { code, detail }: NonNullable<Decision['refusal']>): Error {
  if (code === 'not-found') return problem(code, { resourceType: 'step' });
  if (code !== 'past-pivot') return problem(code, { state: stored.state, ended: isTerminal(stored.state) }, detail);
  const pivot = aggregate.steps.find((step) => step.pivot && step.attempt > 0)?.key;
  return problem(code, pivot === undefined ? {} : { step: pivot }, detail);
}
