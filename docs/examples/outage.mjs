// A cluster of three machines while a service goes away and comes back, then one that the service refuses.
//   node docs/examples/outage.mjs        needs a running `pnpm start --demo`
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const folder = process.env.SENTRAL_DATA_DIR ?? '.sentral';
const base = process.env.SENTRAL_URL ?? 'http://127.0.0.1:8080';
const token = readFileSync(`${folder}/token`, 'utf8').trim();
// The environment that every installation has.
const environment = 'env_0000000000e008000000000003';
const port = /^STAND_IN_PORT=(.*)$/m.exec(readFileSync(`${folder}/stand-ins/maskin.env`, 'utf8'))[1];

async function call(method, path, body) {
  const response = await fetch(`${base}/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body ? { 'content-type': 'application/json', 'idempotency-key': randomUUID() } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const fault = (asked) => fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: JSON.stringify({ fault: asked }) });

/** Says every change of a step until the task has ended. */
async function watch(name, task) {
  const started = performance.now();
  const said = new Map();
  const say = (what) => console.log(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${what}`);
  console.log(`${name}: task ${task.id}`);
  for (;;) {
    const { state, error } = await call('GET', `/tasks/${task.id}`);
    for (const step of (await call('GET', `/tasks/${task.id}/steps`)).items) {
      const now = step.undoState === 'idle' ? step.state : `${step.state}, undo ${step.undoState}`;
      if (step.state === 'blocked' || step.state === 'skipped' || said.get(step.key) === now) continue;
      said.set(step.key, now);
      say(`${step.key.padEnd(12)} ${now}`);
    }
    if (['succeeded', 'failed', 'cancelled', 'stuck'].includes(state)) {
      say(`the task ${state}${error ? `: step ${error.step}, ${error.code}` : ''}`);
      return task.input.id;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const one = async (path, name) => (await call('GET', `${path}?limit=500`)).items.find((each) => each.name === name);
const domain = await one('/numberDomains', 'demo-vlans');
const space = await one('/addressSpaces', 'demo-addresses');
const [block] = (await call('GET', `/addressSpaces/${space.id}/blocks?cidr=10.20.0.0/16`)).items;
const suffix = randomUUID().slice(0, 4);
const order = (of, body) => call('POST', `/environments/${environment}/${of}`, body);

const network = await order('networks', {
  name: `front-${suffix}`,
  vlan: { domainId: domain.id },
  block: { blockId: block.id, prefixLength: 24 },
});
const networkId = await watch('a network', network);
const cluster = (name) =>
  order('clusters', {
    name: `${name}-${suffix}`,
    networkId,
    machines: { count: 3, size: { vcpu: 2, memoryMib: 1024 } },
    spec: { version: '1.33', machine: { image: 'debian-13' } },
  });

await fault({ kind: 'crash-before', action: 'machine.create' });
console.log('Maskin will be killed (SIGKILL) at its step; when it is, start it again: corepack pnpm stand-in maskin');
const made = await watch('a cluster of three machines', await cluster('web'));
const { machineIds, state } = await call('GET', `/clusters/${made}`);
console.log(`GET /v1/clusters/${made}: ${state}, ${machineIds.length} machines`);

await fault({ kind: 'refuse', action: 'machine.create', class: 'permanent', code: 'no_image' });
const refused = await watch('a cluster of which Maskin refuses a machine', await cluster('never'));
const answer = await fetch(`${base}/v1/clusters/${refused}`, { headers: { authorization: `Bearer ${token}` } });
console.log(`GET /v1/clusters/${refused}: ${answer.status}, nothing is left of it`);
