import type { Versions } from '@sentral/kernel/feed';
import { auditedTables } from '../schema/catalogue.js';
import { wireId } from './resource.js';

/** What of this context is counted against its records. */
export const versions: Versions = {
  schema: 'task',
  sources: auditedTables.map((table) => (table === 'task' ? { table, changes: 'audit_version' } : { table })),
  wireId,
};
