import type { RackPosition } from '../change-set.js';
import type { Row } from './dump.js';
import { decimal, type Source } from './source.js';

/** A place that the file states and that cannot be occupied; the device is kept without it. */
export interface Unplaced extends RackPosition {
  readonly reason: string;
}

export interface RackPositions {
  readonly placed: ReadonlyMap<string, RackPosition>;
  readonly unplaced: ReadonlyMap<string, Unplaced>;
}

/** Units are counted from `starting_unit` (since 3.7) in the source and from half unit 0 at the bottom here. */
export function startingUnit(rack: Row | undefined): number {
  return decimal(rack?.fields['starting_unit']) ?? 1;
}

function positionOf(source: Source, device: Row): RackPosition | undefined {
  const position = decimal(device.fields['position']);
  if (position === undefined) return undefined;
  const type = source.get('dcim.devicetype', device.fields['device_type']);
  const heightHalfUnits = Math.round((decimal(type?.fields['u_height']) ?? 1) * 2);
  if (heightHalfUnits === 0) return undefined;
  const rack = source.get('dcim.rack', device.fields['rack']);
  return {
    face: device.fields['face'] === 'rear' ? 'rear' : 'front',
    startHalfUnit: Math.round((position - startingUnit(rack)) * 2),
    heightHalfUnits,
    fullDepth: type?.fields['is_full_depth'] === true,
  };
}

/** Places the devices of all racks in order of their keys, so that of two that want one unit it is always the same that gets it. */
export function rackPositions(source: Source, parentOf: (row: Row) => string | undefined): RackPositions {
  const placed = new Map<string, RackPosition>();
  const unplaced = new Map<string, Unplaced>();
  const taken = new Map<string, string>();
  const devices = [...source.all('dcim.device')].filter((row) => row.fields['rack'] !== undefined);
  for (const device of devices.sort((a, b) => a.pk - b.pk)) {
    const position = positionOf(source, device);
    if (position === undefined) continue;
    const rackKey = `dcim.rack:${String(device.fields['rack'])}`;
    const rack = source.find(rackKey);
    const heightHalfUnits = Math.round((decimal(rack?.fields['u_height']) ?? 0) * 2);
    const end = position.startHalfUnit + position.heightHalfUnits;
    const cells: string[] = [];
    for (const face of position.fullDepth ? ['front', 'rear'] : [position.face]) {
      for (let half = position.startHalfUnit; half < end; half += 1) cells.push(`${rackKey}/${face}/${half}`);
    }
    const holder = cells.map((cell) => taken.get(cell)).find((key) => key !== undefined);
    let reason: string | undefined;
    if (parentOf(device) !== rackKey) reason = 'it is installed in a bay and also has a position in a rack';
    else if (position.startHalfUnit < 0 || end > heightHalfUnits) reason = 'its position lies outside the rack';
    else if (holder !== undefined) reason = `its position is taken by ${holder}`;
    if (reason !== undefined) {
      unplaced.set(device.key, { ...position, reason });
      continue;
    }
    for (const cell of cells) taken.set(cell, device.key);
    placed.set(device.key, position);
  }
  return { placed, unplaced };
}
