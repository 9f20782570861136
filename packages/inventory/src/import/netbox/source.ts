import type { KeptModel } from './fields.js';
import type { Dump, Fields, Row } from './dump.js';

/** Reads over a dump that hide where a field stands in this version of NetBox. */
export interface Source {
  all(model: KeptModel): Iterable<Row>;
  get(model: KeptModel, pk: unknown): Row | undefined;
  /** The row that a key like `dcim.site:21` names. */
  find(key: string): Row | undefined;
  /** A generic foreign key as a key. */
  reference(type: unknown, id: unknown): string | undefined;
  /** Site, location, region or site group of a prefix or cluster: `site` up to 4.1, `scope_type` and `scope_id` from 4.2. */
  scope(fields: Fields): string | undefined;
  slug(model: KeptModel, pk: unknown): string | undefined;
  tags(key: string): readonly string[] | undefined;
  /** The MAC of an interface: a field of it up to 4.1, a row of its own from 4.2. */
  mac(row: Row): string | undefined;
}

export const keyOf = (model: string, pk: unknown): string | undefined =>
  typeof pk === 'number' ? `${model}:${pk}` : undefined;

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Decimals are strings since 3.3 and numbers before. */
export function decimal(value: unknown): number | undefined {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/** Opens a dump for reading by key. */
export function openSource(dump: Dump): Source {
  const types = new Map<number, string>();
  const ofModel = (model: string): ReadonlyMap<number, Row> => dump.rows.get(model) ?? new Map<number, Row>();
  for (const row of ofModel('contenttypes.contenttype').values())
    types.set(row.pk, `${String(row.fields['app_label'])}.${String(row.fields['model'])}`);

  const typeName = (type: unknown): string | undefined => {
    if (Array.isArray(type)) return type.join('.');
    if (typeof type === 'string' && type !== '') return type;
    return typeof type === 'number' ? (types.get(type) ?? `contenttype:${type}`) : undefined;
  };
  const reference = (type: unknown, id: unknown): string | undefined => {
    const name = typeName(type);
    return name !== undefined && typeof id === 'number' ? `${name}:${id}` : undefined;
  };
  const get = (model: string, pk: unknown): Row | undefined =>
    typeof pk === 'number' ? ofModel(model).get(pk) : undefined;
  const slug = (model: KeptModel, pk: unknown): string | undefined => text(get(model, pk)?.fields['slug']);

  const tagsOf = new Map<string, string[]>();
  for (const row of [...ofModel('extras.taggeditem').values(), ...(dump.keyless.get('extras.taggeditem') ?? [])]) {
    const key = reference(row.fields['content_type'], row.fields['object_id']);
    const tag = row.fields['tag'];
    const name = Array.isArray(tag) ? tag.join('.') : (slug('extras.tag', tag) ?? keyOf('extras.tag', tag));
    if (key !== undefined && name !== undefined) tagsOf.set(key, [...(tagsOf.get(key) ?? []), name].sort());
  }

  return {
    all: (model) => ofModel(model).values(),
    get,
    find: (key) => {
      const colon = key.lastIndexOf(':');
      return get(key.slice(0, colon), Number(key.slice(colon + 1)));
    },
    reference,
    scope: (fields) =>
      'scope_type' in fields ? reference(fields['scope_type'], fields['scope_id']) : keyOf('dcim.site', fields['site']),
    slug,
    tags: (key) => tagsOf.get(key),
    mac: (row) =>
      text(row.fields['mac_address']) ??
      text(get('dcim.macaddress', row.fields['primary_mac_address'])?.fields['mac_address']),
  };
}
