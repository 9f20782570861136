// Consumes from the mailbox until it is killed: notes what it took, and acknowledges the fast ones; a slow one outlives it.
import { appendFileSync } from 'node:fs';
import { openMailbox } from '../src/bus/mailbox.js';
import type { ConsumeSpec } from '../src/bus/port.js';
import { openDatabase } from '../src/database.js';
import { setTimeout as sleep } from 'node:timers/promises';

const [url = '', spec = '', notes = ''] = process.argv.slice(2);
const bus = openMailbox({ db: openDatabase({ url, applicationName: 'bus-child', poolSize: 4 }), pollMs: 50 });
bus.consume(JSON.parse(spec) as ConsumeSpec, async (message) => {
  appendFileSync(notes, `took ${message.id}\n`);
  await sleep(message.id.endsWith('-slow') ? 60_000 : 5);
  appendFileSync(notes, `done ${message.id}\n`);
  return 'ack';
});
