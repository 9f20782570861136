import { encodeId } from '@sentral/contracts/ids';
import type { Versions } from '@sentral/kernel/feed';
import { schemaName } from '../change.js';

/** The id on the wire of a resource that the feed names by type and uuid; another type is a bug. */
export function wireId(resourceType: string, uuid: string): string {
  // What is told of a request has no id but that of the record that it becomes; a redaction is of a record.
  if (resourceType === 'audit.request' || resourceType === 'audit.record') return encodeId('aud', uuid);
  if (resourceType === 'audit.legalHold') return encodeId('lgh', uuid);
  if (resourceType === 'audit.export') return encodeId('exp', uuid);
  // A month has no id but that of its first moment.
  if (resourceType === 'audit.partition') return uuid;
  throw new TypeError(`audit has no resource ${resourceType} (${uuid})`);
}

/** What of this context is counted against its records. */
export const versions: Versions = {
  schema: schemaName,
  sources: [{ table: 'legal_hold' }, { table: 'export' }],
  wireId,
};
