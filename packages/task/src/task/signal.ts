import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import { isTerminal } from '../decide/aggregate.js';
import type { Deps } from '../deps.js';
import type { Json } from '../plan/template.js';
import { insertSignal } from './signal-sql.js';
import { askTask } from './ask.js';

/**
 * Tells the wait step of this name, or the one that will come; the same message twice is one signal.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export function signalTask(deps: Deps, caller: Caller, asked: Command<'task', 'signal'>): Promise<Task> {
  const id = deps.newId();
  const { name, messageId = id } = asked;
  const data = asked.data as Json;
  return askTask(deps, caller, {
    ...asked,
    inputOf: async (tx, { stored }) => {
      if (isTerminal(stored.state)) throw problem('state-conflict', { state: stored.state });
      const fresh = await insertSignal(tx, stored.id, { id, name, messageId, data });
      return fresh ? { on: 'signal', id, name, data } : undefined;
    },
  });
}
