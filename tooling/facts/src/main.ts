import { readFileSync } from 'node:fs';
import { topologyLines } from './placement.js';

// `node tooling/facts/dist/main.js topology.csv` writes the change set that POST /v1/imports takes.
const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: main.js <topology.csv>\n');
  process.exitCode = 2;
} else for (const line of topologyLines(readFileSync(file, 'utf8'))) process.stdout.write(line);
