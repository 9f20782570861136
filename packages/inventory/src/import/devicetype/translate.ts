import { isProblem, problem } from '@sentral/contracts/problem';
import type { Attributes, ChangeItem, DeviceTypeResource } from '../change-set.js';
import { isMapping, readYaml, type Mapping } from '../yaml-text.js';
import type { TypeDocument } from './documents.js';

const componentLists = [
  'console-ports',
  'console-server-ports',
  'power-ports',
  'power-outlets',
  'interfaces',
  'front-ports',
  'rear-ports',
  'module-bays',
  'device-bays',
  'inventory-items',
] as const;

const gramsOf: Readonly<Record<string, number>> = { kg: 1000, g: 1, lb: 453.59237, oz: 28.349523125 };
const known = new Set<string>([
  'manufacturer',
  'model',
  'slug',
  'part_number',
  'u_height',
  'is_full_depth',
  'airflow',
  'weight',
  'weight_unit',
  'subdevice_role',
  'comments',
  ...componentLists,
]);
/** These refer to each other by name, so they are text whatever a YAML reader makes of them. */
const names = new Set(['name', 'rear_port', 'power_port']);

/**
 * Translates device type files; a file that cannot be read is reported by its path and stops nothing else. The set is not the whole of
 * its source: a library is usually uploaded in parts.
 * @throws Problem malformed-request when not one file of the upload is a device type
 */
export async function* translateDeviceTypes(documents: AsyncIterable<TypeDocument>): AsyncGenerator<ChangeItem> {
  yield { item: 'head', format: 'devicetypes', complete: false };
  const seen = new Set<string>();
  let types = 0;
  let firstReason: string | undefined;
  for await (const document of documents) {
    const place = document.path ?? `line ${document.line}`;
    const reject = (key: string, reason: string): ChangeItem => {
      firstReason ??= `${key}: ${reason}`;
      return { item: 'rejected', line: document.line, key, reason };
    };
    let value: unknown;
    try {
      value = readYaml(document.text, place);
    } catch (error) {
      if (!isProblem(error, 'malformed-request')) throw error;
      yield reject(place, error.detail ?? 'it is not YAML');
      continue;
    }
    const resource = typeOf(value, document.path);
    if (typeof resource === 'string') {
      yield reject(place, resource);
      continue;
    }
    const externalId = `${resource.manufacturer}/${resource.slug}`;
    if (seen.has(externalId)) {
      yield reject(`${externalId}#${place}`, `${externalId} occurs twice in the upload; the first is taken`);
      continue;
    }
    seen.add(externalId);
    types += 1;
    yield { item: 'row', line: document.line, row: { op: 'upsert', externalId, resource } };
    for (const reference of danglingReferences(resource))
      yield { item: 'rejected', line: document.line, key: `${externalId}#${reference.port}`, reason: reference.reason };
  }
  if (types === 0)
    throw problem(
      'malformed-request',
      { position: 0 },
      `The upload holds no device type. ${firstReason ?? 'It is empty.'}`,
    );
}

function typeOf(value: unknown, path: string | undefined): DeviceTypeResource | string {
  if (!isMapping(value)) return 'it is not a mapping';
  const missing = ['manufacturer', 'model', 'slug'].filter(
    (field) => value[field] === undefined || value[field] === null || typeof value[field] === 'object',
  );
  if (missing.length > 0) return `it lacks ${missing.join(', ')}`;
  const height = value['u_height'] ?? 1;
  if (typeof height !== 'number' || !Number.isInteger(height * 2) || height < 0 || height > 200)
    return `its u_height ${JSON.stringify(height)} is no multiple of a half unit`;
  const components: Record<string, readonly Attributes[]> = {};
  for (const list of componentLists) {
    const entries = value[list] ?? [];
    if (!Array.isArray(entries) || !entries.every((entry) => isMapping(entry) && entry['name'] !== undefined))
      return `its ${list} are no list of named components`;
    if (entries.length > 0) components[list] = (entries as Mapping[]).map(component);
  }
  return {
    type: 'deviceType',
    manufacturer: String(value['manufacturer']),
    model: String(value['model']),
    slug: String(value['slug']),
    heightHalfUnits: height * 2,
    fullDepth: value['is_full_depth'] !== false,
    attributes: attributesOf(value, path),
    components,
  };
}

function component(entry: Mapping): Attributes {
  return Object.fromEntries(
    Object.entries(entry).map(([field, value]) => [
      field,
      names.has(field) && (typeof value === 'number' || typeof value === 'boolean') ? String(value) : value,
    ]),
  );
}

function attributesOf(value: Mapping, path: string | undefined): Attributes {
  const grams = typeof value['weight'] === 'number' ? gramsOf[String(value['weight_unit'])] : undefined;
  const own = {
    partNumber: value['part_number'],
    subdeviceRole: value['subdevice_role'],
    airflow: value['airflow'],
    weightGrams: grams === undefined ? undefined : Math.round((value['weight'] as number) * grams),
    comments: value['comments'],
    file: path,
    // What the library has and this version gives no meaning to is kept as it came.
    other: Object.fromEntries(Object.entries(value).filter(([field]) => !known.has(field))),
  };
  return Object.fromEntries(
    Object.entries(own).filter(
      ([, entry]) => entry !== undefined && entry !== null && !(isMapping(entry) && Object.keys(entry).length === 0),
    ),
  );
}

/** References between components are by name; one that leads nowhere is reported and the type is kept as it came. */
function* danglingReferences(type: DeviceTypeResource): Generator<{ readonly port: string; readonly reason: string }> {
  const named = (list: string): ReadonlySet<unknown> =>
    new Set((type.components[list] ?? []).map((entry) => entry['name']));
  const check = function* (list: string, field: string, target: string): Generator<{ port: string; reason: string }> {
    const targets = named(target);
    for (const entry of type.components[list] ?? []) {
      const to = entry[field];
      if (to !== undefined && to !== null && !targets.has(to))
        yield {
          port: `${list}/${String(entry['name'])}`,
          reason: `its ${field} ${JSON.stringify(to)} is not among the ${target} of the type`,
        };
    }
  };
  yield* check('front-ports', 'rear_port', 'rear-ports');
  yield* check('power-outlets', 'power_port', 'power-ports');
}
