import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { items } from '../../test/import/collect.js';

interface Row {
  readonly model: string;
  readonly pk?: number;
  readonly fields: Record<string, unknown>;
}

const dump = async (): Promise<Row[]> =>
  JSON.parse(
    await readFile(new URL('../../../../fixtures/netbox/netbox-demo-v3.6.json', import.meta.url), 'utf8'),
  ) as Row[];
const site = ['dcim', 'site'];

/** A dump of 3.6 as 4.2 writes it. */
function asOf42(rows: Row[]): Row[] {
  for (const { model, fields } of rows) {
    if (model === 'ipam.prefix' || model === 'virtualization.cluster')
      Object.assign(fields, {
        scope_type: fields['site'] === null ? null : site,
        scope_id: fields['site'],
        site: undefined,
      });
    if (model === 'ipam.vlangroup') {
      const range = JSON.stringify({
        bounds: '[)',
        lower: String(fields['min_vid']),
        upper: String(Number(fields['max_vid']) + 1),
      });
      Object.assign(fields, { vid_ranges: JSON.stringify([range]), min_vid: undefined, max_vid: undefined });
    }
    if (model === 'circuits.circuittermination') {
      const network = fields['provider_network'];
      Object.assign(fields, {
        termination_type: network === null ? site : ['circuits', 'providernetwork'],
        termination_id: network ?? fields['site'],
        site: undefined,
        provider_network: undefined,
      });
    }
    if (model === 'dcim.rack') Object.assign(fields, { form_factor: fields['type'], type: undefined });
    for (const [name, value] of Object.entries(fields)) if (value === '') fields[name] = null;
  }
  return rows.toReversed();
}

/** A dump of 3.6 as 3.1 wrote it: cable ends in the cable, integer content types, numbers for heights. */
function asOf31(rows: Row[]): Row[] {
  const types = new Map<string, number>();
  const typeId = (type: unknown): number => {
    const name = (type as string[]).join('.');
    types.set(name, types.get(name) ?? types.size + 1);
    return types.get(name) as number;
  };
  const ends = rows.filter(({ model }) => model === 'dcim.cabletermination');
  const kept = rows.filter(({ model }) => model !== 'dcim.cabletermination' && model !== 'contenttypes.contenttype');
  for (const { model, pk, fields } of kept) {
    if (model === 'dcim.cable') {
      for (const end of ends.filter((each) => each.fields['cable'] === pk)) {
        const name = `termination_${String(end.fields['cable_end']).toLowerCase()}`;
        Object.assign(fields, {
          [`${name}_type`]: typeId(end.fields['termination_type']),
          [`${name}_id`]: end.fields['termination_id'],
        });
      }
    }
    if (model === 'dcim.device')
      Object.assign(fields, {
        device_role: fields['role'],
        role: undefined,
        position: fields['position'] === null ? null : Number(fields['position']),
      });
    if (model === 'dcim.devicetype') fields['u_height'] = Number(fields['u_height']);
    if (model === 'ipam.vlangroup')
      Object.assign(fields, {
        min_vid: undefined,
        max_vid: undefined,
        scope_type: fields['scope_type'] === null ? null : typeId(fields['scope_type']),
      });
    if (model === 'extras.taggeditem') fields['content_type'] = typeId(fields['content_type']);
  }
  return [
    ...kept,
    ...[...types].map(([name, pk]) => ({
      model: 'contenttypes.contenttype',
      pk,
      fields: { app_label: name.split('.')[0], model: name.split('.')[1] },
    })),
  ];
}

test('one data centre written by NetBox 3.1, 3.6 and 4.2 gives one change set', async () => {
  const resources = async (rows: Row[]): Promise<Record<string, unknown>> => {
    const list = await items(JSON.stringify(rows));
    expect(list.filter(({ item }) => item === 'rejected')).toEqual([]);
    return Object.fromEntries(
      list.flatMap((item) =>
        item.item === 'row' && item.row.op === 'upsert' ? [[item.row.externalId, item.row.resource]] : [],
      ),
    );
  };
  const now = await resources(await dump());
  expect(Object.keys(now).length).toBeGreaterThan(6000);
  expect(await resources(asOf42(await dump()))).toEqual(now);
  expect(await resources(asOf31(await dump()))).toEqual(now);
});
