import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawOf, spoiled, type Draw } from './drawn.js';
import { startServer, type Json, type TestServer } from './start-server.js';

// Files of every format with something wrong in many of their rows, or anywhere in their text: each is refused as a whole or ends, every
// row has its outcome, and what was refused says why. SENTRAL_FUZZ_RUNS is how many rounds of ten files, SENTRAL_FUZZ_SEED what is drawn.
const rounds = Number(process.env['SENTRAL_FUZZ_RUNS'] ?? 1);
const seed = Number(process.env['SENTRAL_FUZZ_SEED'] ?? 1);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const fixtures = path.resolve(import.meta.dirname, '../../../fixtures');
const textOf = (...at: readonly string[]): string => readFileSync(path.join(fixtures, ...at), 'utf8');
const library = readdirSync(path.join(fixtures, 'devicetypes'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.ya?ml$/.test(name))
  .toSorted()
  .slice(0, 30)
  .map((name) => textOf('devicetypes', name).replace(/^---\n/, ''));

const scraps = ['\t', '"', "'", ': ', '- ', '{', '}', '[', '&a ', '*a', '!x ', '\\', '\u0000', '|', '>', '#', '%', '\n', '  ', '1e999', '~', '<<: *a']; // prettier-ignore
function scratched(text: string, times: number, draw: Draw): string {
  let now = text;
  for (let n = 0; n < times; n += 1) {
    const at = draw.below(now.length);
    now = draw.chance(0.3)
      ? now.slice(0, at) + now.slice(at + 1 + draw.below(40))
      : now.slice(0, at) + draw.one(scraps) + now.slice(at);
  }
  return now;
}

function netboxFile(draw: Draw): string {
  const rows = JSON.parse(textOf('netbox/netbox-demo-v3.6.json')) as { fields: object }[];
  const worse = (row: { fields: object }): unknown =>
    draw.chance(0.1) ? spoiled(row, draw) : { ...row, fields: spoiled(row.fields, draw) };
  return JSON.stringify(rows.map((row) => (draw.chance(0.1) ? worse(row) : row)).filter((row) => !!row));
}

function changeSet(draw: Draw): string {
  const any = () => draw.one(['r1', 'r2', 's1', 'k1', 'k2', 'd1', 'd2', 'sp', 'nd', 'nowhere']);
  const resources: readonly (() => object)[] = [
    () => ({ type: 'node', kind: draw.one(['region', 'site', 'rack', 'device', 'interface']), parent: any() }),
    () => ({ type: 'node', kind: draw.one(['region', 'site']), name: 'n', attributes: { a: 1 }, labels: { team: 'x' } }),
    () => ({ type: 'edge', edgeType: draw.one(['connects', 'depends']), a: [any(), any()].slice(draw.below(2)), b: [any()] }),
    () => ({ type: 'addressSpace', name: 'sp' }),
    () => ({ type: 'addressBlock', space: 'sp', cidr: draw.one(['10.0.0.0/8', '10.0.0.0/24', '10.0.0.1/24', '::/0', 'x']) }),
    () => ({ type: 'address', space: 'sp', address: draw.one(['10.0.0.1', '::1', '999.1.1.1']), prefixLength: draw.below(200) }),
    () => ({ type: 'numberDomain', kind: 'vlan', name: 'nd', pooled: true }),
    () => ({ type: 'numberRange', domain: 'nd', start: draw.below(20), end: draw.one([9, 30, 4095, 2 ** 40]) }),
    () => ({ type: 'number', domain: 'nd', value: draw.one([0, 1, 4094, 4095, 2 ** 33]) }),
    () => ({ type: 'rackReservation', rack: any(), units: [draw.below(50)] }),
    () => ({ type: 'deviceType', manufacturer: 'M', model: 'x', slug: draw.one(['a', 'b']), heightHalfUnits: 2, fullDepth: true }),
    () => ({ type: 'tenant', name: 'Acme' }),
  ]; // prettier-ignore
  const rows = Array.from({ length: 120 }, (_, n) => ({
    op: 'upsert',
    externalId: draw.chance(0.5) ? any() : `q${n}`,
    resource: draw.one(resources)(),
  }));
  return rows.map((row) => JSON.stringify(draw.chance(0.2) ? spoiled(row, draw) : row)).join('\n');
}

let sent = 0;
async function upload(format: string, body: string | Uint8Array<ArrayBuffer>, more = ''): Promise<Json> {
  const response = await fetch(`${server.url}/v1/imports?source=bad-${sent % 4}&format=${format}${more}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'idempotency-key': `bad-${(sent += 1)}`,
      'content-type': 'application/x-ndjson',
    },
    body,
  });
  const told = (await response.json()) as Json;
  expect([202, 400, 413, 422]).toContain(response.status);
  if (response.status !== 202) return told;
  const read = async (): Promise<Json> => (await server.ask(`/v1/imports/${told.id}`)).body;
  await expect.poll(async () => (await read()).state, { timeout: 60_000, interval: 50 }).toMatch(/succeeded|failed/);
  return read();
}

test('a file with anything wrong in it is refused or imported, row by row, and never fails for no reason', async () => {
  const draw = drawOf(seed);
  const ended: string[] = [];
  const reasons = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    const types = library.map((text) => scratched(text, draw.below(3), draw));
    const files: readonly (readonly [format: string, body: string])[] = [
      ['netbox', netboxFile(draw)],
      ...[1, 2, 3].map(
        () => ['prefixplan', scratched(textOf('ipamplan/rev-18.yaml'), 1 + draw.below(5), draw)] as const,
      ),
      ['devicetypes', types.join('\n---\n').replaceAll('\u0000', '')],
      ['devicetypes', types.map((text, n) => JSON.stringify({ path: `a/${n}.yaml`, text })).join('\n')],
      ...[1, 2, 3, 4].map(() => ['changeset', changeSet(draw)] as const),
    ];
    for (const [format, body] of files) {
      const more = (draw.chance(0.2) ? '&atomic=set' : '') + (draw.chance(0.2) ? '&dryRun=true' : '');
      const { state, problem, code, id } = await upload(format, body, more);
      ended.push(`${format}: ${state ?? 'refused'} ${problem?.code ?? code ?? ''}`);
      if (state === undefined) continue;
      const { items } = (await server.ask(`/v1/imports/${id}/results?outcome=refused&limit=500`)).body;
      for (const each of items) reasons.add(`${each.problem?.code}: ${each.problem?.detail}`);
    }
  }
  expect(ended.filter((each) => /internal|undefined/.test(each))).toEqual([]);
  expect([...reasons].filter((each) => /internal|violates|syntax/.test(each))).toEqual([]);
  expect(ended.filter((each) => each.includes('succeeded')).length).toBeGreaterThan(0);
  expect(reasons.size).toBeGreaterThan(20);
}, 1_800_000);

test.each([
  ['devicetypes', 'manufacturer: A\nmodel: "x\\0y"\nslug: a-x\n', 'A/a-x'],
  ['devicetypes', 'manufacturer: A\nmodel: "x\\uD800"\nslug: "a-\\0"\n', 'A/a-\ufffd'],
  ['netbox', '[{"model":"dcim.region","pk":1,"fields":{"name":"a\\u0000b","slug":"s"}}]', 'dcim.region:1'],
  [
    'changeset',
    '{"op":"upsert","externalId":"r","resource":{"type":"node","kind":"region","attributes":{"a\\ud800":1}}}',
    'r',
  ],
])('%s: a row with text that cannot be kept is refused by its key', async (format, body, key) => {
  const { id, state } = await upload(format, body);
  const { items } = (await server.ask(`/v1/imports/${id}/results?outcome=refused`)).body;
  expect([state, items.map(({ externalId, problem }: Json) => [externalId, problem.code])]).toEqual([
    'succeeded',
    [[key, 'validation-failed']],
  ]);
});

test('a file that is no text is refused', async () => {
  for (const body of ['a: \u0000\n', new Uint8Array([0x61, 0xff])])
    expect((await upload('devicetypes', body)).code).toBe('malformed-request');
});

test('a character of two units on the edge of two pieces stays whole', async () => {
  const row = (key: string, name: string) =>
    `${JSON.stringify({ op: 'upsert', externalId: key, resource: { type: 'node', kind: 'region', name } })}\n`;
  const [before, after] = row('edge', '|').split('|') as [string, string];
  const first = row('first', 'at the beginning');
  // The pieces are of 524,288 units: the pair of the rocket lies on both sides.
  const blank = '\n'.repeat(524_288 - first.length - before.length - 1);
  expect(await upload('changeset', `${first}${blank}${before}🚀${after}`)).toMatchObject({ state: 'succeeded' });
  const { items } = (await server.ask('/v1/nodes?kind=region&name=%F0%9F%9A%80')).body;
  expect(items.map(({ name }: Json) => name)).toEqual(['🚀']);
});
