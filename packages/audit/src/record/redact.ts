import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { feedEvent, inChange } from '@sentral/kernel/change';
import { record as recordFact } from '@sentral/kernel/feed';
import { lockName } from '@sentral/kernel/lease';
import { schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findRecord, redactRecord } from './sql.js';

/**
 * Takes away what is sealed beside a record; the record stays, and its leaf. In the same log it is told by whom, and why. It is the
 * platform's to do, in the logs of tenants too.
 * @throws Problem not-found | state-conflict
 */
export async function redactSealed(
  deps: Deps,
  caller: Caller,
  command: Command<'record', 'redact'>,
): Promise<Result<'record', 'redact'>> {
  const { readScope } = caller;
  const id = decodeId('aud', command.id);
  const redaction = deps.newId();
  if (!('all' in readScope) && readScope.platform !== true) throw problem('not-found', { resourceType: 'auditRecord' });
  return inChange(deps.db.app, schemaName, {
    caller,
    constraints: {},
    work: async (tx) => {
      // Two at once: the app may not lock what it may not change, so the second one waits for a name.
      await lockName(tx, schemaName, `redact ${id}`);
      const row = await findRecord(tx, id, 'all');
      if (row === undefined) throw problem('not-found', { resourceType: 'auditRecord' });
      if (row.sealed === null)
        throw problem('state-conflict', {
          state: row.record.sealed === undefined ? 'nothing is sealed' : 'redacted',
          allowedStates: ['sealed'],
        });
      const { tenantId, projectId, environmentId } = row.record.scope;
      const scope = {
        ...(tenantId === undefined ? {} : { tenantId: decodeId('tnt', tenantId) }),
        ...(projectId === undefined ? {} : { projectId: decodeId('prj', projectId) }),
        ...(environmentId === undefined ? {} : { environmentId: decodeId('env', environmentId) }),
      };
      const what = { what: 'record.redacted', id, version: 1, after: null, reason: command.reason, scope } as const;
      await recordFact(tx, schemaName, { ...feedEvent(schemaName, caller, what), id: redaction, event: null });
      await redactRecord(tx, id);
      return { id: command.id, redaction: encodeId('aud', redaction) };
    },
  });
}
