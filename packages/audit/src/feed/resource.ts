import { encodeId } from '@sentral/contracts/ids';

/** The id on the wire of a resource that the feed names by type and uuid; another type is a bug. */
export function wireId(resourceType: string, uuid: string): string {
  // What is told of a request has no id but that of the record that it becomes.
  if (resourceType === 'audit.request') return encodeId('aud', uuid);
  if (resourceType === 'audit.legalHold') return encodeId('lgh', uuid);
  // A month has no id but that of its first moment.
  if (resourceType === 'audit.partition') return uuid;
  throw new TypeError(`audit has no resource ${resourceType} (${uuid})`);
}
