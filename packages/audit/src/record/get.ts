import type { AuditRecord } from '@sentral/contracts/audit/record';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { findRecord } from './sql.js';

/**
 * One record.
 * @throws Problem not-found
 */
export async function getRecord(deps: Deps, caller: Caller, command: Command<'record', 'get'>): Promise<AuditRecord> {
  const id = decodeId('aud', command.id);
  const row = await readingAs(deps, caller, (on, visible) => findRecord(on, id, visible));
  if (row === undefined) throw problem('not-found', { resourceType: 'auditRecord' });
  return row.record;
}
