import { feedDropSql } from '@sentral/kernel/migration-files';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { rooms } from '../src/rooms.js';

const contexts = rooms.map(({ migrations }) => migrations).filter(({ context }) => context !== 'bus');

test.each(contexts)('$context drops days of its feed by the kernel’s rule', ({ context, folder }) => {
  const file = readdirSync(folder).findLast((name) => name.endsWith('_feed_drop.sql')) ?? '';
  expect(readFileSync(path.join(folder, file), 'utf8').trim()).toBe(feedDropSql(context));
});
