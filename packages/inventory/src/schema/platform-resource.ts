import { sql } from 'drizzle-orm';
import { check, foreignKey, index, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { allocation } from './allocation.js';
import { instant, inventory } from './context.js';
import { node } from './node.js';

/**
 * Where the record of a thing that a task makes lies, and what the thing stands on: a part of its node. A scope is asked for by
 * lists, and never walked up to as in the graph: a resource lies in one environment for good. Row-level security by tenant.
 */
export const platformResource = inventory.table(
  'platform_resource',
  {
    nodeId: uuid('node_id').primaryKey(),
    kind: text('kind').notNull(),
    name: text('name').notNull(),
    tenantId: uuid('tenant_id').notNull(),
    projectId: uuid('project_id'),
    scopeId: uuid('scope_id').notNull(),
    taskId: uuid('task_id').notNull(),
    allocationId: uuid('allocation_id').notNull(),
    endedAt: instant('ended_at'),
  },
  (t) => [
    foreignKey({ name: 'platform_resource_of_its_node', columns: [t.nodeId], foreignColumns: [node.id] }),
    foreignKey({
      name: 'platform_resource_allocation_exists',
      columns: [t.allocationId],
      foreignColumns: [allocation.id],
    }),
    check('platform_resource_kind_known', sql`${t.kind} in ('network', 'machine', 'cluster', 'bucket')`),
    uniqueIndex('platform_resource_name_once')
      .on(t.scopeId, t.kind, t.name)
      .where(sql`${t.endedAt} is null`),
    index('platform_resource_by_scope')
      .on(t.scopeId, t.nodeId)
      .where(sql`${t.endedAt} is null`),
    index('platform_resource_by_project')
      .on(t.projectId, t.nodeId)
      .where(sql`${t.endedAt} is null`),
    index('platform_resource_by_tenant')
      .on(t.tenantId, t.nodeId)
      .where(sql`${t.endedAt} is null`),
    index('platform_resource_by_allocation')
      .on(t.allocationId)
      .where(sql`${t.endedAt} is null`),
    index('platform_resource_by_task')
      .on(t.taskId)
      .where(sql`${t.endedAt} is null`),
  ],
);
