import { consistencySpans } from '@sentral/contracts/audit-proof';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { logSeen } from './get.js';
import { hashesOf } from './tree.js';

/**
 * What shows that one tree of a log is the beginning of another.
 * @throws Problem not-found, invalid-parameter
 */
export async function proveConsistency(
  deps: Deps,
  caller: Caller,
  command: Command<'log', 'consistency'>,
): Promise<Result<'log', 'consistency'>> {
  const log = await logSeen(deps, caller, command.id);
  const { from, to = log.size } = command;
  if (to > log.size) throw problem('invalid-parameter', { parameter: 'to', allowed: `at most ${log.size}` });
  if (from > to) throw problem('invalid-parameter', { parameter: 'from', allowed: `at most ${to}` });
  const [fromRoot = '', toRoot = '', ...hashes] = await hashesOf(deps.db.platform, log, [
    { start: 0, end: from },
    { start: 0, end: to },
    ...consistencySpans(from, to),
  ]);
  return { logId: command.id, from, to, fromRoot, toRoot, hashes };
}
