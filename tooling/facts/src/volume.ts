// A data centre of any size as SQL, for what measures beside a volume: rows alone, for a session that skips triggers. Each rack has a
// switch and servers with two ports, one of which is cabled to the switch.
export const serversInRack = 16;
/** With itself, its switch, the ports of that, and the ports of the servers. */
export const nodesInRack = 2 + serversInRack * 4;

const family = {
  rack: '8a01',
  switch: '8a02',
  server: '8a03',
  port: '8a04',
  switchPort: '8a05',
  cable: '8a06',
  allocation: '8a07',
  item: '8a08',
} as const;
export type Family = keyof typeof family;

/** The id of the n-th of a family; `n` is an expression. */
export const uuidText = (of: Family, n: string): string =>
  `('00000000-0000-7000-${family[of]}-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** The same of a number. Servers count over all racks, from 1. */
export const uuidOf = (of: Family, n: number): string =>
  `00000000-0000-7000-${family[of]}-${n.toString(16).padStart(12, '0')}`;

/** Racks from one number to another in a site, all of one age. */
export function rackTexts({ site, from, to, age }: { site: string; from: number; to: number; age: string }): string[] {
  const racks = `generate_series(${from}, ${to}) r`;
  const boxes = `${racks}, generate_series(1, ${serversInRack}) s`;
  const box = `(r - 1) * ${serversInRack} + s`;
  const at = `now() - interval '${age}'`;
  const node = `insert into inventory.node (created_at, updated_at, id, kind, name, parent_id) select ${at}, ${at},`;
  return [
    `${node} ${uuidText('rack', 'r')}, 'rack', 'rack-' || r, '${site}' from ${racks}`,
    `${node} ${uuidText('switch', 'r')}, 'switch', 'switch-' || r, ${uuidText('rack', 'r')} from ${racks}`,
    `${node} ${uuidText('server', box)}, 'server', 'server-' || s, ${uuidText('rack', 'r')} from ${boxes}`,
    `${node} ${uuidText('port', `2 * (${box}) + p`)}, 'interface', 'eth' || p, ${uuidText('server', box)} from ${boxes}, generate_series(0, 1) p`,
    `${node} ${uuidText('switchPort', box)}, 'interface', 'port' || s, ${uuidText('switch', 'r')} from ${boxes}`,
    `insert into inventory.edge (created_at, updated_at, id, edge_type) select ${at}, ${at}, ${uuidText('cable', box)}, 'connects' from ${boxes}`,
    `insert into inventory.edge_end (since, edge_id, edge_type, side, ordinal, node_id)
       select ${at}, ${uuidText('cable', box)}, 'connects', side, 0, case side when 'a' then ${uuidText('port', `2 * (${box})`)} else ${uuidText('switchPort', box)} end
       from ${boxes}, unnest(array['a', 'b']) side`,
    `insert into inventory.capacity (node_id, class, total, max_unit, cap) select ${uuidText('server', box)}, 'vcpu', 1000000, 1000000, 1000000 from ${boxes}`,
  ];
}
