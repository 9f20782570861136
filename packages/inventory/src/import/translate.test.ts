import { expect, test } from 'vitest';
import { defaultLimits, type ChangeItem, type Resource } from './change-set.js';
import { dumpOf, items } from '../../test/import/collect.js';
import { translate } from './translate.js';

const rowsOf = (list: readonly ChangeItem[]): Map<string, Resource> =>
  new Map(
    list.flatMap((item) =>
      item.item === 'row' && item.row.op === 'upsert' ? [[item.row.externalId, item.row.resource] as const] : [],
    ),
  );
const rejectedOf = (list: readonly ChangeItem[]): string[] =>
  list.flatMap((item) => (item.item === 'rejected' ? [`${item.key}: ${item.reason}`] : []));
const headOf = (list: readonly ChangeItem[]) => list.find((item) => item.item === 'head');

test('the format is told by the content', async () => {
  expect(headOf(await items(dumpOf([['dcim.site', 1, { name: 'a' }]])))).toEqual({
    item: 'head',
    format: 'netbox',
    complete: true,
  });
  expect(headOf(await items('{"changeSet":1,"complete":true}\n'))).toEqual({
    item: 'head',
    format: 'changeset',
    complete: true,
  });
  expect(headOf(await items('{"op":"delete","externalId":"a"}\n'))).toEqual({
    item: 'head',
    format: 'changeset',
    complete: false,
  });
  expect(
    headOf(await items('# a plan\nnetwork::subnets:\n  r:\n    s: {public: {n: {ipv4: 10.0.0.0/24}}}\n')),
  ).toMatchObject({ format: 'prefixplan' });
  expect(
    headOf(await items('---\nmanufacturer: A\nmodel: B\nslug: b\n---\nmanufacturer: A\nmodel: C\nslug: c\n')),
  ).toMatchObject({ format: 'devicetypes' });
  expect(
    headOf(await items(`${JSON.stringify({ path: 'A/b.yaml', text: 'manufacturer: A\nmodel: B\nslug: b\n' })}\n`)),
  ).toMatchObject({ format: 'devicetypes' });
});

test('what is none of the formats is refused as a whole', async () => {
  const bad = [
    '',
    '   ',
    '<html>',
    'PK\u0003\u0004\u0000\u0000',
    '[]',
    '[{"x":1}]',
    '{"op":',
    'just words',
    'network::subnets: 5\n',
    'manufacturer: only\n',
    '[{"model":"auth.user","fields":{}}]',
  ];
  for (const text of bad) await expect(items(text), text).rejects.toMatchObject({ code: 'malformed-request' });
});

test('a file over the bound is refused while it arrives, with memory as flat as before', async () => {
  const bytes = 200 * 1024 * 1024;
  const row = Buffer.from(`{"model":"extras.objectchange","pk":1,"fields":{"postchange_data":"${'x'.repeat(4000)}"}},`);
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('[{"model":"dcim.site","pk":1,"fields":{"name":"a"}},');
    while (given < bytes) {
      given += row.length;
      yield row;
    }
    yield Buffer.from('{"model":"dcim.site","pk":2,"fields":{"name":"b"}}]');
  }
  const drain = async (fileBytes: number): Promise<number> => {
    let most = 0;
    given = 0;
    const before = process.memoryUsage().heapUsed;
    for await (const item of translate(endless(), { ...defaultLimits, fileBytes })) {
      if (item.item === 'skipped') expect(item.count).toBeGreaterThan(50_000);
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    return most;
  };
  await expect(drain(defaultLimits.fileBytes)).rejects.toMatchObject({ code: 'content-too-large' });
  expect(given).toBeLessThan(defaultLimits.fileBytes + 10_000);
  expect(await drain(2 * bytes)).toBeLessThan(64 * 1024 * 1024);
});

