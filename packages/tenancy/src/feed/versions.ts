import type { Versions } from '@sentral/kernel/feed';
import { auditedTables } from '../schema/catalogue.js';
import { wireId } from './resource.js';

/** What of this context is counted against its records. */
export const versions: Versions = {
  schema: 'tenancy',
  sources: auditedTables.map((table) =>
    table === 'scope'
      ? { table, type: `'tenancy.' || kind` }
      : table === 'principal'
        ? { table, type: `'tenancy.' || case kind when 'user' then 'user' else 'serviceAccount' end` }
        : { table },
  ),
  wireId,
};
