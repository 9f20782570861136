import type { ChangeItem, EdgeResource } from '../change-set.js';
import { attributesOf, present, tenantOf } from './attributes.js';
import type { Row } from './dump.js';
import { decimal, keyOf, type Source } from './source.js';
import { upsert } from './translated.js';

/** One end of a cable as the file states it. */
interface CableEnd {
  readonly cable: unknown;
  readonly side: unknown;
  readonly to: string | undefined;
  readonly key: string;
  readonly line: number;
}

/** Ends are rows of their own since 3.3 and columns of the cable before; a file holds one of the two. */
function* cableEnds(source: Source): Generator<CableEnd> {
  let any = false;
  for (const row of source.all('dcim.cabletermination')) {
    any = true;
    const { cable, cable_end: side, termination_type: type, termination_id: id } = row.fields;
    yield { cable, side, to: source.reference(type, id), key: row.key, line: row.line };
  }
  if (any) return;
  for (const row of source.all('dcim.cable')) {
    for (const side of ['a', 'b'] as const) {
      const to = source.reference(row.fields[`termination_${side}_type`], row.fields[`termination_${side}_id`]);
      if (to !== undefined)
        yield { cable: row.pk, side: side.toUpperCase(), to, key: `${row.key}#${side}`, line: row.line };
    }
  }
}

interface Ends {
  readonly a: string[];
  readonly b: string[];
  /** Ends that the file names and does not hold: the cable is kept, and what it was meant to reach stays readable. */
  readonly unresolved: { readonly side: string; readonly to: string | undefined }[];
}

/** Cables as `connects` edges: one edge a cable, however many ends it has on each side. */
export function* cableItems(source: Source): Generator<ChangeItem> {
  const ends = new Map<unknown, Ends>();
  for (const row of source.all('dcim.cable')) ends.set(row.pk, { a: [], b: [], unresolved: [] });
  for (const end of cableEnds(source)) {
    const of = ends.get(end.cable);
    const refuse = (reason: string): ChangeItem => ({ item: 'rejected', line: end.line, key: end.key, reason });
    if (of === undefined) yield refuse('its cable is not in the file');
    else if (end.side !== 'A' && end.side !== 'B')
      yield refuse(`its cable_end is ${JSON.stringify(end.side ?? null)}, neither A nor B`);
    else if (end.to === undefined || source.find(end.to) === undefined) {
      of.unresolved.push({ side: end.side, to: end.to });
      yield refuse(`it ends at ${end.to ?? 'nothing'}, which is not in the file`);
    } else (end.side === 'A' ? of.a : of.b).push(end.to);
  }
  for (const row of source.all('dcim.cable')) {
    const { a, b, unresolved } = ends.get(row.pk) as Ends;
    const attributes = attributesOf(source, row, {
      ...tenantOf(row),
      cableType: row.fields['type'],
      status: row.fields['status'],
      color: row.fields['color'],
      length: decimal(row.fields['length']),
      lengthUnit: row.fields['length_unit'],
      unresolvedEnds: unresolved.length === 0 ? undefined : unresolved,
    });
    yield upsert(row, { type: 'edge', edgeType: 'connects', a, b, attributes });
  }
}

/** What NetBox states as a foreign key between nodes and containment does not say. */
export function* relationItems(source: Source): Generator<ChangeItem> {
  function* relation(
    row: Row,
    name: string,
    edge: Omit<EdgeResource, 'type' | 'a' | 'b'> & { readonly to: string | undefined },
  ): Generator<ChangeItem> {
    const { to, ...rest } = edge;
    if (to !== undefined) yield upsert(row, { type: 'edge', a: [row.key], b: [to], ...rest }, `${row.key}#${name}`);
  }
  for (const row of source.all('dcim.frontport')) {
    const attributes = present({ position: row.fields['rear_port_position'] ?? 1 });
    yield* relation(row, 'rear', {
      edgeType: 'backedBy',
      to: keyOf('dcim.rearport', row.fields['rear_port']),
      attributes,
    });
  }
  for (const row of source.all('dcim.interface')) {
    yield* relation(row, 'lag', { edgeType: 'memberOf', to: keyOf('dcim.interface', row.fields['lag']) });
  }
  for (const row of source.all('dcim.device')) {
    yield* relation(row, 'chassis', {
      edgeType: 'memberOf',
      to: keyOf('dcim.virtualchassis', row.fields['virtual_chassis']),
    });
  }
  for (const row of source.all('dcim.poweroutlet')) {
    yield* relation(row, 'supply', { edgeType: 'depends', to: keyOf('dcim.powerport', row.fields['power_port']) });
  }
}
