import type { Versions } from '@sentral/kernel/feed';
import { auditedTables, laterAuditedTables } from '../schema/catalogue.js';
import { wireId } from './resource.js';

/** Classes that a migration ships: their first version was nobody's change. */
const shipped = `key in ('vcpu', 'memoryMib', 'diskGib', 'milliGpu', 'watt', 'halfU')`;

/** What of this context is counted against its records. */
export const versions: Versions = {
  schema: 'inventory',
  sources: [...auditedTables, ...laterAuditedTables].map((table) =>
    table === 'resource_class' ? { table, changes: `version - case when ${shipped} then 1 else 0 end` } : { table },
  ),
  wireId,
};
