import { fileURLToPath } from 'node:url';
import type { ContextMigrations } from '@sentral/kernel/migrate';

/**
 * What the migrator and the tests run for this context. Narrower than the others (audit.md 7): what is on record is changed by functions alone, so the
 * app gets no DML by default, and each migration grants it on the bookkeeping tables by name.
 */
export const migrations: ContextMigrations = {
  context: 'audit',
  folder: fileURLToPath(new URL('../migrations', import.meta.url)),
  roles: [
    { suffix: 'app', tables: ['select'], calls: false },
    { suffix: 'read', tables: ['select'], calls: false },
    { suffix: 'platform', tables: ['select'], calls: false },
    { suffix: 'retention', tables: [], calls: false },
  ],
};
