import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ContextMigrations } from '@sentral/kernel/migrate';

/** Where a context's package ships the dump that its migrations must give. */
export function goldenFile(migrations: ContextMigrations): string {
  return path.join(migrations.folder, 'schema.txt');
}

/** That dump. */
export function goldenOf(migrations: ContextMigrations): string {
  return readFileSync(goldenFile(migrations), 'utf8');
}