test('both layouts of a cable give one edge with its ends, n on each side', async () => {
  const ports = [1, 2, 3].map((pk) => ['dcim.interface', pk, { device: 1, name: `eth${pk}` }] as const);
  const old = await items(
    dumpOf([
      ['contenttypes.contenttype', 7, { app_label: 'dcim', model: 'interface' }],
      [
        'dcim.cable',
        1,
        { termination_a_type: 7, termination_a_id: 1, termination_b_type: ['dcim', 'interface'], termination_b_id: 2 },
      ],
      ...ports,
    ]),
  );
  expect(rowsOf(old).get('dcim.cable:1')).toMatchObject({
    type: 'edge',
    edgeType: 'connects',
    a: ['dcim.interface:1'],
    b: ['dcim.interface:2'],
  });
  const end = (pk: number, side: string, port: number, cable = 1) =>
    [
      'dcim.cabletermination',
      pk,
      { cable, cable_end: side, termination_type: ['dcim', 'interface'], termination_id: port },
    ] as const;
  const now = await items(
    dumpOf([
      ['dcim.cable', 1, { type: '' }],
      ['dcim.cable', 2, {}],
      end(1, 'A', 1),
      end(2, 'A', 2),
      end(3, 'B', 3),
      end(4, 'C', 1),
      end(5, 'B', 99),
      end(6, 'A', 1, 77),
      ...ports,
    ]),
  );
  expect(rowsOf(now).get('dcim.cable:1')).toMatchObject({
    a: ['dcim.interface:1', 'dcim.interface:2'],
    b: ['dcim.interface:3'],
  });
  expect(rowsOf(now).get('dcim.cable:2')).toMatchObject({ a: [], b: [] });
  expect(rejectedOf(now)).toEqual([
    'dcim.cabletermination:4: its cable_end is "C", neither A nor B',
    'dcim.cabletermination:5: it ends at dcim.interface:99, which is not in the file',
    'dcim.cabletermination:6: its cable is not in the file',
  ]);
});

test('what moved between versions of NetBox gives the same resources', async () => {
  const base = [
    ['dcim.site', 1, { name: 'a', slug: 'a' }],
    ['dcim.devicerole', 1, { slug: 'leaf' }],
    ['ipam.role', 1, { slug: 'x' }],
    ['circuits.circuit', 1, { cid: 'c', provider: 1 }],
    ['circuits.provider', 1, { name: 'p', slug: 'p' }],
  ] as const;
  const old = await items(
    dumpOf([
      ...base,
      ['dcim.device', 1, { name: 'd', site: 1, device_role: 1, airflow: '' }],
      ['dcim.interface', 1, { device: 1, name: 'e', mac_address: '00:00:5E:00:53:01' }],
      ['dcim.rack', 1, { name: 'r', site: 1, u_height: 42, type: '4-post-cabinet' }],
      ['ipam.prefix', 1, { prefix: '10.0.0.0/24', site: 1, status: 'active' }],
      ['ipam.vlangroup', 1, { name: 'g', slug: 'g' }],
      ['virtualization.cluster', 1, { name: 'k', site: 1 }],
      ['circuits.circuittermination', 1, { circuit: 1, term_side: 'A', site: 1, provider_network: null }],
    ]),
  );
  const now = await items(
    dumpOf([
      ...base,
      ['dcim.device', 1, { name: 'd', site: 1, role: 1, airflow: null }],
      ['dcim.interface', 1, { device: 1, name: 'e', primary_mac_address: 4 }],
      [
        'dcim.macaddress',
        4,
        { mac_address: '00:00:5E:00:53:01', assigned_object_type: ['dcim', 'interface'], assigned_object_id: 1 },
      ],
      ['dcim.rack', 1, { name: 'r', site: 1, u_height: 42, form_factor: '4-post-cabinet' }],
      ['ipam.prefix', 1, { prefix: '10.0.0.0/24', scope_type: ['dcim', 'site'], scope_id: 1, status: 'active' }],
      [
        'ipam.vlangroup',
        1,
        {
          name: 'g',
          slug: 'g',
          vid_ranges: JSON.stringify([JSON.stringify({ bounds: '[)', lower: '1', upper: '4095' })]),
        },
      ],
      ['virtualization.cluster', 1, { name: 'k', scope_type: ['dcim', 'site'], scope_id: 1 }],
      [
        'circuits.circuittermination',
        1,
        { circuit: 1, term_side: 'A', termination_type: ['dcim', 'site'], termination_id: 1 },
      ],
    ]),
  );
  expect(Object.fromEntries(rowsOf(now))).toEqual(Object.fromEntries(rowsOf(old)));
  expect(rowsOf(now).get('ipam.vlangroup:1#1-4094')).toEqual({
    type: 'numberRange',
    domain: 'ipam.vlangroup:1',
    start: 1,
    end: 4094,
  });
  expect(rowsOf(now).get('virtualization.cluster:1')).toMatchObject({ parent: 'dcim.site:1' });
});

