import type { Versions } from '@sentral/kernel/feed';
import { auditedTables } from '../schema/catalogue.js';
import { wireId } from './resource.js';

/** What of this context is counted against its records. */
export const versions: Versions = {
  schema: 'task',
  sources: [
    ...auditedTables.map((table) => (table === 'task' ? { table, changes: 'audit_version' } : { table })),
    // The house finds them; what is on record is the one word of a person that ends them.
    {
      table: 'finding',
      type: `'task.finding'`,
      version: '1',
      changes: 'case when decided_by is null then 0 else 1 end',
    },
    {
      table: 'dead_letter',
      type: `'task.deadLetter'`,
      version: '1',
      changes: `case when state = 'open' then 0 else 1 end`,
    },
  ],
  wireId,
};
