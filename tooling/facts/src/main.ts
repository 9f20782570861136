import { readFileSync } from 'node:fs';
import { halvesOf, topologyLines } from './placement.js';

// `node tooling/facts/dist/main.js topology.csv [servers.csv]` writes the change set that POST /v1/imports takes.
const [file, servers] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: main.js <topology.csv> [<servers.csv>]\n');
  process.exitCode = 2;
} else {
  const halves = servers === undefined ? [] : halvesOf(readFileSync(servers, 'utf8'));
  for (const line of topologyLines(readFileSync(file, 'utf8'), halves)) process.stdout.write(line);
}