test('a VLAN group of 4.1 may have several ranges, and one that cannot be read is reported', async () => {
  const range = (lower: string, upper: string, bounds = '[)') => JSON.stringify({ bounds, lower, upper });
  const list = await items(
    dumpOf([
      [
        'ipam.vlangroup',
        1,
        { name: 'g', slug: 'g', vid_ranges: JSON.stringify([range('100', '200'), range('300', '301', '[]')]) },
      ],
      ['ipam.vlangroup', 2, { name: 'h', slug: 'h', min_vid: 10, max_vid: 20 }],
      ['ipam.vlangroup', 3, { name: 'i', slug: 'i', vid_ranges: 'no list' }],
      ['ipam.vlan', 1, { vid: 5000, name: 'v', group: 1 }],
    ]),
  );
  expect([...rowsOf(list).keys()]).toEqual([
    'ipam.vlangroup:1',
    'ipam.vlangroup:1#100-199',
    'ipam.vlangroup:1#300-301',
    'ipam.vlangroup:2',
    'ipam.vlangroup:2#10-20',
  ]);
  expect(rejectedOf(list)).toEqual([
    'ipam.vlangroup:3: its ranges of VLAN ids cannot be read',
    'ipam.vlan:1: 5000 is not a VLAN id (1 to 4094)',
  ]);
});

