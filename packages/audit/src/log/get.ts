import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { toLog } from './resource.js';
import { findLog, logIsVisible, type LogRow } from './sql.js';

/**
 * One log.
 * @throws Problem not-found
 */
export async function getLog(
  deps: Deps,
  caller: Caller,
  command: Command<'log', 'get'>,
): Promise<Result<'log', 'get'>> {
  return toLog(await logSeen(deps, caller, command.id));
}

/**
 * The log, where the caller may see it.
 * @throws Problem not-found
 */
export async function logSeen(deps: Deps, caller: Caller, id: string): Promise<LogRow> {
  const log = await readingAs(deps, caller, async (on, visible) => {
    const found = await findLog(on, decodeId('log', id));
    return found !== undefined && logIsVisible(visible, found) ? found : undefined;
  });
  if (log === undefined) throw problem('not-found', { resourceType: 'auditLog' });
  return log;
}
