import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { tokens, withLastUse } from './sql.js';

/**
 * One token, without its secret.
 * @throws Problem not-found
 */
export async function getToken(
  deps: Deps,
  caller: Caller,
  command: Command<'token', 'get'>,
): Promise<Result<'token', 'get'>> {
  const shown = await getScoped(deps, caller, { noun: tokens, id: decodeId('tok', command.id) });
  const [token = shown] = await withLastUse(deps.db.platform, [shown]);
  return token;
}