test('devices stand where they stand: half units, a rack that starts at 5, bays, and two that want one unit', async () => {
  const device = (pk: number, fields: Record<string, unknown>) =>
    ['dcim.device', pk, { device_type: 1, site: 1, rack: 1, face: 'front', ...fields }] as const;
  const list = await items(
    dumpOf([
      ['dcim.devicebay', 1, { device: 1, name: 'bay', installed_device: 6 }],
      device(1, { position: '5.0' }),
      device(2, { position: '5.5', device_type: 2 }),
      device(3, { position: 46 }),
      device(4, { position: null }),
      device(5, { position: '8.0', device_type: 3 }),
      device(6, { rack: null, device_type: 3 }),
      device(7, { position: '7.5', device_type: 2 }),
      ['dcim.devicetype', 1, { u_height: '1.0', is_full_depth: true, slug: 't' }],
      ['dcim.devicetype', 2, { u_height: '0.5', is_full_depth: false, slug: 'h' }],
      ['dcim.devicetype', 3, { u_height: 0, is_full_depth: true, slug: 'z' }],
      ['dcim.rack', 1, { name: 'r', site: 1, u_height: 40, starting_unit: 5 }],
      ['dcim.site', 1, { name: 's', slug: 's' }],
    ]),
  );
  const rackOf = (pk: number): unknown => (rowsOf(list).get(`dcim.device:${pk}`) as { rack?: unknown }).rack;
  expect(rackOf(1)).toEqual({ face: 'front', startHalfUnit: 0, heightHalfUnits: 2, fullDepth: true });
  expect(rackOf(7)).toEqual({ face: 'front', startHalfUnit: 5, heightHalfUnits: 1, fullDepth: false });
  expect([2, 3, 4, 5, 6].map(rackOf)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  expect(rowsOf(list).get('dcim.device:6')).toMatchObject({ parent: 'dcim.device:1' });
  expect(rejectedOf(list)).toEqual([
    'dcim.device:2#position: its position is taken by dcim.device:1',
    'dcim.device:3#position: its position lies outside the rack',
  ]);
});

test('parents come before children, whatever the order of the file, and a cycle of parents is reported', async () => {
  const list = await items(
    dumpOf([
      ['dcim.region', 3, { name: 'c', slug: 'c', parent: 2 }],
      ['dcim.region', 2, { name: 'b', slug: 'b', parent: 1 }],
      ['dcim.region', 1, { name: 'a', slug: 'a', parent: null }],
      ['dcim.region', 8, { name: 'x', slug: 'x', parent: 9 }],
      ['dcim.region', 9, { name: 'y', slug: 'y', parent: 8 }],
    ]),
  );
  expect([...rowsOf(list).keys()]).toEqual(['dcim.region:1', 'dcim.region:2', 'dcim.region:3']);
  expect(rejectedOf(list).sort()).toEqual([
    'dcim.region:8: its parents form a cycle',
    'dcim.region:9: its parents form a cycle',
  ]);
});

test('addresses of any family keep host and mask apart, and a row that is none is reported by its key', async () => {
  const list = await items(
    dumpOf([
      [
        'ipam.ipaddress',
        1,
        { address: '2001:DB8:0:0::1/64', assigned_object_type: ['dcim', 'interface'], assigned_object_id: 1 },
      ],
      [
        'ipam.ipaddress',
        2,
        { address: '10.0.0.1/24', assigned_object_type: ['ipam', 'fhrpgroup'], assigned_object_id: 3 },
      ],
      ['ipam.ipaddress', 3, { address: '10.0.0.1/32', vrf: 1 }],
      ['ipam.ipaddress', 4, { address: '10.0.0.256/24' }],
      ['ipam.prefix', 1, { prefix: '2001:db8::1/32', status: 'active' }],
      ['ipam.prefix', 2, { prefix: '10.0.0.0/31', is_pool: true, status: 'container' }],
      ['ipam.vrf', 1, { name: 'v', rd: null, enforce_unique: true }],
      ['dcim.interface', 1, { device: 1, name: 'e' }],
    ]),
  );
  expect(rowsOf(list).get('ipam.ipaddress:1')).toMatchObject({
    space: 'ipam.vrf:global',
    address: '2001:db8::1',
    prefixLength: 64,
    node: 'dcim.interface:1',
  });
  expect(rowsOf(list).get('ipam.ipaddress:2')).toMatchObject({
    attributes: { refs: { assigned: 'ipam.fhrpgroup:3' } },
  });
  expect(rowsOf(list).get('ipam.ipaddress:2')).not.toHaveProperty('node');
  expect(rowsOf(list).get('ipam.ipaddress:3')).toMatchObject({
    space: 'ipam.vrf:1',
    address: '10.0.0.1',
    prefixLength: 32,
  });
  expect(rowsOf(list).get('ipam.prefix:1')).toMatchObject({
    cidr: '2001:db8::/32',
    attributes: { asWritten: '2001:db8::1/32' },
  });
  expect(rejectedOf(list)).toEqual(['ipam.ipaddress:4: "10.0.0.256/24" is not an address']);
});

test('rows that are no inventory are counted and nothing of them is kept', async () => {
  const list = await items(
    dumpOf([
      ['auth.user', null, { username: 'root', password: 'pbkdf2_sha256$secret' }],
      ['sessions.session', null, { session_data: 'secret' }],
      ['dcim.site', 1, { name: 'a' }],
    ]),
  );
  expect(list.filter(({ item }) => item === 'skipped')).toEqual([
    { item: 'skipped', model: 'auth.user', count: 1 },
    { item: 'skipped', model: 'sessions.session', count: 1 },
  ]);
  expect(JSON.stringify(list)).not.toContain('secret');
});

test('names of ports are text in YAML, and a reference that leads nowhere is reported', async () => {
  const list = await items(
    'manufacturer: M\nmodel: X\nslug: x\nu_height: 0.5\nrear-ports:\n  - name: 08\n    type: 8p8c\n  - name: 10\n    type: 8p8c\nfront-ports:\n  - {name: 1, rear_port: 08}\n  - {name: 2, rear_port: 10}\n  - {name: 3, rear_port: 09}\n',
  );
  const type = rowsOf(list).get('M/x');
  expect(type).toMatchObject({
    heightHalfUnits: 1,
    fullDepth: true,
    components: {
      'rear-ports': [{ name: '08' }, { name: '10' }],
      'front-ports': [{ name: '1', rear_port: '08' }, { rear_port: '10' }, { rear_port: '09' }],
    },
  });
  expect(rejectedOf(list)).toEqual(['M/x#front-ports/3: its rear_port "09" is not among the rear-ports of the type']);
});

test('a line that is JSON and no row is reported, a line over the bound stops the file', async () => {
  const good = JSON.stringify({ op: 'upsert', externalId: 'a', resource: { type: 'addressSpace', name: 'a' } });
  const list = await items(
    `${good}\r\n{"op":"upsert","externalId":"b","resource":{"type":"node"}}\n${good}\n{"op":"delete","externalId":"c","more":1}\n`,
  );
  expect([...rowsOf(list).keys()]).toEqual(['a']);
  expect(rejectedOf(list).map((text) => text.slice(0, 4))).toEqual(['b: r', 'a#3:', 'c: m']);
  await expect(items(`${good}\n{"a":"${'x'.repeat(70_000)}"}\n`)).rejects.toMatchObject({
    code: 'content-too-large',
    facts: { line: 2 },
  });
  await expect(items(`${good}\n`.repeat(20), { ...defaultLimits, lines: 10 })).rejects.toMatchObject({
    code: 'content-too-large',
  });
});

test('a word that no row may have is told by its key, whatever the format', async () => {
  const dump = dumpOf([['ipam.prefix', 1, { prefix: '10.0.0.0/24', status: 'In Service' }]]);
  expect(rejectedOf(await items(dump))).toEqual([
    expect.stringMatching(/^ipam\.prefix:1: resource\.status: .*"In Service"$/),
  ]);
});
