import type { ChangeItem } from '../change-set.js';
import { attributesOf, tenantOf } from './attributes.js';
import { keyOf, type Source } from './source.js';
import { rejected, upsert } from './translated.js';

/** Units of a rack that are promised to somebody: a list of integers, or the same as JSON text in some exports. */
export function* reservationItems(source: Source): Generator<ChangeItem> {
  for (const row of source.all('dcim.rackreservation')) {
    const rack = keyOf('dcim.rack', row.fields['rack']);
    const units = unitsOf(row.fields['units']);
    if (rack === undefined || units === undefined) {
      yield rejected(row, rack === undefined ? 'it names no rack' : 'its units cannot be read');
      continue;
    }
    yield upsert(row, {
      type: 'rackReservation',
      rack,
      units: [...new Set(units)].sort((a, b) => a - b),
      attributes: attributesOf(source, row, tenantOf(row)),
    });
  }
}

function unitsOf(value: unknown): readonly number[] | undefined {
  let list: unknown = value;
  if (typeof value === 'string') {
    try {
      list = JSON.parse(value);
    } catch {
      return undefined;
    }
  }
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const units = list.map(Number);
  return units.every(Number.isInteger) ? units : undefined;
}
