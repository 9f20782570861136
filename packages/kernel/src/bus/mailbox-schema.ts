// Where the mailbox's tables come from: the schema `bus`, its owner and the one login that works on it. No other source file
// imports this one, since the folder is found from where this file is built.
import { fileURLToPath } from 'node:url';
import type { ContextMigrations } from '../migration-files.js';

export const busMigrations: ContextMigrations = {
  context: 'bus',
  folder: fileURLToPath(new URL('../../migrations/bus', import.meta.url)),
  roles: [{ suffix: 'app', tables: ['select', 'insert', 'update', 'delete'], calls: true }],
};
