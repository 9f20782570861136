// 64 clients want addresses of one prefix at the same time. Who gets one, and what are the others told?
//   node docs/examples/race.mjs [prefix] [clients]        needs a running `pnpm start`
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [cidr = '172.16.0.0/24', clients = '64'] = process.argv.slice(2);
const base = process.env.SENTRAL_URL ?? 'http://127.0.0.1:8080';
const token = readFileSync(`${process.env.SENTRAL_DATA_DIR ?? '.sentral'}/token`, 'utf8').trim();

async function call(method, path, body, headers = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: await response.json() };
}

async function findBlock() {
  for (let cursor = ''; ;) {
    const spaces = await call('GET', `/v1/addressSpaces?limit=500${cursor}`);
    for (const space of spaces.body.items) {
      const blocks = await call('GET', `/v1/addressSpaces/${space.id}/blocks?cidr=${encodeURIComponent(cidr)}`);
      if (blocks.body.items?.length > 0) return { space, block: blocks.body.items[0] };
    }
    if (!spaces.body.nextCursor) throw new Error(`no prefix ${cidr}: import the data first`);
    cursor = `&cursor=${encodeURIComponent(spaces.body.nextCursor)}`;
  }
}

const { space, block } = await findBlock();
const before = (await call('GET', `/v1/addressBlocks/${block.id}/available`)).body;
console.log(`${cidr} in ${space.name}: ${before.availableAddresses} addresses free, ${clients} clients begin`);

// The environment that every installation has.
const environment = 'env_0000000000e008000000000003';
const got = [];
const refusals = new Map();
let slowest = 0;

async function client(name) {
  for (let n = 1; ; n++) {
    const started = performance.now();
    const { status, body } = await call(
      'POST',
      `/v1/environments/${environment}/allocations`,
      {
        consumer: { service: 'race', kind: 'client', id: `${name}-${n}-${randomUUID()}` },
        items: [{ what: 'address', blockId: block.id }],
      },
      { 'idempotency-key': randomUUID() },
    );
    slowest = Math.max(slowest, performance.now() - started);
    if (status === 201) got.push({ name, address: body.items[0].address, fence: body.items[0].fence });
    else {
      refusals.set(`${status} ${body.code}`, (refusals.get(`${status} ${body.code}`) ?? 0) + 1);
      if (body.code !== 'overloaded') return body;
    }
  }
}

const started = performance.now();
const last = await Promise.all(Array.from({ length: Number(clients) }, (_, i) => client(`client-${i + 1}`)));
const seconds = (performance.now() - started) / 1000;
const distinct = new Set(got.map((g) => g.address)).size;
console.log(
  `${got.length} grants, ${distinct} distinct addresses, in ${seconds.toFixed(1)} s (slowest answer ${Math.round(slowest)} ms)`,
);
console.log(
  `first: ${got[0]?.name} got ${got[0]?.address} (fence ${got[0]?.fence}); last: ${got.at(-1)?.name} got ${got.at(-1)?.address} (fence ${got.at(-1)?.fence})`,
);
for (const [what, count] of refusals) console.log(`${count} × ${what}`);
console.log('what the losers were told:', JSON.stringify(last[0]));
