import { encodeId } from '@sentral/contracts/ids';

/** The id on the wire of a resource that the feed names by type and uuid; an unknown type is a bug. */
export function wireId(resourceType: string, uuid: string): string {
  if (resourceType === 'task.task') return encodeId('tsk', uuid);
  if (resourceType === 'task.schedule') return encodeId('sch', uuid);
  if (resourceType === 'task.finding') return encodeId('tfd', uuid);
  if (resourceType === 'task.deadLetter') return encodeId('dlt', uuid);
  throw new TypeError(`task has no resource ${resourceType} (${uuid})`);
}
