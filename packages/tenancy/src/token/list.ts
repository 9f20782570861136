import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listScoped } from '../scoped.js';
import { tokens, withLastUse } from './sql.js';

/**
 * Tokens, ordered by id, without their secrets.
 * @throws Problem invalid-cursor
 */
export async function listTokens(
  deps: Deps,
  caller: Caller,
  command: Command<'token', 'list'>,
): Promise<Result<'token', 'list'>> {
  const shown = await listScoped(deps, caller, {
    noun: tokens,
    page: command,
    filter: (q) => {
      if (command.serviceAccountId !== undefined)
        q.and(`x.service_account_id = ${q.value(decodeId('sac', command.serviceAccountId))}::uuid`);
    },
  });
  return { ...shown, items: await withLastUse(deps.db.platform, shown.items) };
}
