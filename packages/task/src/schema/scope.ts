import { scopeViewTable } from '@sentral/kernel/scopes/view';
import { task as schema } from './context.js';

/** What this context knows of tenancy's scopes: a projection. Bookkeeping. */
export const scopeView = scopeViewTable(schema);
