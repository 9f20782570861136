import { fileURLToPath } from 'node:url';
import type { ContextMigrations } from '@sentral/kernel/migrate';

/** What the migrator and the tests run for this context. */
export const migrations: ContextMigrations = {
  context: 'task',
  folder: fileURLToPath(new URL('../migrations', import.meta.url)),
};
