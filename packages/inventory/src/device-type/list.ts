import type { Caller } from '@sentral/contracts/contract';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { page, readCursor, readDb } from '../reading.js';
import { selectDeviceType, toDeviceType, type DeviceTypeRow } from './sql.js';

/**
 * Hardware profiles, ordered by manufacturer and slug.
 * @throws Problem invalid-cursor
 */
export async function listDeviceTypes(
  deps: Deps,
  caller: Caller,
  command: Command<'deviceType', 'list'>,
): Promise<Result<'deviceType', 'list'>> {
  const keys = readCursor(command.cursor, ['text', 'text']);
  const q = query();
  q.and('t.ended_at is null');
  if (command.manufacturer !== undefined) q.and(`t.manufacturer = ${q.value(command.manufacturer)}`);
  if (keys !== undefined) q.and(`(t.manufacturer, t.slug) > (${q.value(keys[0])}, ${q.value(keys[1])})`);
  const text = `${selectDeviceType} ${q.where()} order by t.manufacturer, t.slug limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly DeviceTypeRow[];
  return page(rows, command.limit, { item: toDeviceType, keys: (row) => [row.manufacturer, row.slug] });
}
