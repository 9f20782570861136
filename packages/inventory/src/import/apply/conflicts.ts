import { rangeFault } from '../../number-range/rules.js';
import { parseAddress } from '../ip.js';
import type { SetToJudge } from './judge.js';
import { refusal, typeKey, type Planned, type RackShape, type Refusal } from './plan.js';
import { rackShape } from './values.js';

export interface Conflicts {
  readonly refusals: ReadonlyMap<Planned, Refusal>;
  readonly besides: ReadonlySet<string>;
}

const taken = (detail: string): Refusal => refusal('allocation-conflict', detail);
const impossible = (detail: string): Refusal => refusal('topology-violation', detail);

/**
 * Where two rows want one thing: rack units, a port, a number twice in a pool, a device type. The first of the file gets it. And what
 * does not fit into what it lies in, or no longer around what lies in it.
 */
export function conflicts(set: SetToJudge, byKey: ReadonlyMap<string, Planned>): Conflicts {
  const refusals = new Map<Planned, Refusal>();
  const besides = new Set<string>();
  const claims = new Map<string, string>();
  const ports = new Map<string, string>();
  const ranges = new Map<string, Planned[]>();
  const holds = new Set<string>();
  const typesHere = new Map<string, string>();
  const idOf = (key: string): string | undefined => byKey.get(key)?.id ?? set.known.get(key)?.id;
  const shapeOf = (key: string): RackShape | undefined => {
    const rack = byKey.get(key);
    if (rack === undefined) return set.surroundings.racks.get(key);
    return rack.resource.type === 'node' && rack.resource.kind === 'rack'
      ? rackShape(rack.resource.attributes)
      : undefined;
  };
  const claim = (
    row: Planned,
    rackKey: string,
    cells: { layer: string; faces: readonly string[]; from: number; to: number },
  ): void => {
    const shape = shapeOf(rackKey);
    if (shape === undefined) return void refusals.set(row, impossible(`${rackKey} is no rack`));
    if (cells.from < 0 || cells.to > shape.heightHalfUnits)
      return void refusals.set(row, impossible('its units lie outside the rack'));
    for (const face of cells.faces) {
      for (let half = cells.from; half < cells.to; half += 1) {
        const cell = `${idOf(rackKey)}/${cells.layer}/${face}/${half}`;
        const holder =
          claims.get(cell) ??
          (set.surroundings.claimedElsewhere.has(cell) ? 'something that was there before' : undefined);
        if (holder !== undefined && holder !== row.key)
          return void refusals.set(row, taken(`its units are taken by ${holder}`));
        claims.set(cell, row.key);
      }
    }
  };
  const occupy = (row: Planned, place: string): void => {
    if (holds.has(place) || set.surroundings.heldElsewhere.has(place)) besides.add(row.id);
    else holds.add(place);
  };

  const unfit = ({ id, resource }: Planned): Refusal | undefined => {
    if (resource.type === 'node' && resource.kind === 'rack') {
      const height = rackShape(resource.attributes)?.heightHalfUnits ?? 0;
      return height < (set.surroundings.claimedTo.get(id) ?? 0)
        ? impossible('what stands in it would lie outside it')
        : undefined;
    }
    if (resource.type !== 'number' && resource.type !== 'numberRange') return undefined;
    const domain = byKey.get(resource.domain)?.resource;
    const kind = domain?.type === 'numberDomain' ? domain.kind : set.known.get(resource.domain)?.kind;
    const range = resource.type === 'number' ? { start: resource.value, end: resource.value } : resource;
    const fault = rangeFault(kind ?? '', range);
    return fault && refusal('validation-failed', `a VLAN is 1 to 4094, not ${fault.requested}`);
  };

  for (const row of byKey.values()) {
    const { resource } = row;
    const fault = unfit(row);
    if (fault !== undefined) refusals.set(row, fault);
    else if (resource.type === 'node' && resource.rack !== undefined && resource.parent !== undefined) {
      const { face, startHalfUnit: from, heightHalfUnits, fullDepth } = resource.rack;
      claim(row, resource.parent, {
        layer: 'device',
        faces: fullDepth ? ['front', 'rear'] : [face],
        from,
        to: from + heightHalfUnits,
      });
    } else if (resource.type === 'rackReservation') {
      const lowest = shapeOf(resource.rack)?.startingUnit ?? 1;
      for (const unit of resource.units)
        claim(row, resource.rack, {
          layer: 'reservation',
          faces: ['front', 'rear'],
          from: (unit - lowest) * 2,
          to: (unit - lowest) * 2 + 2,
        });
    } else if (resource.type === 'edge' && resource.edgeType === 'connects') {
      for (const end of [...resource.a, ...resource.b]) {
        const target = byKey.get(end)?.resource;
        const kind = target?.type === 'node' ? target.kind : set.known.get(end)?.kind;
        const holder =
          ports.get(end) ??
          (set.surroundings.cabledElsewhere.has(idOf(end) ?? '') ? 'a cable that was there before' : undefined);
        if (kind !== undefined && set.surroundings.kinds.get(kind)?.isConnectable === false)
          refusals.set(row, impossible(`nothing is connected to a ${kind} (${end})`));
        else if (holder !== undefined) refusals.set(row, taken(`${end} is cabled by ${holder}`));
      }
      if (!refusals.has(row)) for (const end of [...resource.a, ...resource.b]) ports.set(end, row.key);
    } else if (resource.type === 'numberRange') {
      const others = ranges.get(resource.domain) ?? [];
      ranges.set(resource.domain, others);
      const overlaps = (other: { readonly start: number; readonly end: number }): boolean =>
        other.start <= resource.end && resource.start <= other.end;
      const holder = others.find(({ resource: other }) => other.type === 'numberRange' && overlaps(other));
      const domainId = idOf(resource.domain);
      if (holder !== undefined) refusals.set(row, taken(`it overlaps ${holder.key}`));
      else if (set.surroundings.rangesElsewhere.some((other) => other.domainId === domainId && overlaps(other)))
        refusals.set(row, taken('it overlaps a range that was there before'));
      else others.push(row);
    } else if (resource.type === 'address') {
      const address = parseAddress(resource.address);
      if (address !== undefined) occupy(row, `${idOf(resource.space)} ${address.family} ${address.value}`);
    } else if (resource.type === 'deviceType') {
      const type = typeKey(resource);
      const holder =
        typesHere.get(type) ?? (set.surroundings.typesElsewhere.has(type) ? 'one that was there before' : undefined);
      if (holder === undefined) typesHere.set(type, row.key);
      else refusals.set(row, refusal('already-exists', `the device type ${type} is ${holder}`));
    } else if (resource.type === 'number') occupy(row, `${idOf(resource.domain)} ${resource.value}`);
  }
  return { refusals, besides };
}
