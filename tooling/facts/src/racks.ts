import { attribute, ofModel, refOf, type Imported, type RackPlace, type Stored } from './resource.js';

interface RackFacts {
  readonly key: string;
  readonly uHeight: number;
  readonly devices: number;
  readonly occupiedUnits: number;
  readonly reservedUnits: number;
  readonly freeUnits: number;
  readonly conflicts: readonly unknown[];
  readonly [fact: string]: unknown;
}

export function racks(imported: Imported): Record<string, unknown> {
  const devices = ofModel(imported, 'dcim.device');
  const reservations = ofModel(imported, 'dcim.rackreservation');
  const list = ofModel(imported, 'dcim.rack').map((rack) =>
    rackFacts(
      rack,
      devices.filter((device) => refOf(device, 'rack') === rack.externalId),
      reservations
        .filter((reservation) => reservation.rack === rack.externalId)
        .flatMap((reservation) => reservation['units'] as readonly number[]),
    ),
  );
  const sum = (value: (rack: RackFacts) => number): number => list.reduce((total, rack) => total + value(rack), 0);
  return {
    racks: list.length,
    totalUnits: sum((rack) => rack.uHeight),
    occupiedUnits: sum((rack) => rack.occupiedUnits),
    reservedUnits: sum((rack) => rack.reservedUnits),
    freeUnits: sum((rack) => rack.freeUnits),
    emptyRacks: list.filter((rack) => rack.devices === 0).length,
    conflicts: sum((rack) => rack.conflicts.length),
    list,
  };
}

const numberOf = (key: string): number => Number(key.slice(key.lastIndexOf(':') + 1));

function rackFacts(rack: Stored, devices: readonly Stored[], reservedUnits: readonly number[]): RackFacts {
  const height = Number(attribute(rack, 'heightUnits')) * 2;
  const lowest = Number(attribute(rack, 'startingUnit') ?? 1);
  const faces = { front: new Map<number, string>(), rear: new Map<number, string>() };
  const conflicts: { unit: number; devices: string[] }[] = [];
  const tally = { placed: 0, unpositioned: 0, zeroU: 0, fractional: 0, outside: 0 };
  for (const device of [...devices].sort((a, b) => numberOf(a.externalId) - numberOf(b.externalId))) {
    const place = (device.rack ?? attribute(device, 'unplaced')) as RackPlace | undefined;
    if (place === undefined) {
      if (attribute(device, 'position') === undefined) tally.unpositioned += 1;
      else tally.zeroU += 1;
      continue;
    }
    tally.placed += 1;
    if (place.startHalfUnit % 2 !== 0 || place.heightHalfUnits % 2 !== 0) tally.fractional += 1;
    const taken = place.fullDepth ? [faces.front, faces.rear] : [place.face === 'rear' ? faces.rear : faces.front];
    for (let half = place.startHalfUnit; half < place.startHalfUnit + place.heightHalfUnits; half += 1) {
      if (half < 0 || half >= height) {
        tally.outside += 1;
        continue;
      }
      for (const face of taken) {
        const holder = face.get(half);
        if (holder === undefined) face.set(half, device.externalId);
        else conflicts.push({ unit: half / 2 + lowest, devices: [holder, device.externalId] });
      }
    }
  }
  const reserved = new Set(reservedUnits.flatMap((unit) => [(unit - lowest) * 2, (unit - lowest) * 2 + 1]));
  const occupied = new Set([...faces.front.keys(), ...faces.rear.keys()]);
  let free = 0;
  let run = 0;
  let longest = 0;
  for (let half = 0; half < height; half += 1) {
    run = occupied.has(half) || reserved.has(half) ? 0 : run + 1;
    if (run > 0) free += 1;
    longest = Math.max(longest, run);
  }
  return {
    key: rack.externalId,
    name: rack.name,
    site: refOf(rack, 'site'),
    location: refOf(rack, 'location') ?? null,
    uHeight: height / 2,
    formFactor: attribute(rack, 'formFactor') ?? null,
    devices: devices.length,
    placed: tally.placed,
    unpositioned: tally.unpositioned,
    zeroU: tally.zeroU,
    fractional: tally.fractional,
    occupiedFront: faces.front.size / 2,
    occupiedRear: faces.rear.size / 2,
    occupiedUnits: occupied.size / 2,
    reservedUnits: reserved.size / 2,
    freeUnits: free / 2,
    largestFreeRun: longest / 2,
    conflicts,
    outsideRack: tally.outside / 2,
  };
}
