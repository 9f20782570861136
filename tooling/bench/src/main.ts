import { appendFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { w1, w2, w4, w5b, type Workload } from './allocating.js';
import { w3, w5 } from './reading.js';
import { w7 } from './importing.js';
import { audit } from './auditing.js';
import { report } from './report.js';
import { startStand } from './stand.js';
import { w6 } from './tasking.js';
import { w8 } from './walking.js';

const workloads: Readonly<Record<string, Workload>> = {
  W1: w1,
  W2: w2,
  W3: w3,
  W4: w4,
  W5: w5,
  W5b: w5b,
  W6: w6,
  W7: w7,
  audit,
  W8: w8,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
    json: { type: 'string' },
    'cpu-prof': { type: 'string' },
  },
});
const asked = positionals.length === 0 ? Object.keys(workloads) : positionals;
const unknown = asked.filter((name) => workloads[name] === undefined);
if (unknown.length > 0) {
  console.error(
    `bench [${Object.keys(workloads).join(' | ')}]… [--seconds 5] [--rounds 2] [--json file] [--cpu-prof folder]: no ${unknown.join(', ')}`,
  );
  process.exit(2);
}

const jsonFile = values.json;
if (jsonFile !== undefined) rmSync(jsonFile, { force: true });
const write = (line: string) => {
  if (jsonFile !== undefined) appendFileSync(jsonFile, `${line}\n`);
};
const stand = await startStand({ profileDir: values['cpu-prof'] });
let reached = true;
try {
  console.log(
    `Sentral over HTTP beside the limit on the same PostgreSQL ${stand.postgresVersion}, ${cpus().length} processors, default durability, ${values.rounds} × ${values.seconds} s each`,
  );
  for (const name of asked) {
    const run = { stand, seconds: Number(values.seconds), rounds: Number(values.rounds) };
    for await (const figure of workloads[name]?.(run) ?? []) reached = report(figure, write) && reached;
  }
} finally {
  await stand.stop();
}
// What is missed is told; only a wrong answer or a failure fails the run.
process.exitCode = reached ? 0 : 1;
