import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { feedEvent } from '@sentral/kernel/change';
import { record } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

/**
 * Puts a request that changed nothing on record. It goes through the feed of this context, as a change goes through that of its own, so there is one
 * way onto a log; it is kept from here on, and in its log about a second later.
 */
export async function reportRequest(
  deps: Deps,
  caller: Caller,
  { tenantId, projectId, environmentId, ...asked }: Command<'request', 'report'>,
): Promise<Result<'request', 'report'>> {
  const id = deps.newId();
  const scope = {
    ...(tenantId === undefined ? {} : { tenantId: decodeId('tnt', tenantId) }),
    ...(projectId === undefined ? {} : { projectId: decodeId('prj', projectId) }),
    ...(environmentId === undefined ? {} : { environmentId: decodeId('env', environmentId) }),
  };
  const told = feedEvent(schemaName, caller, { what: 'request.reported', id, version: 1, after: null, scope });
  await inTransaction(deps.db.app, (tx) =>
    record(tx, schemaName, { ...told, id, event: null, audit: { ...told.audit, asked } }),
  );
  return { id: encodeId('aud', id) };
}
