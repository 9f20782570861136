import { attribute, increment, textOf, type Imported, type Stored } from './resource.js';

type Component = Readonly<Record<string, unknown>>;

const componentsOf = (type: Stored, list: string): readonly Component[] =>
  ((type['components'] ?? {}) as Readonly<Record<string, readonly Component[]>>)[list] ?? [];
const heightOf = (type: Stored): number => Number(type['heightHalfUnits']) / 2;

export const deviceTypeSections = [
  'deviceTypes',
  'byManufacturer',
  'components',
  'interfaceTypes',
  'powerOutletTypes',
  'uHeights',
  'airflow',
  'subdeviceRoles',
  'types',
] as const;

/** The facts of an imported device type library. */
export function deviceTypeFacts(imported: Imported): Record<string, unknown> {
  const types = imported.resources.filter((resource) => resource.type === 'deviceType');
  const tally = (keys: readonly unknown[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const key of keys) increment(counts, String(key));
    return counts;
  };
  const components: Record<string, number> = {};
  for (const type of types)
    for (const [list, entries] of Object.entries((type['components'] ?? {}) as Record<string, readonly unknown[]>))
      increment(components, list, entries.length);
  const role = (type: Stored): unknown => attribute(type, 'subdeviceRole') ?? null;
  const bays = (type: Stored): number => componentsOf(type, 'device-bays').length;
  const keys = (is: (type: Stored) => boolean): string[] => types.filter(is).map(({ externalId }) => externalId);
  return {
    kind: 'devicetypes',
    deviceTypes: types.length,
    byManufacturer: tally(types.map((type) => type['manufacturer'])),
    components,
    interfaceTypes: tally(
      types.flatMap((type) => componentsOf(type, 'interfaces').map((port) => port['type'] ?? 'none')),
    ),
    powerOutletTypes: tally(
      types.flatMap((type) => componentsOf(type, 'power-outlets').map((port) => port['type'] ?? 'none')),
    ),
    uHeights: tally(types.map(heightOf)),
    airflow: tally(types.map((type) => attribute(type, 'airflow') ?? 'none')),
    subdeviceRoles: {
      parent: types.filter((type) => role(type) === 'parent').length,
      child: types.filter((type) => role(type) === 'child').length,
      childNotZeroU: keys((type) => role(type) === 'child' && heightOf(type) !== 0),
      parentWithoutBays: keys((type) => role(type) === 'parent' && bays(type) === 0),
      baysWithoutParentRole: keys((type) => role(type) !== 'parent' && bays(type) > 0),
    },
    awkward: {
      ...references(types),
      zeroU: types.filter((type) => heightOf(type) === 0).length,
      fractionalU: types
        .filter((type) => heightOf(type) % 1 !== 0)
        .map((type) => `${type.externalId} ${heightOf(type)}`),
      halfDepth: types.filter((type) => type['fullDepth'] === false).length,
      noInterfaces: types.filter((type) => componentsOf(type, 'interfaces').length === 0).length,
      weightMissing: types.filter((type) => attribute(type, 'weightGrams') === undefined).length,
    },
    types: types.map(typeFacts),
  };
}

function typeFacts(type: Stored): Record<string, unknown> {
  return {
    key: type.externalId,
    file: attribute(type, 'file'),
    model: type['model'],
    modelIsString: typeof type['model'] === 'string',
    uHeight: heightOf(type),
    fullDepth: type['fullDepth'],
    role: attribute(type, 'subdeviceRole') ?? null,
    partNumber: attribute(type, 'partNumber') ?? null,
    weightGrams: attribute(type, 'weightGrams') ?? null,
    maximumDraw: componentsOf(type, 'power-ports').reduce((sum, port) => sum + Number(port['maximum_draw'] ?? 0), 0),
    components: Object.fromEntries(
      Object.entries((type['components'] ?? {}) as Record<string, readonly unknown[]>).map(([list, entries]) => [
        list,
        entries.length,
      ]),
    ),
  };
}

function references(types: readonly Stored[]): Record<string, string[]> {
  const out = {
    unresolvedRearPort: [] as string[],
    unresolvedPowerPort: [] as string[],
    rearPositionOutOfRange: [] as string[],
    rearPositionUsedTwice: [] as string[],
  };
  for (const type of types) {
    const place = textOf(type, 'file') ?? type.externalId;
    const rear = new Map(
      componentsOf(type, 'rear-ports').map((port) => [port['name'], Number(port['positions'] ?? 1)]),
    );
    const used = new Set<string>();
    for (const port of componentsOf(type, 'front-ports')) {
      const position = Number(port['rear_port_position'] ?? 1);
      const positions = rear.get(port['rear_port']);
      const slot = `${String(port['rear_port'])}/${position}`;
      const line = `${place} ${String(port['name'])}`;
      if (positions === undefined) out.unresolvedRearPort.push(line);
      else if (position > positions) out.rearPositionOutOfRange.push(line);
      else if (used.has(slot)) out.rearPositionUsedTwice.push(line);
      used.add(slot);
    }
    const power = new Set(componentsOf(type, 'power-ports').map((port) => port['name']));
    for (const outlet of componentsOf(type, 'power-outlets')) {
      const to = outlet['power_port'];
      if (to !== undefined && to !== null && !power.has(to))
        out.unresolvedPowerPort.push(`${place} ${String(outlet['name'])}`);
    }
  }
  return out;
}
